#include "ca_backend/postgres_settings.hpp"

#include <algorithm>
#include <libpq-fe.h>
#include <map>
#include <memory>

namespace scepgate::ca_backend {
namespace {

struct FreeOptions {
    void operator()(PQconninfoOption* options) const noexcept { PQconninfoFree(options); }
};

/// What stands in it, and nothing that libpq would add.
Result<std::map<std::string, std::string>> parse_conninfo(const std::string& conninfo) {
    char* fault = nullptr;
    const std::unique_ptr<PQconninfoOption, FreeOptions> options(
        PQconninfoParse(conninfo.c_str(), &fault));
    if (!options) {
        // libpq's words may quote what was meant as a password.
        PQfreemem(fault);
        return Error{Errc::kConfig,
                     "libpq cannot read it; write \"host=… dbname=… user=…\" or "
                     "\"postgresql://user@host/dbname\""};
    }
    std::map<std::string, std::string> found;
    for (const PQconninfoOption* one = options.get(); one->keyword != nullptr; ++one) {
        if (one->val != nullptr && *one->val != '\0') found[one->keyword] = one->val;
    }
    return found;
}

/// A socket of this machine, or its loopback.
bool is_local(const std::string& host) {
    return host.starts_with('/') || host.starts_with('@') || host == "localhost" || host == "::1" ||
           host.starts_with("127.");
}

std::vector<std::string> split_hosts(const std::string& list) {
    std::vector<std::string> all;
    for (std::size_t begin = 0; begin <= list.size();) {
        const std::size_t end = std::min(list.find(',', begin), list.size());
        all.push_back(list.substr(begin, end - begin));
        begin = end + 1;
    }
    return all;
}

}  // namespace

Result<ConninfoJudgement> judge_conninfo(const std::string& conninfo) {
    const auto options = parse_conninfo(conninfo);
    if (!options) return options.error();
    const auto value = [&options](const char* key) {
        const auto found = options->find(key);
        return found == options->end() ? std::string() : found->second;
    };
    if (!value("password").empty()) {
        return Error{Errc::kConfig,
                     "it holds a password; give it as \"password\": {\"file\": …} or {\"env\": …}"};
    }
    ConninfoJudgement judgement;
    const std::string mode = value("sslmode");
    for (const std::string& host : split_hosts(value("host") + value("hostaddr"))) {
        if (host.empty() || is_local(host) || mode == "verify-full") continue;
        judgement.warnings.push_back(
            "the database on " + host + " is reached over the network " +
            (mode == "disable" ? "without TLS"
                               : "without its certificate being checked against its name") +
            ": who is in between may read and change what is stored; add sslmode=verify-full and "
            "sslrootcert=FILE");
    }
    return judgement;
}

std::string describe_conninfo(const std::string& conninfo) {
    auto options = parse_conninfo(conninfo);
    if (!options) return "PostgreSQL";
    const std::string host = (*options)["host"] + (*options)["hostaddr"];
    return "PostgreSQL " + (host.empty() ? "local" : host) + "/" + (*options)["dbname"];
}

}  // namespace scepgate::ca_backend
