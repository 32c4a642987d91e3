"""The dependencies, each pinned by version and SHA-256, each with its reason."""

load("//third_party:debian_bazel.bzl", "debian_bazel_repositories")
load("//third_party:source_archive.bzl", "source_archive")
load("//third_party:system_library.bzl", "system_library")

def _maybe(rule, name, **kwargs):
    if name not in native.existing_rules():
        rule(name = name, **kwargs)

def make_gguf_repositories():
    """Declares every external repository that is not declared already."""
    if not native.bazel_version[:1].isdigit():
        debian_bazel_repositories()
    _libraries()
    _test_libraries()
    _system_libraries()

def _libraries():
    # Status, flags, strings, logging: the base that Google's C++ stands on.
    _maybe(
        source_archive,
        name = "com_google_absl",
        urls = ["https://github.com/abseil/abseil-cpp/archive/refs/tags/20240722.0.tar.gz"],
        sha256 = "f50e5ac311a81382da7fa75b97310e4b9006474f9560ac46f54a9967f07d4ae3",
        strip_prefix = "abseil-cpp-20240722.0",
        debian_source = "abseil",
        debian_sha256 = "df6d1f5ef540725f3851201176a60486aab332410788465c9877910bb471c34a",
        debian_prefix = "abseil-20240722.0",
    )

    # Job specs, and SentencePiece's tokenizer.model, which is a protobuf.
    _maybe(
        source_archive,
        name = "com_google_protobuf",
        urls = ["https://github.com/protocolbuffers/protobuf/archive/refs/tags/v3.21.12.tar.gz"],
        sha256 = "930c2c3b5ecc6c9c12615cf5ad93f1cd6e12d0aba862b572e076259970ac3a53",
        strip_prefix = "protobuf-3.21.12",
        debian_source = "protobuf",
        build_file = Label("//third_party:protobuf.BUILD"),
    )

    # SIMD with run-time dispatch: one binary that is fast on every CPU.
    _maybe(
        source_archive,
        name = "com_google_highway",
        urls = ["https://github.com/google/highway/archive/refs/tags/1.2.0.tar.gz"],
        sha256 = "7e0be78b8318e8bdbf6fa545d2ecb4c90f947df03f7aadc42c1967f019e63343",
        strip_prefix = "highway-1.2.0",
        debian_source = "highway",
        build_file = Label("//third_party:highway.BUILD"),
    )

    # config.json, tokenizer.json, safetensors headers.
    _maybe(
        source_archive,
        name = "nlohmann_json",
        urls = ["https://github.com/nlohmann/json/archive/refs/tags/v3.11.3.tar.gz"],
        sha256 = "0d8ef5af7f9794e3263480193c491549b2ba6cc74bb018906202ada498a79406",
        strip_prefix = "json-3.11.3",
        debian_source = "nlohmann-json3",
        build_file = Label("//third_party:nlohmann_json.BUILD"),
    )

    # Patterns of tensor names, of users and strangers: linear time, no recursion.
    _maybe(
        source_archive,
        name = "com_googlesource_code_re2",
        urls = ["https://github.com/google/re2/releases/download/2024-07-02/re2-2024-07-02.tar.gz"],
        sha256 = "eb2df807c781601c14a260a507a5bb4509be1ee626024cb45acbd57cb9d4032b",
        strip_prefix = "re2-2024-07-02",
        debian_source = "re2",
        build_file = Label("//third_party:re2.BUILD"),
    )

    # The front matter of model cards, which is YAML.
    _maybe(
        source_archive,
        name = "yaml_cpp",
        urls = ["https://github.com/jbeder/yaml-cpp/archive/refs/tags/0.8.0.tar.gz"],
        sha256 = "fbe74bbdcee21d656715688706da3c8becfd946d92cd44705cc6098bb23b3a16",
        strip_prefix = "yaml-cpp-0.8.0",
        debian_source = "yaml-cpp",
        debian_sha256 = "32c85a5f36633a9005b20261b35fccb0d8ec69e9ef16c67de7d5d007944e3709",
        debian_prefix = "jbeder-yaml-cpp-f732014",
        debian_suffix = ".tar.xz",
        build_file = Label("//third_party:yaml_cpp.BUILD"),
    )

def _test_libraries():
    _maybe(
        source_archive,
        name = "com_google_googletest",
        urls = ["https://github.com/google/googletest/archive/refs/tags/v1.16.0.tar.gz"],
        sha256 = "78c676fc63881529bf97bf9d45948d905a66833fbfa5318ea2cd7478cb98f399",
        strip_prefix = "googletest-1.16.0",
        debian_source = "googletest",
        debian_sha256 = "2f54382b5d13d6cd0be2afc524f1e510d37f8ba78c2d439c5bea64ef37e30d01",
        build_file = Label("//third_party:googletest.BUILD"),
    )
    _maybe(
        source_archive,
        name = "com_github_google_benchmark",
        urls = ["https://github.com/google/benchmark/archive/refs/tags/v1.9.1.tar.gz"],
        sha256 = "32131c08ee31eeff2c8968d7e874f3cb648034377dfc32a4c377fa8796d84981",
        strip_prefix = "benchmark-1.9.1",
        debian_source = "benchmark",
        build_file = Label("//third_party:benchmark.BUILD"),
    )

def _system_libraries():
    # SHA-256 with the CPU's own instructions.
    _maybe(
        system_library,
        name = "openssl",
        target = "crypto",
        header = "openssl/evp.h",
        linkopts = ["-lcrypto"],
        debian_package = "libssl-dev",
    )

    # HTTP, TLS, proxies, certificates.
    _maybe(
        system_library,
        name = "curl",
        target = "curl",
        header = "curl/curl.h",
        linkopts = ["-lcurl"],
        debian_package = "libcurl4-openssl-dev",
    )

    # CRC-32 of PyTorch's zip archives.
    _maybe(
        system_library,
        name = "zlib",
        target = "zlib",
        header = "zlib.h",
        linkopts = ["-lz"],
        debian_package = "zlib1g-dev",
    )
