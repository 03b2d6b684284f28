// From root to the user that a server is: "run_as".
#pragma once

#include <string>
#include <sys/types.h>

#include "certs/result.hpp"
#include "server/config_sandbox.hpp"

namespace scepgate::server::sandbox {

struct Account {
    uid_t user = 0;
    gid_t group = 0;
    std::string name;  ///< empty: a number that nobody has
    std::string home;
};

/// kConfig when there is no such user or group, or it is root.
[[nodiscard]] Result<Account> find_account(const RunAsConfig& config);
/// Whether a process that has become the account has this group.
[[nodiscard]] bool is_in_group(const Account& account, gid_t group);

/// A process that root has started becomes another user in two steps, so that it can bind ports
/// below 1024 between them, and nothing else as root: files are opened, and made, by the user.
class UserChange {
public:
    /// The first step; before there are threads of our own. From here on files are judged and made
    /// as the user, and the main thread alone can bind any port. Nothing happens where the process
    /// is that user already. kConfig when there is no such user or group, or this is not root.
    static Result<UserChange> begin(const RunAsConfig& config);

    /// The second, for good: every right of root is given up by all threads, and that is verified.
    /// What is left of root goes at the latest when this ends.
    Result<void> finish();

    UserChange(UserChange&& other) noexcept;
    UserChange& operator=(UserChange&& other) noexcept;
    ~UserChange();

private:
    UserChange(uid_t user, gid_t group, bool unfinished)
        : user_(user), group_(group), unfinished_(unfinished) {}

    uid_t user_;
    gid_t group_;
    bool unfinished_;
};

}  // namespace scepgate::server::sandbox
