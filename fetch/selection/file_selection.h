// File: fetch/selection/file_selection.h
//
// Which files of a repository are downloaded.
//
// Without include patterns, what a conversion reads, from the top directory:
//   - the model card and licence: README.md, LICENSE*
//   - configuration and tokenizer: *.json, *.jinja, *.model, *.tiktoken,
//     vocab.txt, merges.txt, and chat templates in additional_chat_templates/
//   - weights, of one kind only, the first of these that is there, with its
//     index:
//       model-*-of-*.safetensors, as model.safetensors.index.json says
//       model.safetensors
//       model*.safetensors
//       pytorch_model-*-of-*.bin, as pytorch_model.bin.index.json says
//       pytorch_model.bin
//       pytorch_model*.bin
//       consolidated*.pth
// That leaves out training states (optimizer, scheduler, trainer_state.json,
// checkpoint-*/), other frameworks' weights (TensorFlow, Flax, ONNX, GGUF),
// duplicates (.bin or consolidated files beside safetensors), weights that a
// conversion cannot read (consolidated.safetensors alone), and all code.

#ifndef FETCH_SELECTION_FILE_SELECTION_H_
#define FETCH_SELECTION_FILE_SELECTION_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "fetch/protocol/repo_listing.h"

namespace fetch {

// True if the shell pattern matches all of `text`: "*" any characters, also
// "/"; "?" one character; "[a-z]" one of these, "[!a-z]" one of the others.
// As Python's fnmatchcase. Takes time proportional to the product of the
// lengths at most.
bool MatchesPattern(absl::string_view pattern, absl::string_view text);

// The files to download, in the order of `files`. See FetchOptions for the
// patterns.
std::vector<RepoFile> SelectFiles(absl::Span<const RepoFile> files,
                                  absl::Span<const std::string> include,
                                  absl::Span<const std::string> exclude);

// True if the name is that of a file of weights.
bool IsWeightsFile(absl::string_view path);

}  // namespace fetch

#endif  // FETCH_SELECTION_FILE_SELECTION_H_
