// What is asked for on each request, by key; used for reading and, again, while writing.
#pragma once

#include "ca_backend/sqlite.hpp"
#include "ca_backend/store.hpp"

namespace scepgate::ca_backend::sqlite {

class Lookups {
public:
    static Result<Lookups> prepare(const Database& database);

    Result<std::optional<certs::Certificate>> find_transaction(const TransactionKey& key);
    Result<bool> is_redeemed(const Redemption& redemption);

private:
    Statement transaction_;
    Statement redemption_;
};

}  // namespace scepgate::ca_backend::sqlite
