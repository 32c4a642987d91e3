#include "fetch/download/downloader.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/range_set.h"
#include "base/status_macros.h"
#include "base/steady_clock.h"
#include "fetch/cache/range_record.h"
#include "fetch/download/file_download.h"
#include "fetch/download/final_flush.h"
#include "fetch/download/partial_file.h"
#include "fetch/download/progress_reporter.h"
#include "fetch/observer.h"
#include "fetch/protocol/http_client.h"
#include "fetch/protocol/hub_error.h"
#include "fetch/protocol/hub_url.h"
#include "fetch/protocol/range_answer.h"
#include "fetch/protocol/retry.h"

namespace fetch {
namespace {

constexpr absl::Duration kTurn = absl::Milliseconds(100);
constexpr absl::Duration kLockTryEvery = absl::Milliseconds(500);
// libcurl hands over 16 KiB at a time; they are written together.
constexpr size_t kGather = size_t{128} << 10;
// A server may give less than it was asked for, but not drop by drop.
constexpr uint64_t kLeastAnswer = 64 << 10;
constexpr int kDigestThreads = 2;
// Files that are only waiting for their hash do not count as connections.
constexpr size_t kMoreActive = 16;
// An answer that is no part of a file is a short text; more is not read.
constexpr uint64_t kMaxOtherBody = 64 << 10;

}  // namespace

// One request for a range of one file.
class Downloader::Transfer : public HttpSink {
 public:
  Transfer(Downloader* owner, FileDownload* file_in, base::Range range_in)
      : file(file_in),
        range(range_in),
        position(range_in.begin),
        begun(base::SteadyNow()),
        owner_(owner) {
    question_ = {range, file->item().size, file->item().etag, file->validator(),
                 file->at_hub()};
  }

  bool OnHeaders(const HttpResponse& response) override {
    answer = JudgeAnswer(question_, response);
    if (!has_body()) return true;
    if (answer->kind == AnswerKind::kPart) {
      end = answer->end;
    } else {
      const base::Range whole = {0, file->item().size};
      if (!(range == whole)) file->WithoutRanges();
      position = 0;
      end = whole.end;
    }
    file->Confirm(response.Header("etag"));
    return true;
  }

  bool OnBody(const char* data, size_t size) override {
    owner_->received_ += size;
    if (!has_body()) {
      other_body_ += size;
      return other_body_ <= kMaxOtherBody;
    }
    const size_t wanted = std::min<uint64_t>(size, end - position);
    gathered_.append(data, wanted);
    position += wanted;
    const bool write = gathered_.size() >= kGather || position == end;
    if (write && !WriteGathered().ok()) return false;
    return wanted == size;  // nobody asked for more
  }

  // Writes what has been gathered. An error stays in write_status.
  absl::Status WriteGathered() {
    written_at = base::SteadyNow();
    if (!gathered_.empty() && write_status.ok()) {
      write_status = file->Write(position - gathered_.size(), gathered_);
    }
    gathered_.clear();
    return write_status;
  }

  void OnDone(const HttpResponse& response,
              const HttpOutcome& outcome) override {
    owner_->Ended(this, response, outcome);  // destroys this
  }

  bool has_body() const {
    return answer.has_value() && (answer->kind == AnswerKind::kPart ||
                                  answer->kind == AnswerKind::kWhole);
  }
  bool is_whole() const {
    return answer.has_value() && answer->kind == AnswerKind::kWhole;
  }

  FileDownload* const file;
  const base::Range range;  // as asked for
  uint64_t position;        // of the next byte
  uint64_t end = 0;         // of the bytes that are coming
  const absl::Time begun;
  std::optional<RangeAnswer> answer;  // once there is one
  absl::Status write_status;
  absl::Time written_at = absl::InfinitePast();
  HttpClient::TransferId id = 0;

 private:
  Downloader* const owner_;
  RangeQuestion question_;
  uint64_t other_body_ = 0;
  std::string gathered_;  // the bytes before `position`, not yet written
};

Downloader::Downloader(const DownloaderOptions& options, HttpClient* client,
                       const FetchObserver* observer,
                       ProgressReporter* progress, FinalFlusher* flusher)
    : options_(options),
      client_(client),
      observer_(observer),
      progress_(progress),
      budget_(options.connections),
      digests_(kDigestThreads) {
  services_.retry = options.retry;
  services_.digests = &digests_;
  services_.flusher = flusher;
  services_.wake = [client] { client->Wake(); };
  services_.notice = observer->notice;
}

Downloader::~Downloader() {
  for (const auto& transfer : transfers_) client_->Abort(transfer->id);
}

absl::Status Downloader::Run(const std::vector<DownloadItem>& items,
                             const std::vector<size_t>& progress_index) {
  for (size_t i = 0; i < items.size(); ++i) {
    Job job;
    job.file = std::make_unique<FileDownload>(&items[i], &services_);
    job.progress_index = progress_index[i];
    waiting_.push_back(std::move(job));
  }
  while (status_.ok() && !(waiting_.empty() && active_.empty())) {
    if (observer_->cancelled && observer_->cancelled()) {
      status_ = absl::CancelledError(
          "cancelled; what has arrived stays, run again to go on");
      break;
    }
    StartTransfers(base::SteadyNow());
    client_->Poll(TimeToNextTurn(base::SteadyNow()));
    WriteGathered(base::SteadyNow());
    KeepOnlyWholes();
    AdvanceActive();
    ReportProgress(base::SteadyNow(), /*force=*/false);
  }
  WriteGathered(absl::InfiniteFuture());
  ReportProgress(base::SteadyNow(), /*force=*/true);
  for (const auto& transfer : transfers_) client_->Abort(transfer->id);
  transfers_.clear();
  active_.clear();
  waiting_.clear();
  return status_;
}

// A turn of its own for each pause that ends.
absl::Duration Downloader::TimeToNextTurn(absl::Time now) const {
  absl::Time next = now + kTurn;
  if (quiet_until_ > now) next = std::min(next, quiet_until_);
  for (const Job& job : active_) {
    const absl::Time pause_ends = job.file->not_before();
    if (pause_ends > now) next = std::min(next, pause_ends);
  }
  return absl::Ceil(next - now, absl::Milliseconds(1));
}

void Downloader::StartTransfers(absl::Time now) {
  if (now < quiet_until_) return;
  while (status_.ok() &&
         static_cast<int>(transfers_.size()) < budget_.allowed()) {
    if (!StartTransferOfActive(now) && !ActivateNext(now)) return;
  }
}

bool Downloader::StartTransferOfActive(absl::Time now) {
  for (const Job& job : active_) {
    const std::optional<base::Range> range =
        job.file->TakeRange(options_.connections, now);
    if (!range.has_value()) continue;
    StartTransfer(job.file.get(), *range);
    return true;
  }
  return false;
}

// Moves one file from waiting to active; false if none can be.
bool Downloader::ActivateNext(absl::Time now) {
  if (active_.size() >= options_.connections + kMoreActive) return false;
  for (auto job = waiting_.begin(); job != waiting_.end(); ++job) {
    if (now < job->next_lock_try) continue;
    const absl::StatusOr<bool> begun = job->file->Begin();
    if (!begun.ok()) {
      status_ = begun.status();
      return false;
    }
    if (*begun) {
      active_.push_back(std::move(*job));
      waiting_.erase(job);
      return true;
    }
    if (job->next_lock_try == absl::InfinitePast()) {
      Notice(absl::StrCat("another process is downloading ",
                          job->file->item().path, "; waiting for it"));
    }
    job->next_lock_try = now + kLockTryEvery;
  }
  return false;
}

void Downloader::StartTransfer(FileDownload* file, base::Range range) {
  HttpRequest request;
  request.url = file->url();
  request.range = range;
  request.if_match = file->validator();
  if (SameOrigin(request.url, options_.target.endpoint)) {
    request.bearer_token = options_.target.token.value;
  }
  transfers_.push_back(std::make_unique<Transfer>(this, file, range));
  transfers_.back()->id = client_->Start(request, transfers_.back().get());
}

void Downloader::AbortTransfersOf(const FileDownload* file) {
  transfers_.remove_if([this, file](const std::unique_ptr<Transfer>& transfer) {
    if (transfer->file != file) return false;
    client_->Abort(transfer->id);
    transfer->file->ReleaseRange(transfer->range);
    return true;
  });
}

// A server without ranges sends the whole file to each request for a part; one
// of them is enough.
void Downloader::KeepOnlyWholes() {
  absl::flat_hash_map<const FileDownload*, const Transfer*> wholes;
  for (const auto& transfer : transfers_) {
    if (transfer->is_whole())
      wholes.try_emplace(transfer->file, transfer.get());
  }
  transfers_.remove_if([&](const std::unique_ptr<Transfer>& transfer) {
    const auto whole = wholes.find(transfer->file);
    if (whole == wholes.end() || whole->second == transfer.get()) return false;
    client_->Abort(transfer->id);
    transfer->file->ReleaseRange(transfer->range);
    return true;
  });
}

void Downloader::AdvanceActive() {
  for (Job& job : active_) {
    const absl::Status advanced = job.file->Advance();
    if (!advanced.ok() && status_.ok()) status_ = advanced;
    progress_->SetDone(job.progress_index, job.file->bytes_there(),
                       job.file->complete());
    // A server may go on sending what nobody asked for.
    if (job.file->complete()) AbortTransfersOf(job.file.get());
  }
  active_.erase(
      std::remove_if(active_.begin(), active_.end(),
                     [](const Job& job) { return job.file->complete(); }),
      active_.end());
}

// What has waited for a turn; on a slow link there is little to gather.
void Downloader::WriteGathered(absl::Time now) {
  for (const auto& transfer : transfers_) {
    if (now - transfer->written_at < kTurn) continue;
    const absl::Status written = transfer->WriteGathered();
    if (!written.ok() && status_.ok()) status_ = written;
  }
}

void Downloader::ReportProgress(absl::Time now, bool force) {
  budget_.Received(received_ - budgeted_, 0, now);
  budgeted_ = received_;
  progress_->Tick(received_, static_cast<int>(transfers_.size()), now, force);
}

void Downloader::Ended(Transfer* transfer, const HttpResponse& response,
                       const HttpOutcome& outcome) {
  const auto found =
      std::find_if(transfers_.begin(), transfers_.end(),
                   [transfer](const auto& t) { return t.get() == transfer; });
  const std::unique_ptr<Transfer> owned = std::move(*found);
  transfers_.erase(found);
  owned->WriteGathered().IgnoreError();  // it is looked at below
  owned->file->ReleaseRange(owned->range);
  budget_.Received(0, 1, base::SteadyNow());
  const absl::Status status = AfterAnswer(*owned, response, outcome);
  if (!status.ok() && status_.ok()) status_ = status;
}

absl::Status Downloader::AfterAnswer(const Transfer& transfer,
                                     const HttpResponse& response,
                                     const HttpOutcome& outcome) {
  FileDownload* const file = transfer.file;
  if (!transfer.answer.has_value() || transfer.has_body()) {
    return BodyEnded(transfer, outcome);
  }
  const absl::Status problem = absl::UnavailableError(absl::StrCat(
      transfer.answer->problem, " at ", PrintableUrl(response.url)));
  switch (transfer.answer->kind) {
    case AnswerKind::kRedirect:
      return Redirected(transfer, response);
    case AnswerKind::kBusy:
      return Busy(transfer, response);
    case AnswerKind::kRefused:
      return HubError(options_.target, file->item().path, response);
    case AnswerKind::kChanged:
      AbortTransfersOf(file);
      return file->Changed(transfer.answer->problem);
    case AnswerKind::kExpired:
    case AnswerKind::kMalformed:
      file->ForgetLocation();
      return file->Failed(problem, transfer.begun, std::nullopt);
    case AnswerKind::kPart:
    case AnswerKind::kWhole:
      break;
  }
  return absl::OkStatus();
}

absl::Status Downloader::BodyEnded(const Transfer& transfer,
                                   const HttpOutcome& outcome) {
  FileDownload* const file = transfer.file;
  if (!transfer.write_status.ok()) return transfer.write_status;
  const bool ended = transfer.has_body() && transfer.position == transfer.end;
  const uint64_t brought = transfer.end - transfer.range.begin;
  if (ended && transfer.end < transfer.range.end && brought < kLeastAnswer) {
    return file->Failed(
        absl::UnavailableError(absl::StrCat("the server gives ", brought,
                                            " bytes where it was asked for ",
                                            transfer.range.size())),
        transfer.begun, std::nullopt);
  }
  if (ended) return absl::OkStatus();
  absl::Status status = outcome.status;
  if (status.ok()) {
    status = absl::UnavailableError(absl::StrCat("the answer ended at byte ",
                                                 transfer.position,
                                                 ", expected ", transfer.end));
  }
  if (!outcome.may_retry) {
    return absl::Status(
        status.code(), absl::StrCat(file->item().path, ": ", status.message()));
  }
  // An address that gives nothing may be a server that has gone.
  if (!transfer.has_body()) file->ForgetLocation();
  return file->Failed(status, transfer.begun, std::nullopt);
}

absl::Status Downloader::Busy(const Transfer& transfer,
                              const HttpResponse& response) {
  budget_.Throttled();
  const std::optional<absl::Duration> pause =
      RequestedPause(response, absl::Now());
  const absl::Status failed = transfer.file->Failed(
      HubError(options_.target, transfer.file->item().path, response),
      transfer.begun, pause);
  if (failed.ok() && pause.has_value()) {
    quiet_until_ = std::max(quiet_until_, base::SteadyNow() + *pause);
  }
  return failed;
}

absl::Status Downloader::Redirected(const Transfer& transfer,
                                    const HttpResponse& response) {
  ASSIGN_OR_RETURN(const std::string url,
                   ResolveRedirect(response.url, response.Header("location")));
  if (!transfer.file->RedirectedTo(url)) {
    return absl::UnavailableError(absl::StrCat(transfer.file->item().path, ": ",
                                               PrintableUrl(response.url),
                                               " redirects in a circle"));
  }
  return absl::OkStatus();
}

void Downloader::Notice(const std::string& line) const {
  if (observer_->notice) observer_->notice(line);
}

}  // namespace fetch
