// Keeps this process from writing anywhere but where its configuration says (Landlock).
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "server/sandbox/writable_places.hpp"

namespace scepgate::server::sandbox {

/// What is in force in this process.
struct FileConfinement {
    int abi = 0;                               ///< Landlock's; 0: nothing is in force
    std::vector<WritablePlace> places;         ///< that were asked for
    std::vector<std::uint16_t> ports;          ///< the same
    std::vector<std::filesystem::path> found;  ///< of the places: those that are there; each once
};

/// From here on, and for good, this process and the threads that it makes create, write, truncate,
/// rename, link and remove files only in writable_places(), execute none, bind no TCP ports but the
/// configuration's, and send no signals to other processes; each as far as the kernel's ABI knows
/// it. To be called once, before there is a second thread, a library of others or a secret.
/// A place that is not there gets no rights when it is made later.
///
/// Without Landlock: nothing is done, or kConfig where `sandbox.landlock` is "on".
Result<FileConfinement> confine_files(const Config& config);

/// Whether confine_files() left the folder of this file writable: links, and a folder that was made
/// anew, count as what they are now. True where nothing is in force.
[[nodiscard]] bool is_beneath_writable_place(const std::filesystem::path& file);

/// What to add to the system's word for `error` (errno), where this is why: "" or the remedy.
[[nodiscard]] std::string confinement_hint(const std::filesystem::path& file, int error);

/// Before a start, or for a check: whether the kernel has what `sandbox.landlock` asks for, and
/// whether the places of `sandbox.writable` are there.
void judge_landlock(const SandboxConfig& config, ConfigFaults& faults);

}  // namespace scepgate::server::sandbox
