// An official llama.cpp build loads each file and generates text with it:
// greedily, so that two runs from a fresh context give the same tokens.
import assert from "node:assert/strict";
import {after, test} from "node:test";
import {getLlama, LlamaLogLevel} from "node-llama-cpp";
import {models} from "./outputs.mjs";

const PROMPT = "The quick brown fox";
const TOKENS = 16;

const llama = await getLlama({build: "never", gpu: false, logLevel: LlamaLogLevel.error, maxThreads: 1});

async function generate(model) {
  const context = await model.createContext({contextSize: 64, threads: 1});
  const sequence = context.getSequence();
  const generated = [];
  for await (const token of sequence.evaluate(model.tokenize(PROMPT), {temperature: 0})) {
    generated.push(token);
    if (generated.length === TOKENS) break;
  }
  await context.dispose();
  return generated;
}

for (const {name, path} of models) {
  test(`llama.cpp loads ${name} and generates with it`, async () => {
    const model = await llama.loadModel({modelPath: path});
    const prompt = model.tokenize(PROMPT);
    assert.ok(prompt.length > 1, "the prompt becomes tokens");
    assert.equal(model.detokenize(prompt).trim(), PROMPT);
    const first = await generate(model);
    const second = await generate(model);
    await model.dispose();
    assert.ok(first.length > 0, "something is generated");
    assert.deepEqual(second, first);
  });
}

after(() => llama.dispose());
