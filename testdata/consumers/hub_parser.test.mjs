// The parser behind the hub's model pages sees in each file what `inspect
// --json` says of it (FILE.gguf.json, written beside it).
import assert from "node:assert/strict";
import {readFileSync} from "node:fs";
import {test} from "node:test";
import {gguf, GGMLQuantizationType} from "@huggingface/gguf";
import {outputs} from "./outputs.mjs";

// What the parser adds to the file's own keys.
const PARSER_KEYS = new Set(["version", "tensor_count", "kv_count"]);

for (const {name, path} of outputs) {
  test(`the hub's parser lists the keys and tensors of ${name}`, async () => {
    const {metadata, tensorInfos} = await gguf(path, {allowLocalFile: true});
    const ours = JSON.parse(readFileSync(`${path}.json`, "utf8"));
    assert.deepEqual(
      Object.keys(metadata).filter((key) => !PARSER_KEYS.has(key)),
      Object.keys(ours.metadata),
    );
    assert.deepEqual(
      tensorInfos.map((tensor) => ({
        name: tensor.name,
        type: GGMLQuantizationType[tensor.dtype],
        shape: tensor.shape.map(Number),
      })),
      ours.tensors.map(({name, type, shape}) => ({name, type, shape})),
    );
  });
}
