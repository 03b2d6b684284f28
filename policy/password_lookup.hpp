// Where the one-time passwords are that were made: policy knows no store.
#pragma once

#include <optional>
#include <string>

#include "certs/bytes.hpp"

namespace scepgate::policy {

/// What is recorded of a one-time password. Whether it was used already is found out where it is
/// redeemed.
struct RecordedPassword {
    std::string bindings;      ///< parse_bindings()
    std::int64_t expires = 0;  ///< seconds since the epoch: from then on it is refused
    bool withdrawn = false;
};

class PasswordLookup {
public:
    virtual ~PasswordLookup() = default;

    /// Empty: there was never one, or long ago. kUnavailable: it cannot be told now.
    virtual Result<std::optional<RecordedPassword>> find(std::string_view scope, ByteView token,
                                                         std::int64_t now) = 0;
};

}  // namespace scepgate::policy
