#include "certs/pkcs11_module.hpp"

#include <array>
#include <cstdlib>
#include <dlfcn.h>
#include <map>
#include <vector>

#include <openssl/crypto.h>

namespace scepgate::certs {
namespace {

constexpr auto kBetweenRestarts = std::chrono::seconds(1);

struct KnownStatus {
    CK_RV status;
    const char* name;
};
constexpr std::array<KnownStatus, 23> kKnownStatus{{
    {CKR_ATTRIBUTE_TYPE_INVALID, "CKR_ATTRIBUTE_TYPE_INVALID"},
    {CKR_CRYPTOKI_NOT_INITIALIZED, "CKR_CRYPTOKI_NOT_INITIALIZED"},
    {CKR_DATA_LEN_RANGE, "CKR_DATA_LEN_RANGE"},
    {CKR_DEVICE_ERROR, "CKR_DEVICE_ERROR"},
    {CKR_DEVICE_REMOVED, "CKR_DEVICE_REMOVED"},
    {CKR_FUNCTION_FAILED, "CKR_FUNCTION_FAILED"},
    {CKR_FUNCTION_NOT_SUPPORTED, "CKR_FUNCTION_NOT_SUPPORTED"},
    {CKR_GENERAL_ERROR, "CKR_GENERAL_ERROR"},
    {CKR_KEY_FUNCTION_NOT_PERMITTED, "CKR_KEY_FUNCTION_NOT_PERMITTED"},
    {CKR_KEY_HANDLE_INVALID, "CKR_KEY_HANDLE_INVALID"},
    {CKR_KEY_TYPE_INCONSISTENT, "CKR_KEY_TYPE_INCONSISTENT"},
    {CKR_MECHANISM_INVALID, "CKR_MECHANISM_INVALID"},
    {CKR_OBJECT_HANDLE_INVALID, "CKR_OBJECT_HANDLE_INVALID"},
    {CKR_PIN_EXPIRED, "CKR_PIN_EXPIRED"},
    {CKR_PIN_INCORRECT, "CKR_PIN_INCORRECT"},
    {CKR_PIN_LEN_RANGE, "CKR_PIN_LEN_RANGE"},
    {CKR_PIN_LOCKED, "CKR_PIN_LOCKED"},
    {CKR_SESSION_CLOSED, "CKR_SESSION_CLOSED"},
    {CKR_SESSION_HANDLE_INVALID, "CKR_SESSION_HANDLE_INVALID"},
    {CKR_TOKEN_NOT_PRESENT, "CKR_TOKEN_NOT_PRESENT"},
    {CKR_TOKEN_WRITE_PROTECTED, "CKR_TOKEN_WRITE_PROTECTED"},
    {CKR_USER_NOT_LOGGED_IN, "CKR_USER_NOT_LOGGED_IN"},
    {CKR_USER_PIN_NOT_INITIALIZED, "CKR_USER_PIN_NOT_INITIALIZED"},
}};

/// Fixed-length text, padded with blanks.
template <std::size_t Size>
std::string_view trimmed(const unsigned char (&field)[Size]) {
    std::string_view text(reinterpret_cast<const char*>(field), Size);
    const auto last = text.find_last_not_of(std::string_view(" \0", 2));
    return text.substr(0, last == std::string_view::npos ? 0 : last + 1);
}

bool fits(const std::string& wanted, std::string_view found) {
    return wanted.empty() || wanted == found;
}

Error no_module(const std::filesystem::path& file, const std::string& why) {
    return {Errc::kConfig, file.string() + " cannot be used as a PKCS#11 module: " + why};
}

/// All modules of the process. Never destroyed: keys of other static objects may outlive it.
struct Registry {
    std::mutex mutex;
    std::map<std::filesystem::path, std::shared_ptr<Pkcs11Module>> modules;
};

Registry& registry() {
    static Registry& all = *new Registry;
    return all;
}

}  // namespace

std::string pkcs11_text(CK_RV status) {
    for (const KnownStatus& known : kKnownStatus) {
        if (known.status == status) return known.name;
    }
    return "status " + std::to_string(status);
}

Pkcs11Module::Pkcs11Module(std::filesystem::path file, CK_FUNCTION_LIST* functions)
    : file_(std::move(file)), functions_(functions) {}

void Pkcs11Module::end_all() noexcept {
    for (const auto& [file, module] : registry().modules) {
        const std::unique_lock lock(module->mutex_);
        if (module->ended_) continue;
        module->ended_ = true;
        module->functions_->C_Finalize(nullptr);
    }
}

CK_RV Pkcs11Module::initialise() {
    CK_C_INITIALIZE_ARGS arguments{};
    arguments.flags = CKF_OS_LOCKING_OK;
    const CK_RV status = functions_->C_Initialize(&arguments);
    return status == CKR_CRYPTOKI_ALREADY_INITIALIZED ? CKR_OK : status;
}

Result<std::shared_ptr<Pkcs11Module>> Pkcs11Module::load(const std::filesystem::path& file) {
    const std::lock_guard lock(registry().mutex);
    const auto known = registry().modules.find(file);
    if (known != registry().modules.end()) return known->second;
    // Handlers at exit run backwards: libcrypto's, which modules use too, has to come last.
    OPENSSL_init_crypto(0, nullptr);
    // Never closed: what a module leaves behind (threads, handlers at exit) must stay mapped.
    void* const library = ::dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) {
        const char* const why = ::dlerror();
        return no_module(file, why != nullptr ? why : "it cannot be loaded");
    }
    const auto get_functions =
        reinterpret_cast<CK_C_GetFunctionList>(::dlsym(library, "C_GetFunctionList"));
    CK_FUNCTION_LIST* functions = nullptr;
    if (get_functions == nullptr || get_functions(&functions) != CKR_OK || functions == nullptr) {
        return no_module(file, "it has no C_GetFunctionList");
    }
    std::shared_ptr<Pkcs11Module> fresh(new Pkcs11Module(file, functions));
    if (const CK_RV status = fresh->initialise(); status != CKR_OK) {
        return no_module(file, "C_Initialize: " + pkcs11_text(status));
    }
    // And ours before the module's own destructors, which dlopen() has registered.
    std::atexit([] { end_all(); });
    registry().modules.emplace(file, fresh);
    return fresh;
}

Pkcs11Module::Use Pkcs11Module::use() {
    std::shared_lock lock(mutex_);
    const unsigned generation = generation_;
    const bool ended = ended_;
    return {*functions_, std::move(lock), generation, ended};
}

void Pkcs11Module::restart(unsigned generation) {
    const std::unique_lock lock(mutex_);
    const auto now = std::chrono::steady_clock::now();
    if (ended_ || generation != generation_ || now - restarted_ < kBetweenRestarts) return;
    functions_->C_Finalize(nullptr);
    // What fails now fails again, and tells, when the module is used.
    static_cast<void>(initialise());
    ++generation_;
    restarted_ = now;
}

Result<CK_SLOT_ID> Pkcs11Module::find_token(const Use& use, const Pkcs11Uri& uri) const {
    CK_ULONG count = 0;
    CK_RV status = use.call.C_GetSlotList(CK_TRUE, nullptr, &count);
    std::vector<CK_SLOT_ID> slots(count);
    if (status == CKR_OK && count > 0)
        status = use.call.C_GetSlotList(CK_TRUE, slots.data(), &count);
    if (status != CKR_OK) {
        return Error{Errc::kUnavailable,
                     file_.string() + ": C_GetSlotList: " + pkcs11_text(status)};
    }
    slots.resize(std::min<std::size_t>(count, slots.size()));
    std::vector<CK_SLOT_ID> found;
    std::string labels;
    for (const CK_SLOT_ID slot : slots) {
        CK_TOKEN_INFO token{};
        if (use.call.C_GetTokenInfo(slot, &token) != CKR_OK) continue;
        if ((token.flags & CKF_TOKEN_INITIALIZED) == 0) continue;
        labels += (labels.empty() ? "'" : ", '") + std::string(trimmed(token.label)) + "'";
        if (fits(uri.token, trimmed(token.label)) &&
            fits(uri.serial, trimmed(token.serialNumber)) &&
            fits(uri.manufacturer, trimmed(token.manufacturerID)) &&
            fits(uri.model, trimmed(token.model)) && (!uri.slot || *uri.slot == slot)) {
            found.push_back(slot);
        }
    }
    if (found.size() == 1) return found.front();
    return Error{Errc::kNotFound, file_.string() + " has " +
                                      (found.empty() ? "no token" : "several tokens") + " for " +
                                      uri.text() + "; there " +
                                      (labels.empty() ? "is none at all" : "are " + labels)};
}

bool Pkcs11Module::was_refused(const std::string& attempt) const {
    const std::lock_guard lock(refused_mutex_);
    return refused_.contains(attempt);
}

void Pkcs11Module::note_refused(const std::string& attempt) {
    const std::lock_guard lock(refused_mutex_);
    refused_.insert(attempt);
}

}  // namespace scepgate::certs
