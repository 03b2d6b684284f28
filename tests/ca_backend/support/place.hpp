// Where a store of a test lies: a database of its own, in either engine.
#pragma once

#include <filesystem>
#include <optional>

#include <gtest/gtest.h>

#include "ca_backend/postgres_settings.hpp"
#include "ca_backend/sql.hpp"
#include "tests/ca_backend/support/records.hpp"

namespace scepgate::ca_backend::testing {

enum class Engine { kSqlite, kPostgres };

class Place {
public:
    explicit Place(Engine engine);
    ~Place();
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;

    [[nodiscard]] std::unique_ptr<SqlStore> open(StoreMode mode = StoreMode::kCreateOrOpen) const;
    /// A connection beside the store's, as another program has it.
    [[nodiscard]] std::unique_ptr<sql::Connection> connect() const;
    /// Of PostgreSQL.
    [[nodiscard]] const PostgresSettings& settings() const { return settings_.value(); }

private:
    TemporaryDirectory directory_;
    std::filesystem::path file_ = directory_.path() / "scepgate.db";
    std::optional<PostgresSettings> settings_;
};

inline std::unique_ptr<SqlStore> open_store(const Place& place,
                                            StoreMode mode = StoreMode::kCreateOrOpen) {
    return place.open(mode);
}

/// A suite whose tests hold for each engine: TEST_P, and SCEPGATE_ON_EACH_ENGINE(suite).
class OnEachEngine : public ::testing::TestWithParam<Engine> {
protected:
    Place place_{GetParam()};
};

#define SCEPGATE_ON_EACH_ENGINE(suite)                                                      \
    INSTANTIATE_TEST_SUITE_P(                                                               \
        On, suite, ::testing::Values(testing::Engine::kSqlite, testing::Engine::kPostgres), \
        [](const auto& tested) {                                                            \
            return tested.param == testing::Engine::kSqlite ? "Sqlite" : "Postgres";        \
        })

}  // namespace scepgate::ca_backend::testing
