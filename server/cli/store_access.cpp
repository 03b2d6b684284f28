#include "server/cli/store_access.hpp"

#include <cstdlib>
#include <pwd.h>
#include <unistd.h>

#include "server/audit_settings.hpp"
#include "server/cli/commands.hpp"
#include "server/cli/support.hpp"
#include "server/notices.hpp"
#include "server/runtime_ca.hpp"
#include "server/store_opening.hpp"

namespace scepgate::server::cli {

using ca_backend::SqlStore;
using ca_backend::StoreMode;

namespace {

Result<std::unique_ptr<SqlStore>> store_of(const Config& config, StoreMode mode) {
    if (config.signer) {
        return Error{Errc::kConfig,
                     "this is the configuration of a signer, which has no store; name the server's "
                     "with --config"};
    }
    return open_store(config, mode);
}

}  // namespace

std::unique_ptr<SqlStore> open_store_to_read(const Config& config) {
    auto store = store_of(config, StoreMode::kReadOnly);
    if (store) return *std::move(store);
    complain(kUsage, store.error().detail);
    return nullptr;
}

std::optional<Records> open_records(const Config& config) {
    auto audit = open_audit(config);
    if (!audit) {
        complain(kUsage, audit.error().detail);
        return std::nullopt;
    }
    auto store = store_of(config, StoreMode::kOpenCurrent);
    if (!store) {
        complain(kUsage, store.error().detail);
        return std::nullopt;
    }
    // The server tells of what is done beside it, too.
    if (!config.notifiers.empty()) {
        (*store)->outbox().announce_by(std::make_shared<Notices>(subscriptions(config)));
    }
    return Records{*std::move(audit), *std::move(store)};
}

std::optional<std::string> choose_ca(const Config& config, const std::string& option) {
    if (!option.empty()) return option;
    if (config.cas.size() == 1) return config.cas.begin()->first;
    std::string all;
    for (const auto& [name, ca] : config.cas)
        all += (all.empty() ? "" : ", ") + name;
    complain(kUsage, "there are several CAs; choose one with --ca: " + all);
    return std::nullopt;
}

std::shared_ptr<ca_backend::CaBackend> load_ca(const Config& config, const std::string& name,
                                               std::shared_ptr<AuditLog> audit) {
    const auto found = config.cas.find(name);
    if (found == config.cas.end()) {
        complain(kUsage, "there is no CA '" + name + "' in the configuration");
        return nullptr;
    }
    ConfigFaults faults;
    RuntimeContext context(std::make_shared<certs::SystemClock>(), faults);
    const auto warn = [](const ca_backend::MadeCrl&, const std::string& left_out) {
        complain(kSuccess, "revocations that no CRL can list were left out: " + left_out);
    };
    context.services.crls->connect(std::move(audit), warn, operator_name());
    auto built = build_ca(name, found->second, Templates{}, context);
    print_faults(faults);
    return built ? built->backend : nullptr;
}

std::string operator_name() {
    const passwd* entry = ::getpwuid(::getuid());
    std::string name = entry != nullptr ? entry->pw_name : std::to_string(::getuid());
    if (const char* caller = std::getenv("SUDO_USER"); caller != nullptr) {
        name += " (" + std::string(caller) + ")";
    }
    return name;
}

}  // namespace scepgate::server::cli
