#include "server/sandbox/run_as.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <grp.h>
#include <optional>
#include <pwd.h>
#include <string>
#include <system_error>
#include <unistd.h>
#include <utility>
#include <vector>

#include "server/sandbox/capabilities.hpp"
#include "server/sandbox/hardening.hpp"

namespace scepgate::server::sandbox {
namespace {

std::optional<std::uint32_t> as_number(const std::string& text) {
    std::uint32_t number = 0;
    const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (fault != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return number;
}

Error no_run_as(const std::string& what) {
    return {Errc::kConfig, what};
}

Error refused_step(const char* what) {
    return no_run_as(std::string(what) + " is refused: " + std::generic_category().message(errno) +
                     "; start with the capabilities CAP_SETUID and CAP_SETGID, or as that user");
}

/// Whoever is this user already and has nothing to give up.
bool is_already(const Account& account) {
    uid_t real = 0, effective = 0, saved = 0;
    ::getresuid(&real, &effective, &saved);
    return real == account.user && effective == account.user && saved == account.user &&
           ::getegid() == account.group;
}

/// All but CAP_NET_BIND_SERVICE, of this thread. Other threads give theirs up in finish().
Result<void> keep_binding_alone() {
    Capabilities sets{};
    if (!read_capabilities(0, sets)) return refused_step("capget");
    const std::uint32_t kept = sets[0].permitted & kBindingRight;
    sets = {};
    sets[0].permitted = sets[0].effective = kept;
    if (!set_capabilities(sets)) return refused_step("capset");
    return {};
}

/// That no thread of this process has a capability left.
Result<void> verify_no_capabilities() {
    const auto threads = own_threads();
    if (!threads) return threads.error();
    for (const pid_t thread : *threads) {
        Capabilities sets{};
        if (!read_capabilities(thread, sets)) continue;  // ended
        for (const auto& part : sets) {
            if ((part.effective | part.permitted) != 0)
                return no_run_as("a thread keeps capabilities of root");
        }
    }
    return {};
}

}  // namespace

Result<Account> find_account(const RunAsConfig& config) {
    Account account;
    const auto number = as_number(config.user);
    const passwd* entry = number ? ::getpwuid(*number) : ::getpwnam(config.user.c_str());
    if (entry != nullptr) {
        account = {entry->pw_uid, entry->pw_gid, entry->pw_name, entry->pw_dir};
    } else if (number && !config.group.empty()) {
        account.user = *number;
    } else {
        return no_run_as("there is no user '" + config.user +
                         "'; make one: useradd --system --no-create-home scepgate" +
                         (number ? ", or give the group's number too" : ""));
    }
    if (account.user == 0) return no_run_as("names root, which keeps every right");
    if (config.group.empty()) return account;
    const auto group_number = as_number(config.group);
    const group* found = ::getgrnam(config.group.c_str());
    if (found == nullptr && !group_number)
        return no_run_as("there is no group '" + config.group + "'");
    account.group = found != nullptr ? found->gr_gid : *group_number;
    return account;
}

bool is_in_group(const Account& account, gid_t group) {
    if (group == account.group) return true;
    if (account.name.empty()) return false;
    int count = 0;
    ::getgrouplist(account.name.c_str(), account.group, nullptr, &count);
    std::vector<gid_t> groups(static_cast<std::size_t>(std::max(count, 1)));
    count = static_cast<int>(groups.size());
    if (::getgrouplist(account.name.c_str(), account.group, groups.data(), &count) < 0)
        return false;
    groups.resize(static_cast<std::size_t>(count));
    return std::find(groups.begin(), groups.end(), group) != groups.end();
}

Result<UserChange> UserChange::begin(const RunAsConfig& config) {
    const auto account = find_account(config);
    if (!account) return account.error();
    if (is_already(*account)) return UserChange(account->user, account->group, false);
    if (::geteuid() != 0) {
        return no_run_as("only root can become '" + config.user +
                         "'; start as root or as that user, or leave run_as out");
    }
    const int groups = account->name.empty() ? ::setgroups(1, &account->group)
                                             : ::initgroups(account->name.c_str(), account->group);
    if (groups != 0) return refused_step("setgroups");
    if (::setresgid(account->group, account->group, account->group) != 0)
        return refused_step("setresgid");
    // The saved user stays root until finish(): as long as one of the three is root, the kernel
    // lets a thread have capabilities, and when the last one goes, all threads lose all of them.
    if (::setresuid(account->user, account->user, 0) != 0) return refused_step("setresuid");
    if (const auto kept = keep_binding_alone(); !kept) return kept.error();
    if (const auto none = forbid_core_dumps(); !none) return none.error();
    // Where libraries look for their settings: not among root's.
    const std::string home = account->home.empty() ? "/" : account->home;
    ::setenv("HOME", home.c_str(), 1);
    return UserChange(account->user, account->group, true);
}

UserChange::UserChange(UserChange&& other) noexcept
    : user_(other.user_),
      group_(other.group_),
      unfinished_(std::exchange(other.unfinished_, false)) {}

UserChange& UserChange::operator=(UserChange&& other) noexcept {
    std::swap(user_, other.user_);
    std::swap(group_, other.group_);
    std::swap(unfinished_, other.unfinished_);
    return *this;
}

// A start that fails in between is not served by root either, and LeakSanitizer may look at it.
UserChange::~UserChange() {
    static_cast<void>(finish());
}

Result<void> UserChange::finish() {
    if (!std::exchange(unfinished_, false)) return {};
    if (::setresuid(user_, user_, user_) != 0) return refused_step("setresuid");
    if (const auto none = forbid_core_dumps(); !none) return none;
    uid_t real = 0, effective = 0, saved = 0;
    gid_t real_group = 0, effective_group = 0, saved_group = 0;
    if (::getresuid(&real, &effective, &saved) != 0 ||
        ::getresgid(&real_group, &effective_group, &saved_group) != 0 || real != user_ ||
        effective != user_ || saved != user_ || real_group != group_ || effective_group != group_ ||
        saved_group != group_ || ::setresuid(0, 0, 0) == 0) {
        return no_run_as("the process is not that user alone");
    }
    return verify_no_capabilities();
}

}  // namespace scepgate::server::sandbox
