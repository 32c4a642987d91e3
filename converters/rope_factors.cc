#include "converters/rope_factors.h"

#include <cmath>
#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "converters/config/config.h"
#include "converters/tensors.h"

namespace converters {
namespace {

// Far above what there is, and in the range of floats.
constexpr double kMaxTheta = 1e30;

// A value as the unevaluated sum of two floats, high part first. The
// operations are the usual error-free ones (Dekker, Knuth) with a fused
// multiply-add, in the variants and the order that SLEEF uses; every rounding
// counts, so this file is compiled without contraction.
struct Pair {
  float high;
  float low;
};

Pair ExactSum(float a, float b) {
  const float sum = a + b;
  const float part = sum - a;
  return {sum, (a - (sum - part)) + (b - part)};
}

Pair Sum(Pair a, Pair b) {
  const Pair high = ExactSum(a.high, b.high);
  return {high.high, high.low + (a.low + b.low)};
}

Pair Sum(Pair a, float b) {
  const Pair high = ExactSum(a.high, b);
  return {high.high, high.low + a.low};
}

// For |a| >= |b|.
Pair OrderedSum(Pair a, Pair b) {
  const float sum = a.high + b.high;
  return {sum, (((a.high - sum) + b.high) + a.low) + b.low};
}

Pair OrderedSum(float a, Pair b) {
  const float sum = a + b.high;
  return {sum, ((a - sum) + b.high) + b.low};
}

Pair Normalized(Pair a) {
  const float sum = a.high + a.low;
  return {sum, (a.high - sum) + a.low};
}

Pair Product(Pair a, Pair b) {
  const float high = a.high * b.high;
  const float error = std::fma(a.high, b.high, -high);
  return {high, std::fma(a.high, b.low, std::fma(a.low, b.high, error))};
}

Pair Product(Pair a, float b) {
  const float high = a.high * b;
  return {high, std::fma(a.low, b, std::fma(a.high, b, -high))};
}

Pair Square(Pair a) {
  const float high = a.high * a.high;
  const float error = std::fma(a.high, a.high, -high);
  return {high, std::fma(a.high + a.high, a.low, error)};
}

Pair Quotient(Pair a, Pair b) {
  const float inverse = 1.0f / b.high;
  const float high = a.high * inverse;
  const float product_error = std::fma(inverse, a.high, -high);
  const float inverse_error =
      std::fma(-b.low, inverse, std::fma(-b.high, inverse, 1.0f));
  return {high, std::fma(high, inverse_error,
                         std::fma(a.low, inverse, product_error))};
}

// ln(x) for positive normal x: x = 2^e * m with m near 1, and ln(m) by its
// series in (m - 1) / (m + 1).
Pair Log(float x) {
  const int exponent = std::ilogb(x * (1.0f / 0.75f));
  const float m = std::ldexp(x, -exponent);
  const Pair ratio = Quotient(ExactSum(-1.0f, m), ExactSum(1.0f, m));
  const Pair square = Square(ratio);
  float series = 0.2403203547f;
  series = std::fma(series, square.high, 0.2851126790f);
  series = std::fma(series, square.high, 0.4000079930f);
  const Pair two_thirds = {0.6666666269f, 3.691838613e-09f};
  const Pair ln2 = {0.6931471825f, -1.904654323e-09f};
  const Pair cubic =
      Product(Product(square, ratio), Sum(Product(square, series), two_thirds));
  const Pair linear = OrderedSum(Product(ln2, static_cast<float>(exponent)),
                                 Pair{ratio.high * 2.0f, ratio.low * 2.0f});
  return OrderedSum(linear, cubic);
}

// e^x for moderate x.
float Exp(Pair x) {
  const float n = std::nearbyint((x.high + x.low) * 1.442695041f);
  // ln(2) in two parts, of which the first times n is exact.
  Pair rest = Sum(x, n * -0.693145751953125f);
  rest = Normalized(Sum(rest, n * -1.428606765e-06f));
  float series = 0.001363246469f;
  series = std::fma(series, rest.high, 0.008365969174f);
  series = std::fma(series, rest.high, 0.04167108238f);
  series = std::fma(series, rest.high, 0.1666655242f);
  series = std::fma(series, rest.high, 0.4999998510f);
  const Pair sum =
      OrderedSum(1.0f, OrderedSum(rest, Product(Square(rest), series)));
  return std::ldexp(sum.high + sum.low, static_cast<int>(n));
}

// base^exponents as PyTorch has it on x86-64 with AVX-512: whole steps of two
// vectors of 16 by SLEEF's powf (its u10 variant), the rest by the C
// library's. They differ in the last bit of some values.
std::vector<float> Powers(float base, const std::vector<float>& exponents) {
  constexpr size_t kStep = 32;
  const size_t in_vectors = exponents.size() / kStep * kStep;
  std::vector<float> powers;
  powers.reserve(exponents.size());
  for (size_t i = 0; i < exponents.size(); ++i) {
    powers.push_back(i < in_vectors ? Exp(Product(Log(base), exponents[i]))
                                    : std::pow(base, exponents[i]));
  }
  return powers;
}

}  // namespace

std::vector<float> Llama3Factors(const Llama3Rope& rope, uint32_t head_size) {
  std::vector<float> exponents;
  for (uint32_t i = 0; i < head_size; i += 2) {
    exponents.push_back(static_cast<float>(i) / static_cast<float>(head_size));
  }
  // Python's doubles become floats where they meet a tensor.
  const double low_wavelength = rope.original_context / rope.low_freq_factor;
  const double high_wavelength = rope.original_context / rope.high_freq_factor;
  const float band =
      static_cast<float>(rope.high_freq_factor - rope.low_freq_factor);
  std::vector<float> divisors;
  for (float power : Powers(static_cast<float>(rope.theta), exponents)) {
    const float frequency = 1.0f / power;
    const float wavelength =
        (1.0f / frequency) * static_cast<float>(2 * 3.141592653589793);
    if (wavelength < static_cast<float>(high_wavelength)) {
      divisors.push_back(1.0f);
    } else if (wavelength > static_cast<float>(low_wavelength)) {
      divisors.push_back(static_cast<float>(rope.factor));
    } else {
      const float smooth =
          ((1.0f / wavelength) * static_cast<float>(rope.original_context) -
           static_cast<float>(rope.low_freq_factor)) /
          band;
      const float scaled =
          (1.0f - smooth) / static_cast<float>(rope.factor) + smooth;
      divisors.push_back(1.0f / scaled);
    }
  }
  return divisors;
}

absl::Status AddLlama3Factors(const Config& config, uint64_t head_size,
                              Tensors& tensors, double factor) {
  const Config rope = config.Rope();
  if (absl::AsciiStrToLower(rope.Text({"rope_type"})) != "llama3") {
    return absl::OkStatus();
  }
  Llama3Rope scaling;
  ASSIGN_OR_RETURN(scaling.theta, rope.NumberOr({"rope_theta"}, scaling.theta));
  // Its logarithm is taken.
  if (!(scaling.theta >= 1 && scaling.theta <= kMaxTheta)) {
    return absl::InvalidArgumentError(
        absl::StrCat("config.json: rope_theta is ", scaling.theta,
                     ", expected a number from 1 to ", kMaxTheta));
  }
  ASSIGN_OR_RETURN(scaling.factor, rope.NumberOr({"factor"}, factor));
  ASSIGN_OR_RETURN(scaling.low_freq_factor,
                   rope.NumberOr({"low_freq_factor"}, scaling.low_freq_factor));
  ASSIGN_OR_RETURN(
      scaling.high_freq_factor,
      rope.NumberOr({"high_freq_factor"}, scaling.high_freq_factor));
  ASSIGN_OR_RETURN(scaling.original_context,
                   rope.NumberOr({"original_max_position_embeddings"},
                                 scaling.original_context));
  tensors.Compute("rope_freqs.weight",
                  Llama3Factors(scaling, static_cast<uint32_t>(head_size)));
  return absl::OkStatus();
}

absl::Status AddLongRopeFactors(const Config& config, uint64_t rotated,
                                Tensors& tensors) {
  struct List {
    absl::string_view key, target;
  };
  constexpr List kLists[] = {{"long_factor", "rope_factors_long.weight"},
                             {"short_factor", "rope_factors_short.weight"}};
  const Config rope = config.Rope();
  if (!rope.Has({kLists[0].key}) && !rope.Has({kLists[1].key})) {
    return absl::OkStatus();
  }
  for (const List& list : kLists) {
    ASSIGN_OR_RETURN(const std::vector<double> factors,
                     rope.Numbers({list.key}));
    if (2 * factors.size() != rotated) {
      return rope.Unexpected(
          {list.key}, absl::StrCat("a list of one number for each pair of the ",
                                   rotated, " rotated values of a head"));
    }
    tensors.Compute(list.target, {factors.begin(), factors.end()});
  }
  return absl::OkStatus();
}

}  // namespace converters
