// A folder that is made whole or not at all, whenever the attempt is broken off.
#pragma once

#include <filesystem>
#include <functional>

#include "certs/result.hpp"

namespace scepgate::server::cli {

/// Makes `directory` (0700 when it is new; one that is there must be empty and keeps its mode) and
/// fills it by `build`, which writes into a hidden folder inside. When all is there the files are
/// moved up, `last` as the last: a folder that has it is finished. What an attempt left that was
/// broken off is moved up too when it was complete, else cleared away and built anew.
/// kDenied: `directory` is finished, holds other files, or another process is at work in it.
Result<void> build_folder(
    const std::filesystem::path& directory, const std::string& last,
    const std::function<Result<void>(const std::filesystem::path& workshop)>& build);

}  // namespace scepgate::server::cli
