#include "fetch/protocol/http_message.h"

#include <string>

#include "absl/strings/string_view.h"

namespace fetch {

absl::string_view HttpResponse::Header(absl::string_view name) const {
  const auto header = headers.find(std::string(name));
  return header == headers.end() ? absl::string_view() : header->second;
}

}  // namespace fetch
