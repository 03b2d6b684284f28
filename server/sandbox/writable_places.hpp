// Where a configuration has this process write, and which ports it has it bind.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "server/config.hpp"

namespace scepgate::server::sandbox {

/// A folder, with all that is beneath it; or one thing that is no folder.
struct WritablePlace {
    enum class Kind {
        kFiles,     ///< files are made, written, renamed within a folder and removed
        kSocket,    ///< a Unix socket is made and removed
        kAnything,  ///< whatever but devices: it is not scepgate that writes there
    };
    std::filesystem::path path;
    Kind kind = Kind::kFiles;
    std::string json_path;   ///< what names it
    bool published = false;  ///< a reload can bring another
    bool operator==(const WritablePlace&) const = default;
};

/// The path, and what it is a link to, and so on, to the last, which may not be there.
[[nodiscard]] std::vector<std::filesystem::path> names_of(const std::filesystem::path& file);

/// The folders of store, audit file, log, published CRLs, a signer's records and socket: those
/// that hold the files, and those that links lead to, because each of them is written with others
/// beside it. What is in /dev or /proc stands for itself alone. Then `sandbox.writable`. Links are
/// read as they are now.
[[nodiscard]] std::vector<WritablePlace> writable_places(const Config& config);

/// TCP ports of all listeners.
[[nodiscard]] std::vector<std::uint16_t> listening_ports(const Config& config);

}  // namespace scepgate::server::sandbox
