// An official llama.cpp build loads each file and generates text with it:
// greedily, so that two runs from a fresh context give the same tokens. Of the
// types in reference_logits.json it has to compute what it computes from the
// reference's file.
import assert from "node:assert/strict";
import {readFileSync} from "node:fs";
import {after, test} from "node:test";
import {closeLlama, generate, loadModel} from "./llama.mjs";
import {models} from "./outputs.mjs";

const {prompt, files} = JSON.parse(readFileSync(new URL("reference_logits.json", import.meta.url), "utf8"));

// How far a logit (they go from -0.7 to 0.7) may be from the committed one. On
// other processors llama.cpp adds in another order and rounds what is between the
// layers otherwise: among its builds for x86-64 0.0004 at most, and 0.008 of Q8_0,
// whose activations are rounded to eight bits, where there is no AVX. Wrong
// weights are further off: rows of q and k in the checkpoint's order and not in
// rotation's, which of all mistakes shows least in random weights, give 0.013 to 0.015.
const TOLERANCE = {F32: 0.002, F16: 0.002, BF16: 0.002, Q8_0: 0.01};

function assertComputesAsReference(result, expected, tolerance) {
  assert.deepEqual(result.promptTokens, expected.promptTokens);
  assert.deepEqual(result.tokens, expected.tokens);
  assert.equal(result.logits.length, expected.logits.length);
  result.logits.forEach((logit, token) => {
    const off = Math.abs(logit - expected.logits[token]);
    assert.ok(off <= tolerance, `token ${token}: the logit ${logit} is ${off} off the reference's`);
  });
}

for (const {name, path} of models) {
  test(`llama.cpp loads ${name} and generates with it`, async () => {
    const model = await loadModel(path);
    const first = await generate(model, prompt);
    const second = await generate(model, prompt);
    await model.dispose();
    assert.ok(first.promptTokens.length > 1, "the prompt becomes tokens");
    assert.equal(first.promptText, prompt);
    assert.deepEqual(second, first);
    const type = /^tiny-llama-([A-Z0-9_]+)\.gguf$/.exec(name)?.[1];
    if (type in files) assertComputesAsReference(first, files[type], TOLERANCE[type]);
  });
}

test("files of all types with committed numbers are there", () => {
  for (const type of Object.keys(files)) {
    assert.ok(models.some(({name}) => name === `tiny-llama-${type}.gguf`), type);
  }
});

after(closeLlama);
