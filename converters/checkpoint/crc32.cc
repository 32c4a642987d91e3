#include "converters/checkpoint/crc32.h"

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "absl/types/span.h"
#include "zlib.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "converters/checkpoint/crc32.cc"
// The order matters: foreach_target includes this file once per target.
// clang-format off
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
// clang-format on

// What all targets share.
#ifndef CONVERTERS_CHECKPOINT_CRC32_CC_
#define CONVERTERS_CHECKPOINT_CRC32_CC_
namespace checkpoint {
namespace {

// x^n modulo the polynomial, lowest power first (as CRC-32 orders its bits), as
// a factor for a carry-less multiplication: its product is one bit short.
constexpr uint64_t PowerOfX(int n) {
  uint32_t power = uint32_t{1} << 31;
  for (int i = 0; i < n; ++i) {
    power = (power >> 1) ^ ((power & 1) != 0 ? 0xEDB88320 : 0);
  }
  return uint64_t{power} << 1;
}

// Adds bytes to a CRC.
inline uint32_t ZlibCrc32(uint32_t crc, const void* bytes, size_t size) {
  return static_cast<uint32_t>(
      crc32_z(crc, static_cast<const Bytef*>(bytes), size));
}

}  // namespace
}  // namespace checkpoint
#endif  // CONVERTERS_CHECKPOINT_CRC32_CC_

HWY_BEFORE_NAMESPACE();
namespace checkpoint {
namespace HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

#if HWY_TARGET == HWY_NEON || HWY_TARGET == HWY_SSE4 || \
    HWY_TARGET == HWY_AVX2 || HWY_TARGET <= HWY_AVX3

// Folding, as in V. Gopal et al., "Fast CRC Computation for Generic Polynomials
// Using PCLMULQDQ Instruction" (Intel, 2009): bytes that lie a distance of D
// bits before others can be taken away if their product with x^D is added to
// those.
uint32_t Crc32Of(const char* HWY_RESTRICT bytes, size_t size) {
  const hn::ScalableTag<uint64_t> d;
  const hn::Repartition<uint8_t, decltype(d)> d8;
  constexpr size_t kBytes = hn::MaxLanes(hn::ScalableTag<uint8_t>());
  // As many chains as hide the multiplication's latency.
  constexpr size_t kChains = 4;
  constexpr size_t kStep = kChains * kBytes;
  if (size < 2 * kStep) return ZlibCrc32(0, bytes, size);

  constexpr int kDistance = 8 * static_cast<int>(kStep);
  const auto factors = hn::OddEven(hn::Set(d, PowerOfX(kDistance - 32)),
                                   hn::Set(d, PowerOfX(kDistance + 32)));
  const auto load = [&](const char* from) HWY_ATTR {
    return hn::BitCast(d,
                       hn::LoadU(d8, reinterpret_cast<const uint8_t*>(from)));
  };
  const auto fold = [&](auto chain, const char* from) HWY_ATTR {
    return hn::Xor3(hn::CLMulLower(chain, factors),
                    hn::CLMulUpper(chain, factors), load(from));
  };
  // A CRC begins with all bits set, which is as if the first four bytes were
  // inverted.
  HWY_ALIGN uint64_t begin[hn::MaxLanes(d)] = {0xFFFFFFFF};
  auto chain0 = hn::Xor(load(bytes), hn::Load(d, begin));
  auto chain1 = load(bytes + kBytes);
  auto chain2 = load(bytes + 2 * kBytes);
  auto chain3 = load(bytes + 3 * kBytes);
  size_t i = kStep;
  for (; i + kStep <= size; i += kStep) {
    chain0 = fold(chain0, bytes + i);
    chain1 = fold(chain1, bytes + i + kBytes);
    chain2 = fold(chain2, bytes + i + 2 * kBytes);
    chain3 = fold(chain3, bytes + i + 3 * kBytes);
  }
  // What is left stands for all that was folded into it. Its CRC begins with
  // no bit set, which zlib takes inverted.
  HWY_ALIGN uint64_t rest[kChains * hn::MaxLanes(d)];
  hn::Store(chain0, d, rest);
  hn::Store(chain1, d, rest + hn::MaxLanes(d));
  hn::Store(chain2, d, rest + 2 * hn::MaxLanes(d));
  hn::Store(chain3, d, rest + 3 * hn::MaxLanes(d));
  const uint32_t crc = ZlibCrc32(0xFFFFFFFF, rest, kStep);
  return ZlibCrc32(crc, bytes + i, size - i);
}

#else

uint32_t Crc32Of(const char* bytes, size_t size) {
  return ZlibCrc32(0, bytes, size);
}

#endif

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace checkpoint
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace checkpoint {
namespace {

HWY_EXPORT(Crc32Of);

}  // namespace

uint32_t Crc32(absl::Span<const char> bytes) {
  return HWY_DYNAMIC_DISPATCH(Crc32Of)(bytes.data(), bytes.size());
}

}  // namespace checkpoint
#endif  // HWY_ONCE
