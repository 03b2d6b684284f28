// PKCS#11 modules, loaded into this process.
//
// They are spoken to directly: Debian 12 has no PKCS#11 provider for OpenSSL 3, engines are on
// their way out of it, and libengine-pkcs11 never recovers the sessions of a token that was away.
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <mutex>
#include <p11-kit/pkcs11.h>
#include <set>
#include <shared_mutex>
#include <string>

#include "certs/pkcs11_uri.hpp"

namespace scepgate::certs {

/// "CKR_PIN_INCORRECT", or a number.
[[nodiscard]] std::string pkcs11_text(CK_RV status);

/// A module, initialised once in the process and never unloaded before its end: PKCS#11 knows one
/// application a process. Safe for concurrent use.
class Pkcs11Module {
public:
    /// The one of this file; loads it at the first call. kConfig: it is no module.
    static Result<std::shared_ptr<Pkcs11Module>> load(const std::filesystem::path& file);

    Pkcs11Module(const Pkcs11Module&) = delete;
    Pkcs11Module& operator=(const Pkcs11Module&) = delete;
    ~Pkcs11Module() = default;

    /// Its functions, usable while the lock is held.
    struct Use {
        CK_FUNCTION_LIST& call;
        std::shared_lock<std::shared_mutex> lock;
        unsigned generation;  ///< handles of an earlier one are gone
        bool ended;           ///< the process ends: nothing may be called any more
    };
    [[nodiscard]] Use use();

    /// Finalises and initialises it again, as the only way that some modules see a token that came
    /// back: every handle is gone. Nothing is done when that has happened since `generation`, or
    /// less than a second ago.
    void restart(unsigned generation);

    /// The slot that holds the token. kNotFound: none, or several.
    [[nodiscard]] Result<CK_SLOT_ID> find_token(const Use& use, const Pkcs11Uri& uri) const;

    /// A PIN that a token has refused is never tried again: a few attempts lock it. `attempt` names
    /// token and PIN, and holds neither.
    [[nodiscard]] bool was_refused(const std::string& attempt) const;
    void note_refused(const std::string& attempt);

    [[nodiscard]] const std::filesystem::path& file() const noexcept { return file_; }

private:
    Pkcs11Module(std::filesystem::path file, CK_FUNCTION_LIST* functions);
    [[nodiscard]] CK_RV initialise();
    static void end_all() noexcept;

    std::filesystem::path file_;
    CK_FUNCTION_LIST* functions_;
    std::shared_mutex mutex_;  ///< exclusive: while it restarts
    unsigned generation_ = 0;
    bool ended_ = false;
    std::chrono::steady_clock::time_point restarted_{};
    mutable std::mutex refused_mutex_;
    std::set<std::string> refused_;
};

}  // namespace scepgate::certs
