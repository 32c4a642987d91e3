"""A source archive from upstream or, where that is out of reach, from Debian."""

# Asks the machine's own Debian mirror for a source archive of Debian 13 without
# touching the machine's configuration: apt gets private lists, a private cache
# and a private list of sources. apt checks signatures, the rule the SHA-256.
_FETCH_FROM_DEBIAN = """
set -eu
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' |
         grep -v security | sort -u | head -n 1)
[ -n "$mirror" ] || { echo "apt knows no Debian mirror" >&2; exit 1; }
mkdir -p apt/lists/partial apt/cache/archives/partial
echo "deb-src $mirror trixie main" > apt/sources.list
fetch() {
  apt-get -o Dir::Etc::sourcelist="$PWD/apt/sources.list" \\
          -o Dir::Etc::sourceparts=- \\
          -o Dir::State::lists="$PWD/apt/lists" \\
          -o Dir::Cache="$PWD/apt/cache" \\
          -o APT::Sandbox::User= \\
          -o Acquire::Retries=3 -qq "$@"
}
fetch update
fetch source --download-only --only-source --tar-only "$1"
mv ./"$1"_*.orig.tar.* "$2"
rm -rf apt
"""

def _from_upstream(ctx, may_fail):
    """Whether it worked; ends the build with the reason if it must."""
    return ctx.download_and_extract(
        url = ctx.attr.urls,
        sha256 = ctx.attr.sha256,
        stripPrefix = ctx.attr.strip_prefix,
        allow_fail = may_fail,
    ).success

def _is_debian(ctx):
    # Ubuntu's mirrors have no Debian sources.
    release = ctx.path("/etc/os-release")
    return release.exists and "\nID=debian\n" in "\n" + ctx.read(release)

def _from_debian(ctx):
    """Why it did not work, or None."""
    archive = "archive" + ctx.attr.debian_suffix
    result = ctx.execute(
        ["sh", "-c", _FETCH_FROM_DEBIAN, "sh", ctx.attr.debian_source, archive],
        timeout = 600,
    )
    if not ctx.path(archive).exists:
        return "Debian's source package {} can't be fetched either:\n{}".format(
            ctx.attr.debian_source,
            result.stderr,
        )
    found = ctx.execute(["sha256sum", archive]).stdout.split(" ")[0]
    expected = ctx.attr.debian_sha256 or ctx.attr.sha256
    if found != expected:
        return "Debian's source archive of {} has SHA-256 {}, expected {}".format(
            ctx.attr.debian_source,
            found,
            expected,
        )
    ctx.extract(archive, stripPrefix = ctx.attr.debian_prefix or ctx.attr.strip_prefix)
    ctx.delete(archive)
    return None

def _fetch(ctx):
    only_debian = ctx.os.environ.get("MAKE_GGUF_SOURCES") == "debian"
    if not only_debian and _from_upstream(ctx, may_fail = _is_debian(ctx)):
        return
    problem = _from_debian(ctx)
    if not problem:
        return
    if only_debian:
        fail(problem)
    # buildifier: disable=print
    print(problem)
    _from_upstream(ctx, may_fail = False)

def _source_archive_impl(ctx):
    _fetch(ctx)
    if ctx.attr.build_file:
        # Upstream's own build files are written for other versions of Bazel.
        for name in ["BUILD", "BUILD.bazel", "WORKSPACE", "WORKSPACE.bazel"]:
            ctx.delete(name)
        ctx.symlink(ctx.attr.build_file, "BUILD.bazel")
        ctx.file("WORKSPACE", "workspace(name = \"{}\")\n".format(ctx.name))

source_archive = repository_rule(
    implementation = _source_archive_impl,
    doc = "Tries `urls`, then the source package `debian_source` of Debian 13; each has its own SHA-256.",
    attrs = {
        "urls": attr.string_list(mandatory = True),
        "sha256": attr.string(mandatory = True),
        "strip_prefix": attr.string(),
        "debian_source": attr.string(mandatory = True),
        "debian_sha256": attr.string(doc = "Where it differs from upstream's."),
        "debian_prefix": attr.string(doc = "Where it differs from upstream's."),
        "debian_suffix": attr.string(default = ".tar.gz"),
        "build_file": attr.label(allow_single_file = True),
    },
    environ = ["MAKE_GGUF_SOURCES"],
)
