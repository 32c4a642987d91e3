// File: tools/hub_model.h
//
// A model that is named as on the hub, ORG/NAME, instead of by a directory.

#ifndef TOOLS_HUB_MODEL_H_
#define TOOLS_HUB_MODEL_H_

#include <atomic>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "fetch/observer.h"
#include "tools/engine/job.pb.h"
#include "tools/reporter.h"

namespace make_gguf {

// Whether `spec` names a model of the hub: nothing has that name on this
// machine, and it reads as a repository's name.
bool NamesHubModel(const JobSpec& spec);

// InvalidArgument if `spec` says something about the hub, but names no model of
// it.
absl::Status CheckNoHub(const JobSpec& spec);

// Downloads what a conversion needs of the model that `spec` names, into the
// cache that huggingface_hub uses too, and makes `spec` name the snapshot's
// directory; general.name and the outputs are called after the repository.
// Tells `reporter` of it. `stop` is polled.
// Errors: those of fetch::FetchSnapshot.
absl::Status FetchHubModel(JobSpec& spec, Reporter& reporter,
                           const std::atomic<bool>& stop);

// What FetchHubModel would download, for a dry run: a line per file and the
// sum. Empty if all of it is there already.
absl::StatusOr<std::string> DescribeDownload(const JobSpec& spec,
                                             Reporter& reporter,
                                             const std::atomic<bool>& stop);

// The state of a download as one line of JSON: an event "download".
std::string DownloadJson(const fetch::FetchProgress& progress);

}  // namespace make_gguf

#endif  // TOOLS_HUB_MODEL_H_
