#include "converters/reference_plan.h"
#include "gtest/gtest.h"

namespace converters {
namespace {

TEST(LlamaTest, TinyLlama) {
  ExpectReferencePlan("testdata/models/tiny-llama", "llama");
}

TEST(LlamaTest, Llama3InShardsWithTiedEmbeddings) {
  ExpectReferencePlan("testdata/generated/tiny-llama3", "llama");
}

TEST(LlamaTest, Mistral) {
  ExpectReferencePlan("testdata/generated/tiny-mistral", "llama");
}

TEST(LlamaTest, RowsThatNoBlockDivides) {
  ExpectReferencePlan("testdata/generated/tiny-odd-rows", "llama");
}

TEST(LlamaTest, Mixtral) {
  ExpectReferencePlan("testdata/generated/tiny-mixtral", "llama");
}

}  // namespace
}  // namespace converters
