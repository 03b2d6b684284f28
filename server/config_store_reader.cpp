#include "server/config_store_reader.hpp"

#include "ca_backend/postgres_settings.hpp"

namespace scepgate::server {
namespace {

using Json = ConfigReader::Json;

void judge(const std::string& conninfo, const std::string& path, ConfigFaults& faults) {
    const auto judged = ca_backend::judge_conninfo(conninfo);
    if (!judged) {
        faults.error(path, judged.error().detail);
        return;
    }
    for (const std::string& warning : judged->warnings)
        faults.warn(path, warning);
}

void read_seconds(ConfigReader& reader, const char* key, std::chrono::seconds& target) {
    constexpr std::int64_t kLongest = 300;
    std::int64_t seconds = target.count();
    reader.duration(key, seconds, 1, kLongest);
    target = std::chrono::seconds(seconds);
}

PostgresConfig read_postgresql(const Json& json, const std::string& path, ConfigParts& parts,
                               ConfigFaults& faults) {
    PostgresConfig database;
    if (json.is_string()) {
        database.conninfo = json.get<std::string>();
        judge(database.conninfo, path, faults);
        return database;
    }
    ConfigReader reader(json, path, faults);
    database.conninfo = reader.required_text("conninfo", "how libpq reaches the database");
    if (!database.conninfo.empty()) judge(database.conninfo, reader.path_of("conninfo"), faults);
    if (const Json* password = reader.member("password"))
        database.password = parts.secret(*password, reader.path_of("password"));
    reader.number("connections", database.connections, 1, 1000);
    read_seconds(reader, "connect_timeout", database.connect_timeout);
    read_seconds(reader, "statement_timeout", database.statement_timeout);
    reader.finish();
    return database;
}

}  // namespace

void read_store(ConfigReader& top, ConfigParts& parts, ConfigFaults& faults, Config& config) {
    const Json* json = top.required("store", "{ \"sqlite\": \"scepgate.db\" }");
    if (json == nullptr) return;
    ConfigReader reader(*json, "store", faults);
    if (const Json* database = reader.member("postgresql")) {
        config.store_postgresql =
            read_postgresql(*database, reader.path_of("postgresql"), parts, faults);
        if (reader.member("sqlite") != nullptr)
            faults.error("store.sqlite", "stands beside postgresql", "keep one of them");
    } else {
        config.store_sqlite = parts.required_file(reader, "sqlite", "the database's file");
    }
    reader.finish();
}

}  // namespace scepgate::server
