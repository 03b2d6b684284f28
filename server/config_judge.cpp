#include "server/config_judge.hpp"

#include <fcntl.h>
#include <unistd.h>

#include "ca_backend/postgres_store.hpp"
#include "ca_backend/sqlite_judge.hpp"
#include "server/audit_head.hpp"
#include "server/audit_settings.hpp"
#include "server/ca_names.hpp"
#include "server/config_ca_urls.hpp"
#include "server/file_access.hpp"
#include "server/file_modes.hpp"
#include "server/http_address.hpp"
#include "server/http_listener.hpp"
#include "server/libcrypto_gate.hpp"
#include "server/runtime_builder.hpp"
#include "server/runtime_ca.hpp"
#include "server/sandbox/file_confinement.hpp"
#include "server/store_opening.hpp"

namespace scepgate::server {
namespace {

namespace fs = std::filesystem;

bool writable(const fs::path& path) {
    return ::faccessat(AT_FDCWD, path.c_str(), W_OK, AT_EACCESS) == 0;
}

/// A file that is appended to, and made when it is not there.
void judge_output(const fs::path& file, const std::string& json_path, ConfigFaults& faults) {
    if (file.empty()) return;
    std::error_code failure;
    const auto status = fs::status(file, failure);
    if (fs::is_directory(status)) {
        faults.error(json_path, file.string() + " is a folder", "name a file in it");
    } else if (fs::exists(status)) {
        if (writable(file)) return;
        faults.error(json_path, this_user() + " may not write " + file.string(),
                     how_to_let_write(file));
    } else if (const auto folder = file.parent_path(); !fs::is_directory(folder, failure)) {
        faults.error(json_path, "there is no folder " + folder.string(), "create it");
    } else if (!writable(folder)) {
        faults.error(json_path, this_user() + " may not create files in " + folder.string(),
                     how_to_let_write(folder));
    }
}

/// With another key than it was begun with, nothing may go on with a chain of records.
void judge_audit_chain(const Config& config, ConfigFaults& faults) {
    auto key = load_audit_key(config, faults);
    if (config.audit_file.empty() || (config.audit_hmac_key && !key)) return;
    std::error_code failure;
    const auto status = fs::status(config.audit_file, failure);
    if (fs::exists(status) && !fs::is_regular_file(status)) return;  // it has no head
    const fs::path file = audit_head_file(config.audit_file);
    judge_output(file, "audit.file", faults);
    const auto head = AuditHeadFile::open(file, AuditHeadFile::Use::kRead);
    if (!head) {
        if (head.error().code != Errc::kNotFound) faults.error("audit.file", head.error().detail);
        return;
    }
    if (const auto read = head->read(AuditDigest(std::move(key))); !read)
        faults.error("audit.hmac_key", read.error().detail);
}

/// One that is still to be upgraded is looked at when it was.
Result<void> find_clock_fault(const Config& config, std::int64_t now) {
    if (!config.store_postgresql) return ca_backend::judge_sqlite_clock(config.store_sqlite, now);
    const auto store = open_store(config, ca_backend::StoreMode::kReadOnly);
    return store ? (*store)->judge_clock(now) : Result<void>();
}

void judge_clock(const Config& config, std::int64_t now, ConfigFaults& faults) {
    if (const auto sound = find_clock_fault(config, now); !sound)
        faults.warn(store_path(config), sound.error().detail);
}

Result<std::vector<certs::Certificate>> certificates_of_issuers(
    const Config& config, const std::vector<std::string>& cas) {
    if (!config.store_postgresql)
        return ca_backend::sqlite_certificates_of_issuers(config.store_sqlite, cas);
    const auto store = open_store(config, ca_backend::StoreMode::kReadOnly);
    if (!store) return std::vector<certs::Certificate>();  // told of elsewhere, or to be upgraded
    return (*store)->certificates_of_issuers(cas);
}

/// Whether one of the last certificates is of the CA with this name.
bool has_issued(const Config& config, const std::string& ca, ca_backend::Store* open) {
    const auto count = [&](const std::vector<std::string>& cas) -> std::size_t {
        const auto found = open != nullptr ? open->certificates_of_issuers(cas)
                                           : certificates_of_issuers(config, cas);
        return found ? found->size() : 0;
    };
    return count({ca}) > count({});  // those of whom something is revoked are in both
}

/// What a store that can be used says against the configuration. `open`: this process has it.
void judge_by_store(const Config& config, ca_backend::Store* open, ConfigFaults& faults) {
    const auto cas = names_of_cas(config);
    const auto known =
        open != nullptr ? open->certificates_of_issuers(cas) : certificates_of_issuers(config, cas);
    if (!known) return faults.error(store_path(config), known.error().detail);
    judge_cas_by_store(config, *known, faults);
    for (const auto& [name, ca] : config.cas) {
        if (!awaits_certificate(ca) || !has_issued(config, name, open)) continue;
        faults.error(ca.json_path + ".certificate",
                     "the CA has issued certificates, and its own is gone: there is no " +
                         ca.certificate.string(),
                     "bring it back (docs/backup.md), or take the CA out of 'cas'");
    }
}

/// SQLite writes to the file and makes its log beside it. False: one of them it may not.
bool judge_rights(const fs::path& file, ConfigFaults& faults) {
    std::error_code failure;
    if (!fs::is_regular_file(file, failure)) return true;  // told of elsewhere
    for (const fs::path& path : {file, fs::absolute(file, failure).parent_path()}) {
        if (writable(path)) continue;
        faults.error("store.sqlite",
                     this_user() + " may not write to " + path.string() +
                         (path == file ? "" : ", where SQLite keeps its log"),
                     how_to_let_write(path));
        return false;
    }
    return true;
}

void judge_store(const Config& config, Occasion occasion, std::int64_t now, ca_backend::Store* open,
                 ConfigFaults& faults) {
    if (occasion == Occasion::kReload) {
        if (open != nullptr) judge_by_store(config, open, faults);
        return;
    }
    if (config.store_postgresql) {
        // One that libpq cannot read was told of already.
        if (!ca_backend::judge_conninfo(config.store_postgresql->conninfo)) return;
        const auto settings = postgres_settings(config, faults);
        if (!settings) return;
        if (const auto sound = ca_backend::judge_postgres_store(*settings); !sound)
            return faults.error("store.postgresql", sound.error().detail);
        judge_clock(config, now, faults);
        return judge_by_store(config, nullptr, faults);
    }
    const fs::path& file = config.store_sqlite;
    if (file.empty()) return;
    if (!judge_rights(file, faults)) return;
    if (const auto sound = ca_backend::judge_sqlite_store(file); !sound)
        return faults.error("store.sqlite", sound.error().detail);
    judge_clock(config, now, faults);
    judge_by_store(config, nullptr, faults);
}

void judge_listeners(const Config& config, Occasion occasion, ConfigFaults& faults) {
    if (occasion == Occasion::kReload) return;
    auto listeners = config.http.listen;
    if (config.admin) {
        const auto& more = config.admin->http.listen;
        listeners.insert(listeners.end(), more.begin(), more.end());
    }
    for (const auto& listener : listeners) {
        if (!parse_endpoint(listener.address)) continue;  // reported when the file was read
        const auto free = HttpListener::probe(listener.address);
        if (free) continue;
        const std::string path = listener.json_path + ".address";
        const std::string what = listener.address + ": " + free.error().detail;
        if (occasion == Occasion::kCheck && free.error().code == Errc::kConflict) {
            faults.warn(path, what, "nothing is wrong when that is this server, already running");
        } else {
            faults.error(path, what);
        }
    }
}

}  // namespace

void judge_outputs(const Config& config, Occasion occasion, ConfigFaults& faults) {
    if (config.log.file) judge_output(*config.log.file, "log.file", faults);
    judge_output(config.audit_file, "audit.file", faults);
    if (config.log.file && *config.log.file == config.audit_file) {
        faults.error("log.file", "is the audit file too", "give each a file of its own");
    }
    // What is open goes on with its own key until a restart.
    if (occasion != Occasion::kReload) judge_audit_chain(config, faults);
}

JudgedConfig judge_config(const fs::path& file, Occasion occasion,
                          std::shared_ptr<const certs::Clock> clock, ConfigFaults& faults,
                          RuntimeServices services) {
    JudgedConfig judged{load_config(file, faults), nullptr, nullptr};
    const Config& config = judged.config;
    if (config.signer) {
        faults.error("signer", "this is the configuration of a signer, which serves no SCEP",
                     "run: scepgate signer --config FILE; give the server a file of its own");
        return judged;
    }
    // Files are looked at even when keys are unknown elsewhere: one run shows every fault.
    const std::int64_t now = clock->now();
    const auto store = services.store->get();
    judged.runtime = build_runtime(config, std::move(clock), faults, std::move(services));
    judged.admin = admin::build_admin(config, judged.runtime, now, faults);
    judge_ca_url_hosts(config, faults);
    judge_file_modes(config, faults);
    judge_libcrypto(running_libcrypto(), compiled_libcrypto(), config.openssl_patched, faults);
    if (occasion != Occasion::kReload) sandbox::judge_landlock(config.sandbox, faults);
    judge_listeners(config, occasion, faults);
    judge_store(config, occasion, now, store.get(), faults);
    judge_outputs(config, occasion, faults);
    if (faults.has_errors()) {
        judged.runtime = nullptr;
        judged.admin = nullptr;
    }
    return judged;
}

}  // namespace scepgate::server
