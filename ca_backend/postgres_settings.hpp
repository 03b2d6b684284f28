// How to reach a PostgreSQL database, before anything is asked of it.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "certs/result.hpp"
#include "certs/secret.hpp"

namespace scepgate::ca_backend {

struct PostgresSettings {
    std::string conninfo;  ///< libpq's: key=value pairs or a postgresql:// URI, without a password
    /// Null: libpq looks for one itself (.pgpass, certificate, peer).
    std::shared_ptr<const Secret> password;
    std::size_t readers = 16;  ///< connections that read, at most
    std::chrono::seconds connect_timeout{5};
    std::chrono::milliseconds statement_timeout{10'000};
};

/// What can be said of `conninfo` without a connection. kConfig: libpq cannot read it, or it holds
/// a password, which belongs elsewhere: it is shown in messages.
struct ConninfoJudgement {
    std::vector<std::string> warnings;
};
Result<ConninfoJudgement> judge_conninfo(const std::string& conninfo);

/// "host/database" for messages.
[[nodiscard]] std::string describe_conninfo(const std::string& conninfo);

}  // namespace scepgate::ca_backend
