// llama.cpp as the tests use it: one thread, no GPU, greedy.
import {getLlama, LlamaLogLevel} from "node-llama-cpp";

const TOKENS = 16;

const llama = await getLlama({build: "never", gpu: false, logLevel: LlamaLogLevel.error, maxThreads: 1});

export const loadModel = (path) => llama.loadModel({modelPath: path});
export const closeLlama = () => llama.dispose();

// What the model goes on with after `prompt`: tokens, and the logits of the whole
// vocabulary from which the last of them was chosen.
export async function generate(model, prompt) {
  const context = await model.createContext({contextSize: 64, threads: 1});
  const sequence = context.getSequence();
  const promptTokens = model.tokenize(prompt);
  const tokens = [];
  let logits;
  let input = promptTokens;
  while (tokens.length < TOKENS) {
    const last = [input.at(-1), {generateNext: {token: true, logits: true, options: {temperature: 0}}}];
    const results = await sequence.controlledEvaluate([...input.slice(0, -1), last]);
    const {next} = results.at(-1);
    tokens.push(next.token);
    logits = [...next.logits].sort(([a], [b]) => a - b).map(([, logit]) => logit);
    input = [next.token];
  }
  await context.dispose();
  return {
    promptTokens: [...promptTokens],
    promptText: model.detokenize(promptTokens).trim(),
    tokens,
    logits,
  };
}
