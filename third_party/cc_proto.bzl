"""C++ of a .proto file, made by a rule of our own.

cc_proto_library takes the compiler in the configuration of tools, for which
Bazel 4.2 builds it, and all of protobuf, a second time.
"""

load("@rules_cc//cc:defs.bzl", "cc_library")

_PROTOC = "@com_google_protobuf//:protoc"

# Both roots end where the file's package begins: in another workspace it lies
# under external/.
_COMMAND = """
src=$(execpath {src})
root=$${{src%{path}}}
out=$(RULEDIR)
$(execpath {protoc}) --proto_path=$${{root:-.}} --cpp_out=$${{out%/{package}}} {path}
"""

def cc_proto(name, src, deps = [], imports = [], visibility = None):
    """A cc_library of the messages in `src`.

    Args:
      name: of the library; its header is <package>/<src without .proto>.pb.h.
      src: the .proto file, in this package.
      deps: the cc_proto targets of the files that it imports.
      imports: these .proto files themselves.
      visibility: as usual.
    """
    stem = src[:-len(".proto")]
    package = native.package_name()
    native.genrule(
        name = name + "_gen",
        srcs = [src] + imports,
        outs = [stem + ".pb.cc", stem + ".pb.h"],
        cmd = _COMMAND.format(
            src = src,
            path = package + "/" + src,
            package = package,
            protoc = _PROTOC,
        ),
        tools = [_PROTOC],
    )
    cc_library(
        name = name,
        srcs = [stem + ".pb.cc"],
        hdrs = [stem + ".pb.h"],
        copts = ["-w", "-O1"],
        visibility = visibility,
        deps = deps + ["@com_google_protobuf//:protobuf"],
    )
