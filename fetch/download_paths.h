// File: fetch/download_paths.h
//
// The paths that have to do with the download of one file.

#ifndef FETCH_DOWNLOAD_PATHS_H_
#define FETCH_DOWNLOAD_PATHS_H_

#include <string>

namespace fetch {

struct DownloadPaths {
  std::string final_path;    // where verified contents go
  std::string partial_path;  // our partial file; may have gaps
  std::string record_path;   // the partial file's ranges, see range_record.h
  // Another client's partial file, see foreign_partial.h. Ours has another
  // name, because such a client takes the size for what is there.
  std::string foreign_partial_path;
  std::string lock_path;  // held while any of the above is changed
};

}  // namespace fetch

#endif  // FETCH_DOWNLOAD_PATHS_H_
