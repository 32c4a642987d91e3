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
        cmd = " ".join([
            "$(execpath //testdata/generator:make_checkpoint)",
            "--outdir=$(RULEDIR)/generated/" + name,
            "--tokenizer=" + tokenizer,
            "--shards=%d" % shards,
        ] + ["'%s'" % flag for flag in flags]),
        tools = ["//testdata/generator:make_checkpoint"],
        visibility = ["//visibility:public"],
    )
