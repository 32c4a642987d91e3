// The files under test: every *.gguf in the directory MAKE_GGUF_OUTPUTS.
import {readdirSync} from "node:fs";
import {join} from "node:path";

const directory = process.env.MAKE_GGUF_OUTPUTS;
if (!directory) throw new Error("set MAKE_GGUF_OUTPUTS to a directory of GGUF files");

export const outputs = readdirSync(directory)
  .filter((name) => name.endsWith(".gguf"))
  .sort()
  .map((name) => ({name, path: join(directory, name)}));

// What a user names to load a model: of one in shards the first.
export const models = outputs.filter(({name}) => !/-(?!00001)\d{5}-of-\d{5}\.gguf$/.test(name));

if (outputs.length === 0) throw new Error(`no *.gguf in ${directory}`);
