// File: converters/llama/rope_freqs.h
//
// Llama 3's scaling of rotary frequencies, which GGUF holds as a tensor of
// divisors, rope_freqs.weight: 1 for high frequencies, `factor` for low ones,
// and a smooth passage between.

#ifndef CONVERTERS_LLAMA_ROPE_FREQS_H_
#define CONVERTERS_LLAMA_ROPE_FREQS_H_

#include <cstdint>
#include <vector>

namespace converters {

// rope_parameters of rope_type "llama3".
struct Llama3Rope {
  double theta = 10000.0;  // the base of the frequencies
  double factor = 8.0;
  double low_freq_factor = 1.0;
  double high_freq_factor = 4.0;
  double original_context = 8192;  // the context length before scaling
};

// The divisors for heads of `head_size` (even): half as many values. Bit for
// bit what the reference computes in PyTorch's F32 arithmetic on x86-64 with
// AVX-512.
std::vector<float> RopeFreqs(const Llama3Rope& rope, uint32_t head_size);

}  // namespace converters

#endif  // CONVERTERS_LLAMA_ROPE_FREQS_H_
