"""What Debian's Bazel 4.2 needs and cannot download.

Bazel's own default repositories (rules_java, rules_proto, platforms …) come
from GitHub; Debian packages the same releases. Its rules_cc does not load under
Bazel 4.2, so a few lines stand in that re-export the native rules.
"""

_RULES_CC_DEFS = """
cc_binary = native.cc_binary
cc_import = native.cc_import
cc_library = native.cc_library
cc_proto_library = native.cc_proto_library
cc_test = native.cc_test
cc_toolchain = native.cc_toolchain
cc_toolchain_suite = native.cc_toolchain_suite
objc_library = native.objc_library
"""

def _stand_in_impl(ctx):
    ctx.file("WORKSPACE", "workspace(name = \"{}\")\n".format(ctx.name))
    for path, content in ctx.attr.files.items():
        ctx.file(path, content)

_stand_in = repository_rule(
    implementation = _stand_in_impl,
    attrs = {"files": attr.string_dict()},
)

def _maybe_local(name, path):
    if name not in native.existing_rules():
        native.local_repository(name = name, path = path)

def debian_bazel_repositories():
    """Only for Debian's build of Bazel, whose version is not a number."""
    _maybe_local("rules_java", "/usr/share/bazel/rules/java")
    _maybe_local("rules_proto", "/usr/share/bazel/rules/proto")
    _maybe_local("platforms", "/usr/share/bazel/tools/platforms")
    _maybe_local("bazel_skylib", "/usr/share/bazel/tools/skylib")
    _stand_in(
        name = "rules_cc",
        files = {
            "BUILD": "",
            "cc/BUILD": "",
            "cc/defs.bzl": _RULES_CC_DEFS,
        },
    )
    _stand_in(
        name = "remote_coverage_tools",
        files = {"BUILD": "filegroup(name = \"coverage_report_generator\", visibility = [\"//visibility:public\"])\n"},
    )
