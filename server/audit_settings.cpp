#include "server/audit_settings.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include "server/audit_head.hpp"
#include "server/credentials.hpp"
#include "server/given_file.hpp"
#include "server/sandbox/run_as.hpp"

namespace scepgate::server {
namespace {

Result<std::optional<Secret>> key_of(const Config& config) {
    if (!config.audit_hmac_key) return std::optional<Secret>();
    ConfigFaults faults;
    auto key = load_audit_key(config, faults);
    if (key) return std::optional(*std::move(key));
    return Error{Errc::kConfig, faults.list().empty() ? "audit.hmac_key cannot be used"
                                                      : faults.list().front().text()};
}

/// The first line may be that of a command that root gives before the server was ever started: the
/// file is the user's whom the server becomes, or whose folder it is in.
void create_for_server(const Config& config) {
    struct stat folder {
    }, head{};
    if (::geteuid() != 0 || ::stat(audit_head_file(config.audit_file).c_str(), &head) == 0) return;
    if (config.run_as) {
        const auto account = sandbox::find_account(*config.run_as);
        if (account) create_for(config.audit_file, account->user, account->group);
    } else if (::stat(config.audit_file.parent_path().c_str(), &folder) == 0 &&
               folder.st_uid != 0) {
        create_for(config.audit_file, folder.st_uid, folder.st_gid);
    }
}

}  // namespace

std::optional<Secret> load_audit_key(const Config& config, ConfigFaults& faults) {
    if (!config.audit_hmac_key) return std::nullopt;
    auto key = CredentialLoader(faults, 0).secret_line(*config.audit_hmac_key);
    if (!key || key->view().size() >= kLeastAuditKey) return key;
    faults.error(config.audit_hmac_key->json_path,
                 "has " + std::to_string(key->view().size()) + " octets: too few",
                 "give at least " + std::to_string(kLeastAuditKey) + ": openssl rand -hex 32");
    return std::nullopt;
}

Result<AuditDigest> audit_digest(const Config& config) {
    auto key = key_of(config);
    if (!key) return key.error();
    return AuditDigest(*std::move(key));
}

Result<std::shared_ptr<AuditLog>> open_audit(const Config& config) {
    auto key = key_of(config);
    if (!key) return key.error();
    AuditSettings settings;
    settings.hmac_key = *std::move(key);
    settings.sync = config.audit_sync;
    create_for_server(config);
    return AuditLog::open(config.audit_file, std::move(settings));
}

}  // namespace scepgate::server
