// A program that uses the engine as a library: makes a GGUF file of a model,
// and shows how far it is. Usage: example MODEL OUTDIR TYPE

#include <cstdio>

#include "tools/engine/engine.h"

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  make_gguf::JobSpec spec;
  spec.set_model(argv[1]);
  spec.set_outdir(argv[2]);
  spec.add_quants(argv[3]);

  const auto plan = make_gguf::Plan(spec);
  if (!plan.ok()) {
    std::fprintf(stderr, "%s\n", plan.status().ToString().c_str());
    return 1;
  }
  make_gguf::Observer observer;
  observer.progress = [](const make_gguf::JobProgress& progress) {
    std::printf("%.0f %%\n",
                100.0 * progress.weights_done / progress.weights_total);
  };
  const auto report = make_gguf::Run(*plan, observer);
  if (!report.ok()) {
    std::fprintf(stderr, "%s\n", report.status().ToString().c_str());
    return 1;
  }
  for (const make_gguf::OutputReport& output : report->outputs()) {
    std::printf("%s %s\n", output.sha256().c_str(), output.path().c_str());
  }
}
