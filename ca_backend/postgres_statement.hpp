// Prepared statements of PostgreSQL.
#pragma once

#include <string>
#include <vector>

#include "ca_backend/postgres.hpp"

namespace scepgate::ca_backend::postgres {

/// `?` and `?3` as PostgreSQL writes them: `$1` and so on. `?` in quotes stays.
[[nodiscard]] std::string with_numbered_parameters(std::string_view sql);

/// `text` as PostgreSQL can keep it: what is not UTF-8, and NUL, become U+FFFD. Strangers choose
/// transactionIDs; none of them shall make a statement fail.
[[nodiscard]] std::string storable_text(std::string_view text);

/// Sent to the server when it is first run: a connection that is opened again in the middle of a
/// failover should not spend dozens of round trips before its first answer.
class PreparedStatement final : public sql::Prepared {
public:
    PreparedStatement(Database& database, std::string name, std::string_view sql);

    void bind(int parameter, std::int64_t value) override;
    void bind(int parameter, std::string_view text) override;
    void bind(int parameter, ByteView blob) override;
    Result<bool> next() override;
    void reset() noexcept override;
    [[nodiscard]] std::int64_t changes() const override { return changes_; }
    [[nodiscard]] bool is_null(int column) const override;
    [[nodiscard]] std::int64_t integer(int column) const override;
    [[nodiscard]] std::string text(int column) const override;
    [[nodiscard]] Bytes blob(int column) const override;

private:
    struct Parameter {
        std::string text;              ///< of an integer, or of a text
        const char* octets = nullptr;  ///< of a blob; null: `text`
        int length = 0;
    };
    Parameter& at(int parameter);
    Result<void> run();
    [[nodiscard]] ByteView value(int column) const;

    Database& database_;
    std::string name_;
    std::string sql_;
    bool prepared_ = false;
    std::vector<Parameter> parameters_;
    ResultPtr result_;
    int row_ = -1;
    std::int64_t changes_ = 0;
};

}  // namespace scepgate::ca_backend::postgres
