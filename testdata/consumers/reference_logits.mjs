// Prints reference_logits.json: what llama.cpp computes from files of
// tiny-llama whose bytes are the reference's (their digests in
// ../expected/tiny-llama say whether they are).
//
//     MAKE_GGUF_OUTPUTS=DIRECTORY node reference_logits.mjs >reference_logits.json
import {createHash} from "node:crypto";
import {readFileSync} from "node:fs";
import {closeLlama, generate, loadModel} from "./llama.mjs";
import {models} from "./outputs.mjs";

const PROMPT = "a b c d e f g h";
const TYPES = ["F32", "F16", "BF16", "Q8_0"];

const files = {};
for (const type of TYPES) {
  const {path} = models.find(({name}) => name === `tiny-llama-${type}.gguf`);
  const model = await loadModel(path);
  const {promptTokens, tokens, logits} = await generate(model, PROMPT);
  files[type] = {
    sha256: createHash("sha256").update(readFileSync(path)).digest("hex"),
    promptTokens,
    tokens,
    logits: logits.map((logit) => Number(logit.toFixed(5))),
  };
  await model.dispose();
}
console.log(JSON.stringify({prompt: PROMPT, files}).replace(/(\]?),"/g, '$1,\n"'));
await closeLlama();
