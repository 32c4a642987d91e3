// File: converters/sampling_metadata.h
//
// The author's sampling defaults, general.sampling.*, from
// generation_config.json.

#ifndef CONVERTERS_SAMPLING_METADATA_H_
#define CONVERTERS_SAMPLING_METADATA_H_

#include <string>
#include <vector>

#include "converters/warning.h"
#include "gguf/metadata.h"

namespace converters {

// The defaults that `directory`'s generation_config.json gives, in the
// reference's order; none if there is no such file. A file or value that can't
// be used is left out and reported in `warnings`.
gguf::Metadata SamplingMetadata(const std::string& directory,
                                std::vector<Warning>& warnings);

}  // namespace converters

#endif  // CONVERTERS_SAMPLING_METADATA_H_
