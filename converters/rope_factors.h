// File: converters/rope_factors.h
//
// Scalings of rotary frequencies that GGUF holds as tensors.

#ifndef CONVERTERS_ROPE_FACTORS_H_
#define CONVERTERS_ROPE_FACTORS_H_

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "converters/config/config.h"
#include "converters/tensors.h"

namespace converters {

// rope_parameters of rope_type "llama3".
struct Llama3Rope {
  double theta = 10000.0;  // the base of the frequencies
  double factor = 8.0;
  double low_freq_factor = 1.0;
  double high_freq_factor = 4.0;
  double original_context = 8192;  // the context length before scaling
};

// The divisors for heads of `head_size` (even), half as many values: 1 for high
// frequencies, `factor` for low ones, and a smooth passage between. Bit for bit
// what the reference computes in PyTorch's F32 arithmetic on x86-64 with
// AVX-512.
std::vector<float> Llama3Factors(const Llama3Rope& rope, uint32_t head_size);

// Lists rope_freqs.weight, if the model has Llama 3's scaling. `factor` is what
// counts where config.json doesn't say one.
// Errors: InvalidArgument, naming the key, for settings that give no factors.
absl::Status AddLlama3Factors(const Config& config, uint64_t head_size,
                              Tensors& tensors, double factor = 8.0);

// Lists rope_factors_long.weight and rope_factors_short.weight, if
// rope_parameters has long_factor and short_factor: one for each pair of the
// `rotated` values of a head.
// Errors: InvalidArgument, naming the key, where they aren't as many.
absl::Status AddLongRopeFactors(const Config& config, uint64_t rotated,
                                Tensors& tensors);

}  // namespace converters

#endif  // CONVERTERS_ROPE_FACTORS_H_
