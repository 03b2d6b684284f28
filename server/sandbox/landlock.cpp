#include "server/sandbox/landlock.hpp"

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace scepgate::server::sandbox {
namespace {

// Of linux/landlock.h, which has not all of them in Debian 12.
struct RulesetAttributes {
    std::uint64_t file_rights = 0;
    std::uint64_t net_rights = 0;  ///< from ABI 4
    std::uint64_t scopes = 0;      ///< from ABI 6
};
struct [[gnu::packed]] PathRule {
    std::uint64_t rights = 0;
    std::int32_t descriptor = -1;
};
struct PortRule {
    std::uint64_t rights = 0;
    std::uint64_t port = 0;
};
constexpr unsigned kAskForAbi = 1;
constexpr int kRuleOfPath = 1;
constexpr int kRuleOfPort = 2;
constexpr std::uint64_t kBindTcp = 1;
constexpr std::uint64_t kSignalScope = 2;

constexpr int kAbiOfPorts = 4;
constexpr int kAbiOfScopes = 6;

/// What a rule for something that is no folder may name.
constexpr std::uint64_t kOfOneFile = file_right::kExecute | file_right::kWrite | file_right::kRead |
                                     file_right::kTruncate | file_right::kControlDevice;

Error landlock_fault(const std::string& what) {
    return {Errc::kConfig, what + " is refused: " + std::generic_category().message(errno) +
                               "; \"sandbox\": { \"landlock\": \"off\" } does without"};
}

class PathDescriptor {
public:
    explicit PathDescriptor(const std::filesystem::path& path)
        : number_(::open(path.c_str(), O_PATH | O_CLOEXEC)) {}
    PathDescriptor(const PathDescriptor&) = delete;
    PathDescriptor& operator=(const PathDescriptor&) = delete;
    ~PathDescriptor() {
        if (number_ >= 0) ::close(number_);
    }
    [[nodiscard]] int get() const noexcept { return number_; }

private:
    int number_;
};

}  // namespace

std::uint64_t known_file_rights(int abi) noexcept {
    if (abi <= 0) return 0;
    std::uint64_t all = file_right::kMoveBetweenFolders - 1;
    if (abi >= 2) all |= file_right::kMoveBetweenFolders;
    if (abi >= 3) all |= file_right::kTruncate;
    if (abi >= 5) all |= file_right::kControlDevice;
    return all;
}

Result<int> Landlock::abi() {
    const long abi = ::syscall(SYS_landlock_create_ruleset, nullptr, 0, kAskForAbi);
    if (abi >= 1) return static_cast<int>(abi);
    if (errno == ENOSYS) return Error{Errc::kUnavailable, "this kernel has no Landlock"};
    if (errno == EOPNOTSUPP)
        return Error{Errc::kUnavailable, "this kernel has Landlock, but did not enable it at boot"};
    // As what runs containers may refuse what it does not know.
    return Error{Errc::kUnavailable,
                 "Landlock is refused here: " + std::generic_category().message(errno)};
}

Result<Landlock> Landlock::create(std::uint64_t rights, bool alone) {
    const auto version = abi();
    if (!version) return version.error();
    RulesetAttributes attributes;
    attributes.file_rights = rights & known_file_rights(*version);
    if (*version >= kAbiOfPorts) attributes.net_rights = kBindTcp;
    if (*version >= kAbiOfScopes && alone) attributes.scopes = kSignalScope;
    // An older kernel takes a longer structure when what it does not know is 0.
    const long descriptor =
        ::syscall(SYS_landlock_create_ruleset, &attributes, sizeof(attributes), 0);
    if (descriptor < 0) return landlock_fault("a ruleset");
    return Landlock(static_cast<int>(descriptor), *version, attributes.file_rights);
}

Result<std::optional<FileIdentity>> Landlock::allow(const std::filesystem::path& path,
                                                    std::uint64_t rights) {
    const PathDescriptor at(path);
    struct stat status {};
    if (at.get() < 0 || ::fstat(at.get(), &status) != 0) return std::optional<FileIdentity>();
    PathRule rule;
    rule.rights = rights & rights_;
    if (!S_ISDIR(status.st_mode)) rule.rights &= kOfOneFile;
    rule.descriptor = at.get();
    const FileIdentity identity{status.st_dev, status.st_ino};
    if (rule.rights == 0) return std::optional(identity);
    // EBADFD: a pipe and the like, which is never restricted.
    if (::syscall(SYS_landlock_add_rule, descriptor_, kRuleOfPath, &rule, 0) != 0 &&
        errno != EBADFD)
        return landlock_fault("a rule for " + path.string());
    return std::optional(identity);
}

Result<void> Landlock::allow_port(std::uint16_t port) {
    if (abi_ < kAbiOfPorts) return {};
    const PortRule rule{kBindTcp, port};
    if (::syscall(SYS_landlock_add_rule, descriptor_, kRuleOfPort, &rule, 0) != 0)
        return landlock_fault("a rule for port " + std::to_string(port));
    return {};
}

Result<void> Landlock::enforce() {
    if (::syscall(SYS_landlock_restrict_self, descriptor_, 0) != 0)
        return landlock_fault("to be restricted");
    return {};
}

Landlock::Landlock(Landlock&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)), abi_(other.abi_), rights_(other.rights_) {}

Landlock::~Landlock() {
    if (descriptor_ >= 0) ::close(descriptor_);
}

}  // namespace scepgate::server::sandbox
