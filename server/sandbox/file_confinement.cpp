#include "server/sandbox/file_confinement.hpp"

#include <algorithm>
#include <cerrno>
#include <memory>
#include <sys/stat.h>

#include "server/sandbox/landlock.hpp"
#include "server/sandbox/sanitized.hpp"

namespace scepgate::server::sandbox {
namespace {

namespace fs = std::filesystem;
using Kind = WritablePlace::Kind;

constexpr std::uint64_t kOfFiles =
    file_right::kWrite | file_right::kTruncate | file_right::kMakeFile | file_right::kRemove;
constexpr std::uint64_t kOfSocket = file_right::kMakeSocket | file_right::kRemove;
constexpr std::uint64_t kOfAnything = kOfFiles | kOfSocket | file_right::kMakeFolder |
                                      file_right::kRemoveFolder | file_right::kMakeFifo |
                                      file_right::kMakeLink | file_right::kMoveBetweenFolders |
                                      file_right::kControlDevice;
/// Reading is not among them: libraries read what they like when they like.
constexpr std::uint64_t kTaken = kOfAnything | file_right::kMakeCharacterDevice |
                                 file_right::kMakeBlockDevice |
                                 // To tell of leaks a sanitizer runs a program that reads symbols.
                                 (kSanitized ? 0 : file_right::kExecute);

constexpr std::uint64_t rights_of(Kind kind) {
    switch (kind) {
        case Kind::kFiles:
            return kOfFiles;
        case Kind::kSocket:
            return kOfSocket;
        case Kind::kAnything:
            return kOfAnything;
    }
    return 0;
}

constexpr const char* kKernelRemedy =
    "use Linux 5.13 or later with 'landlock' in /sys/kernel/security/lsm; \"landlock\": \"off\" "
    "does "
    "without";

/// What became writable, for as long as the process lives; null: nothing is in force.
const std::vector<FileIdentity>* writable_identities = nullptr;

bool is_writable_itself(const fs::path& path) {
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0) return false;
    const FileIdentity identity{status.st_dev, status.st_ino};
    return std::find(writable_identities->begin(), writable_identities->end(), identity) !=
           writable_identities->end();
}

}  // namespace

Result<FileConfinement> confine_files(const Config& config) {
    FileConfinement confinement;
    confinement.places = writable_places(config);
    confinement.ports = listening_ports(config);
    if (config.sandbox.landlock == LandlockUse::kOff) return confinement;
    const auto abi = Landlock::abi();
    if (!abi) {
        if (config.sandbox.landlock == LandlockUse::kIfThere) return confinement;
        return Error{Errc::kConfig, abi.error().detail + "; " + kKernelRemedy};
    }
    auto rules = Landlock::create(kTaken, !kSanitized);
    if (!rules) return rules.error();
    auto identities = std::make_unique<std::vector<FileIdentity>>();
    for (const auto& place : confinement.places) {
        const auto allowed = rules->allow(place.path, rights_of(place.kind));
        if (!allowed) return allowed.error();
        if (!*allowed) continue;  // who needs it tells
        if (std::find(identities->begin(), identities->end(), **allowed) == identities->end())
            confinement.found.push_back(place.path);
        identities->push_back(**allowed);
    }
    // Libraries have what they write end there.
    if (const auto null = rules->allow("/dev/null", kOfAnything); !null) return null.error();
    for (const std::uint16_t port : confinement.ports) {
        if (const auto allowed = rules->allow_port(port); !allowed) return allowed.error();
    }
    if (const auto enforced = rules->enforce(); !enforced) return enforced.error();
    confinement.abi = *abi;
    writable_identities = identities.release();
    return confinement;
}

bool is_beneath_writable_place(const fs::path& file) {
    if (writable_identities == nullptr) return true;
    std::error_code failure;
    const fs::path name = names_of(file).back();
    fs::path at = fs::weakly_canonical(name, failure);
    if (failure) at = fs::absolute(name, failure);
    for (;;) {
        if (is_writable_itself(at)) return true;
        if (!at.has_relative_path()) return false;  // the root
        at = at.parent_path();
    }
}

std::string confinement_hint(const fs::path& file, int error) {
    if (error != EACCES || is_beneath_writable_place(file)) return {};
    return "; it is outside of the folders that the configuration named for writing when this "
           "process started (sandbox.landlock), or in one that was made anew since: restart it";
}

void judge_landlock(const SandboxConfig& config, ConfigFaults& faults) {
    if (config.landlock == LandlockUse::kOff) return;
    for (std::size_t i = 0; i < config.writable.size(); ++i) {
        std::error_code ignored;
        if (fs::exists(config.writable[i], ignored)) continue;
        faults.warn("sandbox.writable[" + std::to_string(i) + "]",
                    "there is no " + config.writable[i].string(), "make it before the start");
    }
    const auto abi = Landlock::abi();
    if (abi) return;
    if (config.landlock == LandlockUse::kRequired)
        return faults.error("sandbox.landlock", abi.error().detail, kKernelRemedy);
    faults.warn("sandbox.landlock",
                abi.error().detail + ": where this process writes is left to its user and its unit",
                kKernelRemedy);
}

}  // namespace scepgate::server::sandbox
