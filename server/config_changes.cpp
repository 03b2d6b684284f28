#include "server/config_changes.hpp"

#include <algorithm>

namespace scepgate::server {
namespace {

bool same_source(const SecretSource& left, const SecretSource& right) {
    return left.file == right.file && left.environment == right.environment;
}

bool same_source(const std::optional<SecretSource>& left,
                 const std::optional<SecretSource>& right) {
    return left && right ? same_source(*left, *right) : left.has_value() == right.has_value();
}

bool same_token(const std::optional<TokenKeySource>& left,
                const std::optional<TokenKeySource>& right) {
    if (!left || !right) return left.has_value() == right.has_value();
    return left->uri.text() == right->uri.text() && left->module == right->module &&
           same_source(left->pin, right->pin);
}

/// The contents of the files may change: they are read anew.
bool same_files(const std::optional<KeyPairConfig>& left,
                const std::optional<KeyPairConfig>& right) {
    if (!left || !right) return left.has_value() == right.has_value();
    return left->certificate == right->certificate && same_source(left->key.pem, right->key.pem) &&
           same_source(left->key.passphrase, right->key.passphrase) &&
           left->key.pkcs12 == right->key.pkcs12 && same_token(left->key.token, right->key.token);
}

bool same_database(const std::optional<PostgresConfig>& left,
                   const std::optional<PostgresConfig>& right) {
    if (!left || !right) return left.has_value() == right.has_value();
    return left->conninfo == right->conninfo && same_source(left->password, right->password) &&
           left->connections == right->connections &&
           left->connect_timeout == right->connect_timeout &&
           left->statement_timeout == right->statement_timeout;
}

bool same_listeners(const std::vector<ListenSettings>& left,
                    const std::vector<ListenSettings>& right) {
    return std::equal(left.begin(), left.end(), right.begin(), right.end(),
                      [](const ListenSettings& one, const ListenSettings& other) {
                          return one.address == other.address && one.client_ca == other.client_ca &&
                                 same_files(one.tls, other.tls);
                      });
}

}  // namespace

void warn_of_restart(const Config& started, const Config& now, ConfigFaults& faults) {
    const auto check = [&faults](bool same, const char* json_path) {
        if (!same) faults.warn(json_path, "has changed", "restart for it to take effect");
    };
    check(same_listeners(started.http.listen, now.http.listen), "listen");
    const auto admin = [](const Config& config) {
        return config.admin ? config.admin->http.listen : std::vector<ListenSettings>();
    };
    check(same_listeners(admin(started), admin(now)), "admin.listen");
    check(started.store_sqlite == now.store_sqlite, "store.sqlite");
    check(same_database(started.store_postgresql, now.store_postgresql), "store.postgresql");
    check(started.log.file == now.log.file, "log.file");
    check(started.log.format == now.log.format, "log.format");
    check(started.log.level == now.log.level, "log.level");
    check(started.audit_file == now.audit_file, "audit.file");
    check(same_source(started.audit_hmac_key, now.audit_hmac_key), "audit.hmac_key");
    check(started.audit_sync == now.audit_sync, "audit.sync");
    check(started.run_as == now.run_as, "run_as");
    check(started.sandbox == now.sandbox, "sandbox");
    check(started.queue == now.queue, "limits.queue");
    check(started.queue_time == now.queue_time, "limits.queue_time");
    check(started.shutdown_delay == now.shutdown_delay, "limits.shutdown_delay");
    check(started.http.io_threads == now.http.io_threads, "threads.io");
    check(started.crypto_threads == now.crypto_threads, "threads.crypto");
}

}  // namespace scepgate::server
