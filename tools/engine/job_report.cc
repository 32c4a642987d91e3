#include "tools/engine/job_report.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "gguf/tensor_type.h"

namespace make_gguf {
namespace {

using gguf::TensorType;

// Weights and tensors per type, and per (wanted, used) pair of a fallback.
void AddShares(const converters::ModelPlan& model, const OutputPlan& output,
               OutputReport& report) {
  std::map<TensorType, TypeShare> types;
  std::map<std::pair<TensorType, TensorType>, Fallback> fallbacks;
  for (size_t i = 0; i < output.tensors.size(); ++i) {
    const OutputTensor& tensor = output.tensors[i];
    const uint64_t weights = model.tensors[tensor.tensor].elements();
    TypeShare& share = types[tensor.type];
    share.set_tensors(share.tensors() + 1);
    share.set_weights(share.weights() + weights);
    share.set_bytes(share.bytes() + output.layout.tensors[i].bytes);
    if (!tensor.fallback_from.has_value()) continue;
    Fallback& fallback = fallbacks[{*tensor.fallback_from, tensor.type}];
    fallback.set_tensors(fallback.tensors() + 1);
    fallback.set_weights(fallback.weights() + weights);
  }
  for (auto& [type, share] : types) {
    share.set_type(std::string(gguf::Traits(type).name));
    *report.add_types() = share;
  }
  for (auto& [pair, fallback] : fallbacks) {
    fallback.set_wanted(std::string(gguf::Traits(pair.first).name));
    fallback.set_used(std::string(gguf::Traits(pair.second).name));
    fallback.set_share(static_cast<double>(fallback.weights()) /
                       std::max<uint64_t>(output.weights, 1));
    *report.add_fallbacks() = fallback;
  }
}

}  // namespace

OutputReport ReportOf(const converters::ModelPlan& model,
                      const OutputPlan& output) {
  OutputReport report;
  report.set_path(output.path);
  report.set_file_type(std::string(output.file_type->name));
  report.set_size(output.layout.file_size);
  report.set_bits_per_weight(output.bits_per_weight());
  report.set_weights(output.weights);
  AddShares(model, output, report);
  return report;
}

}  // namespace make_gguf
