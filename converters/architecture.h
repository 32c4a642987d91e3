// File: converters/architecture.h
//
// The base of all converters: an architecture describes itself, the base makes
// the plan of it.

#ifndef CONVERTERS_ARCHITECTURE_H_
#define CONVERTERS_ARCHITECTURE_H_

#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "converters/config/config.h"
#include "converters/converter.h"
#include "converters/model_plan.h"
#include "converters/tensor_rules.h"
#include "converters/vocab/vocab.h"
#include "gguf/metadata.h"

namespace converters {

// A model of an architecture, as its config.json has it.
struct Description {
  TensorRules tensors;
  std::vector<TensorPlan> computed = {};  // listed before the others
  gguf::Metadata parameters = {};         // "<architecture>.*", in their order
  vocab::Vocabulary vocabulary;
};

class Architecture : public Converter {
 public:
  absl::string_view name() const final { return name_; }
  absl::Span<const absl::string_view> huggingface_names() const final {
    return huggingface_names_;
  }
  absl::StatusOr<ModelPlan> Plan(const ConversionInput& input) const final;

 protected:
  // Both must live as long as the program.
  Architecture(absl::string_view name,
               absl::Span<const absl::string_view> huggingface_names)
      : name_(name), huggingface_names_(huggingface_names) {}

  virtual absl::StatusOr<Description> Describe(const Config& config) const = 0;

 private:
  absl::string_view name_;
  absl::Span<const absl::string_view> huggingface_names_;
};

}  // namespace converters

#endif  // CONVERTERS_ARCHITECTURE_H_
