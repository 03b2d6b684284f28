#include "certs/pkcs11_token.hpp"

#include <atomic>
#include <map>

#include "certs/pkcs11_key.hpp"

namespace scepgate::certs {
namespace {

std::atomic<bool> pin_refused = false;

/// The session or the objects that it knew are gone; a new one may find them.
bool is_lost(CK_RV status) {
    switch (status) {
        case CKR_SESSION_HANDLE_INVALID:
        case CKR_SESSION_CLOSED:
        case CKR_OBJECT_HANDLE_INVALID:
        case CKR_KEY_HANDLE_INVALID:
        case CKR_USER_NOT_LOGGED_IN:
        case CKR_DEVICE_ERROR:
        case CKR_DEVICE_REMOVED:
        case CKR_DEVICE_MEMORY:
        case CKR_TOKEN_NOT_PRESENT:
        case CKR_TOKEN_NOT_RECOGNIZED:
        case CKR_CRYPTOKI_NOT_INITIALIZED:
        case CKR_GENERAL_ERROR:
        case CKR_FUNCTION_FAILED:
            return true;
        default:
            return false;
    }
}

Error failed(const std::string& what, CK_RV status) {
    const bool away = is_lost(status) || status == CKR_SESSION_COUNT;
    return {away ? Errc::kUnavailable : Errc::kUnsupported,
            "PKCS#11 token: " + what + ": " + pkcs11_text(status)};
}

struct Tokens {
    std::mutex mutex;
    std::map<std::string, std::weak_ptr<Pkcs11Token>> known;
};

Tokens& tokens() {
    static Tokens all;
    return all;
}

}  // namespace

Pkcs11Token::Pkcs11Token(std::shared_ptr<Pkcs11Module> module, Pkcs11Uri uri, Secret pin)
    : module_(std::move(module)), uri_(std::move(uri)), pin_(std::move(pin)) {}

Pkcs11Token::~Pkcs11Token() {
    const auto use = module_->use();
    if (!use.ended) drop_all(use, epoch_);
}

Result<std::shared_ptr<Pkcs11Token>> Pkcs11Token::open(const std::filesystem::path& file,
                                                       const Pkcs11Uri& uri, const Secret& pin) {
    auto module = Pkcs11Module::load(file);
    if (!module) return module.error();
    Pkcs11Uri token = uri;
    token.object.clear();
    token.id.clear();
    const std::string name =
        file.string() + '\n' + token.text() + '\n' + to_hex(sha256(pin.view()));
    Tokens& all = tokens();
    const std::lock_guard lock(all.mutex);
    if (auto known = all.known[name].lock()) return known;
    std::shared_ptr<Pkcs11Token> fresh(
        new Pkcs11Token(std::move(*module), std::move(token), pin.clone()));
    all.known[name] = fresh;
    return fresh;
}

Result<void> Pkcs11Token::run(const std::string& what, const Work& work, Access access) {
    // Again in a new session; then again after the module was started anew.
    constexpr int kAttempts = 3;
    Error last;
    for (int attempt = 0; attempt < kAttempts; ++attempt) {
        unsigned generation = 0;
        {
            const auto use = module_->use();
            if (use.ended) return Error{Errc::kUnavailable, "PKCS#11 token: the process ends"};
            generation = use.generation;
            const auto session = take(use, access);
            if (session) {
                const CK_RV status = work({use.call, session->handle, session->epoch});
                if (!is_lost(status)) {
                    if (access == Access::kReadOnly) {
                        put_back(use, *session);
                    } else {
                        use.call.C_CloseSession(session->handle);
                    }
                    if (status == CKR_OK) return {};
                    return failed(what, status);
                }
                last = failed(what, status);
                use.call.C_CloseSession(session->handle);
                drop_all(use, session->epoch);
            } else {
                last = session.error();
                // A PIN is never tried again.
                if (last.code == Errc::kConfig) return last;
            }
        }
        if (attempt == 0 && last.code == Errc::kUnavailable) continue;
        module_->restart(generation);
    }
    if (last.code == Errc::kNotFound) last.code = Errc::kUnavailable;
    return last;
}

Result<Pkcs11Token::Open> Pkcs11Token::take(const Pkcs11Module::Use& use, Access access) {
    Open session;
    {
        const std::lock_guard lock(mutex_);
        if (use.generation != generation_) {
            idle_.clear();
            generation_ = use.generation;
            ++epoch_;
        }
        session.epoch = epoch_;
        if (access == Access::kReadOnly && !idle_.empty()) {
            session.handle = idle_.back();
            idle_.pop_back();
            return session;
        }
    }
    const auto slot = module_->find_token(use, uri_);
    if (!slot) return slot.error();
    const CK_FLAGS flags =
        CKF_SERIAL_SESSION | (access == Access::kReadWrite ? CKF_RW_SESSION : CK_FLAGS{0});
    const CK_RV status = use.call.C_OpenSession(*slot, flags, nullptr, nullptr, &session.handle);
    if (status != CKR_OK) return failed("opening a session", status);
    if (const auto done = log_in(use, *slot, session.handle); !done) {
        use.call.C_CloseSession(session.handle);
        return done.error();
    }
    return session;
}

bool pkcs11_pin_was_refused() noexcept {
    return pin_refused;
}

Result<void> Pkcs11Token::log_in(const Pkcs11Module::Use& use, CK_SLOT_ID slot,
                                 CK_SESSION_HANDLE session) {
    if (pin_.empty()) return {};
    // One at a time: two would both be told that the PIN is wrong, and count as two attempts.
    const std::lock_guard lock(mutex_);
    CK_SESSION_INFO state{};
    if (const CK_RV status = use.call.C_GetSessionInfo(session, &state); status != CKR_OK)
        return failed("asking for the session's state", status);
    if (state.state == CKS_RO_USER_FUNCTIONS || state.state == CKS_RW_USER_FUNCTIONS) return {};
    CK_TOKEN_INFO token{};
    if (const CK_RV status = use.call.C_GetTokenInfo(slot, &token); status != CKR_OK)
        return failed("asking for the token's state", status);
    const std::string name = "the token of " + uri_.text();
    if ((token.flags & CKF_USER_PIN_LOCKED) != 0) {
        pin_refused = true;
        return Error{Errc::kConfig, name +
                                        " is locked after too many wrong PINs: have its "
                                        "security officer set a new one"};
    }
    Bytes known(std::begin(token.serialNumber), std::end(token.serialNumber));
    known.insert(known.end(), pin_.view().begin(), pin_.view().end());
    const Secret named(std::move(known));
    const std::string attempt = to_hex(sha256(named.view()));
    if (module_->was_refused(attempt)) {
        return Error{Errc::kConfig,
                     name +
                         " has refused this PIN; it is not tried again, because wrong PINs lock "
                         "a token"};
    }
    if ((token.flags & CKF_USER_PIN_FINAL_TRY) != 0) {
        pin_refused = true;
        return Error{Errc::kConfig, name +
                                        " locks at the next wrong PIN: log in once by hand "
                                        "(pkcs11-tool --login), then start again"};
    }
    Bytes pin = to_bytes(pin_.view());
    const CK_RV status = use.call.C_Login(session, CKU_USER, pin.data(), pin.size());
    const Secret wiped(std::move(pin));
    if (status == CKR_OK || status == CKR_USER_ALREADY_LOGGED_IN) return {};
    if (is_lost(status)) return failed("logging in", status);
    module_->note_refused(attempt);
    pin_refused = true;
    return Error{Errc::kConfig, name + " does not take the PIN (" + pkcs11_text(status) +
                                    "); it is not tried again, because wrong PINs lock a token"};
}

void Pkcs11Token::put_back(const Pkcs11Module::Use& use, const Open& session) {
    {
        const std::lock_guard lock(mutex_);
        if (session.epoch == epoch_) {
            idle_.push_back(session.handle);
            return;
        }
    }
    use.call.C_CloseSession(session.handle);
}

void Pkcs11Token::drop_all(const Pkcs11Module::Use& use, unsigned epoch) {
    std::vector<CK_SESSION_HANDLE> dropped;
    {
        const std::lock_guard lock(mutex_);
        if (epoch != epoch_) return;
        ++epoch_;
        if (use.generation == generation_) dropped.swap(idle_);
        idle_.clear();
    }
    for (const CK_SESSION_HANDLE session : dropped)
        use.call.C_CloseSession(session);
}

}  // namespace scepgate::certs
