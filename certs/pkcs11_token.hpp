// A token that is logged in to, and sessions with it.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "certs/pkcs11_module.hpp"
#include "certs/secret.hpp"

namespace scepgate::certs {

/// One token behind a module, shared by all keys in it. Sessions are opened as they are needed and
/// kept. When the token was away, what is asked next opens them, logs in and asks again by itself.
/// Safe for concurrent use: each call has a session of its own.
class Pkcs11Token {
public:
    /// The token that the URI names. `pin`: empty for one without log-in. Nothing is asked of it
    /// before the first use. Tokens of one module, name and PIN are one object. kConfig: no module.
    static Result<std::shared_ptr<Pkcs11Token>> open(const std::filesystem::path& module,
                                                     const Pkcs11Uri& uri, const Secret& pin);
    ~Pkcs11Token();
    Pkcs11Token(const Pkcs11Token&) = delete;
    Pkcs11Token& operator=(const Pkcs11Token&) = delete;

    /// A session, logged in, for one piece of work. Object handles found in it are good for all
    /// sessions with the same `epoch`.
    struct Session {
        CK_FUNCTION_LIST& call;
        CK_SESSION_HANDLE handle;
        unsigned epoch;
    };
    using Work = std::function<CK_RV(const Session&)>;

    enum class Access { kReadOnly, kReadWrite };

    /// Does the work, and does it again in a new session when this one or its objects are gone.
    /// `what`: "signing". kUnavailable: the token cannot be reached; kConfig: it refuses the PIN,
    /// or there is no such token; kUnsupported: it does not do what was asked.
    Result<void> run(const std::string& what, const Work& work, Access access = Access::kReadOnly);

private:
    Pkcs11Token(std::shared_ptr<Pkcs11Module> module, Pkcs11Uri uri, Secret pin);

    struct Open {
        CK_SESSION_HANDLE handle = 0;
        unsigned epoch = 0;
    };
    Result<Open> take(const Pkcs11Module::Use& use, Access access);
    Result<void> log_in(const Pkcs11Module::Use& use, CK_SLOT_ID slot, CK_SESSION_HANDLE session);
    void put_back(const Pkcs11Module::Use& use, const Open& session);
    void drop_all(const Pkcs11Module::Use& use, unsigned epoch);

    std::shared_ptr<Pkcs11Module> module_;
    Pkcs11Uri uri_;
    Secret pin_;
    std::mutex mutex_;  ///< of what follows
    std::vector<CK_SESSION_HANDLE> idle_;
    unsigned generation_ = 0;  ///< of the module, that idle_ is of
    unsigned epoch_ = 0;       ///< counts the times that all sessions were lost
};

}  // namespace scepgate::certs
