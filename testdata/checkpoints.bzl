"""Checkpoints that the generator makes for tests."""

def _files(tokenizer, shards):
    weights = ["model.safetensors"]
    if shards > 1:
        weights = ["model.safetensors.index.json"]
        for i in range(shards):
            weights.append("model-0000%d-of-0000%d.safetensors" % (i + 1, shards))
    vocabulary = "tokenizer.json"
    if tokenizer == "sentencepiece":
        vocabulary = "tokenizer.model"
    return weights + ["config.json", "tokenizer_config.json", vocabulary]

def checkpoint(name, tokenizer = "sentencepiece", shards = 1, flags = []):
    """Makes a checkpoint in the directory generated/<name>.

    Args:
      name: of the target and of the directory, from which general.name comes.
      tokenizer: the generator's flag of this name.
      shards: the number of safetensors files.
      flags: more flags for //testdata/generator:make_checkpoint.
    """
    outs = ["generated/%s/%s" % (name, file) for file in _files(tokenizer, shards)]
    native.genrule(
        name = name,
        testonly = True,
        outs = outs,
        tags = ["checkpoint"],
        cmd = " ".join([
            "$(execpath //testdata/generator:make_checkpoint)",
            "--outdir=$(RULEDIR)/generated/" + name,
            "--tokenizer=" + tokenizer,
            "--shards=%d" % shards,
        ] + ["'%s'" % flag for flag in flags]),
        tools = ["//testdata/generator:make_checkpoint"],
        visibility = ["//visibility:public"],
    )

def _case_impl(ctx):
    directory = ctx.actions.declare_directory("generated/" + ctx.label.name)
    arguments = ctx.actions.args()
    arguments.add(ctx.file.weights)
    arguments.add(directory.path)
    arguments.add_all(ctx.files.files)
    ctx.actions.run(
        executable = ctx.executable._make_case,
        arguments = [arguments],
        inputs = [ctx.file.weights] + ctx.files.files,
        outputs = [directory],
        mnemonic = "MakeCase",
    )
    return [DefaultInfo(
        files = depset([directory]),
        runfiles = ctx.runfiles([directory]),
    )]

_case = rule(
    doc = "Makes the checkpoint of a case in the directory generated/<name>.",
    implementation = _case_impl,
    attrs = {
        "files": attr.label_list(allow_files = True),
        "weights": attr.label(allow_single_file = True),
        "_make_case": attr.label(
            default = "//testdata/generator:make_case",
            executable = True,
            cfg = "host",
        ),
    },
)

def cases():
    """A checkpoint for each directory in cases/, of the directory's name."""
    for weights in native.glob(["cases/*/weights.json"]):
        name = weights.split("/")[1]
        _case(
            name = name,
            testonly = True,
            files = native.glob(["cases/%s/checkpoint/**" % name]),
            tags = ["checkpoint"],
            visibility = ["//visibility:public"],
            weights = weights,
        )

def all_checkpoints(name):
    """A filegroup of the checkpoints that were made before it in this file."""
    native.filegroup(
        name = name,
        testonly = True,
        srcs = ["tiny-llama"] + [
            rule["name"]
            for rule in native.existing_rules().values()
            if "checkpoint" in rule["tags"]
        ],
        visibility = ["//visibility:public"],
    )
