// Writing one issuance inside an open transaction.
#pragma once

#include "ca_backend/sqlite_lookups.hpp"

namespace scepgate::ca_backend::sqlite {

class Inserter {
public:
    static Result<Inserter> prepare(const Database& database);

    /// All of the record or nothing of it. A write transaction must be open, so that what is looked
    /// up first still holds when it is written. kConflict: the serial number exists already;
    /// kUnavailable: the transaction has to be rolled back.
    Result<RecordOutcome> insert(const Database& database, const IssuanceRecord& record);

private:
    Result<void> insert_rows(const Database& database, const IssuanceRecord& record);

    Lookups lookups_;
    Statement savepoint_;
    Statement release_;
    Statement roll_back_;
    Statement certificate_;
    Statement transaction_;
    Statement redemption_;
};

}  // namespace scepgate::ca_backend::sqlite
