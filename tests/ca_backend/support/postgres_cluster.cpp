#include "tests/ca_backend/support/postgres_cluster.hpp"

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <thread>
#include <unistd.h>

#include "ca_backend/postgres.hpp"

namespace scepgate::ca_backend::testing {
namespace {

namespace fs = std::filesystem;

/// tests/postgres_cluster lives as long as the pipe to it is open, however this program ends.
class Cluster {
public:
    static Cluster& get() {
        static Cluster cluster;
        return cluster;
    }
    [[nodiscard]] const fs::path& directory() const { return directory_; }

    ~Cluster() { ::pclose(pipe_); }
    Cluster(const Cluster&) = delete;
    Cluster& operator=(const Cluster&) = delete;

private:
    Cluster() {
        const fs::path memory = "/dev/shm";
        directory_ = (fs::exists(memory) ? memory : fs::temp_directory_path()) /
                     ("scepgate-postgres-" + std::to_string(::getpid()));
        const fs::path script = fs::path(SCEPGATE_TEST_DATA).parent_path() / "postgres_cluster";
        pipe_ = ::popen((script.string() + " run " + directory_.string()).c_str(), "we");
        if (pipe_ == nullptr) throw std::runtime_error("popen");
        for (int i = 0; i < 6000; ++i) {
            if (fs::exists(directory_ / "ready")) return;
            std::this_thread::sleep_for(std::chrono::milliseconds(10));
        }
        throw std::runtime_error("PostgreSQL did not start: " + directory_.string());
    }

    fs::path directory_;
    std::FILE* pipe_ = nullptr;
};

}  // namespace

PostgresSettings postgres_settings(const std::string& database) {
    PostgresSettings settings;
    settings.conninfo =
        "host=" + Cluster::get().directory().string() + " user=postgres dbname=" + database;
    return settings;
}

PostgresSettings make_postgres_database() {
    static int made = 0;
    const std::string name = "store_" + std::to_string(++made);
    const auto database = postgres::Database::connect(postgres_settings("postgres")).value();
    const auto created = database->execute(("CREATE DATABASE " + name).c_str());
    if (!created) throw std::runtime_error(created.error().detail);
    return postgres_settings(name);
}

}  // namespace scepgate::ca_backend::testing
