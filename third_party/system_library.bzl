"""A C library of the operating system, which keeps it patched."""

def _system_library_impl(ctx):
    probe = ctx.execute([
        "sh",
        "-c",
        "echo '#include <{}>' | ${{CC:-cc}} -E -x c - >/dev/null".format(ctx.attr.header),
    ])
    if probe.return_code != 0:
        fail("\n\nThe header {} of {} is missing. On Debian and Ubuntu:\n    apt-get install {}\n".format(
            ctx.attr.header,
            ctx.name,
            ctx.attr.debian_package,
        ))
    ctx.file("WORKSPACE", "workspace(name = \"{}\")\n".format(ctx.name))
    ctx.file("BUILD.bazel", """
package(default_visibility = ["//visibility:public"])
cc_library(
    name = "{}",
    linkopts = {},
)
""".format(ctx.attr.target, ctx.attr.linkopts))

system_library = repository_rule(
    implementation = _system_library_impl,
    attrs = {
        "target": attr.string(mandatory = True),
        "header": attr.string(mandatory = True),
        "linkopts": attr.string_list(mandatory = True),
        "debian_package": attr.string(mandatory = True),
    },
    local = True,
)
