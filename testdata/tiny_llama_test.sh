#!/bin/sh
# Compares the checkpoint in git with what the generator makes.
set -eu
for file in config.json model.safetensors tokenizer.model tokenizer_config.json; do
  cmp "$1/models/tiny-llama/$file" "$1/made/$file"
done
