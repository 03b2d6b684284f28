// Whose certificate a record of the audit file is about, and a row of the store.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>

#include "ca_backend/certificate_record.hpp"

namespace scepgate::server {

struct Config;

/// Which certificate. CAs give serial numbers each by itself: imported ones, and whatever the store
/// has no row of, may well have the same.
struct ToldId {
    Bytes serial;  ///< without a sign octet
    /// Of a CA of the configuration; empty: of another, which may be called anything.
    std::optional<ca_backend::IssuerHash> issuer;

    /// Not where both are known, and different.
    [[nodiscard]] bool may_be(const ToldId& other) const;
    auto operator<=>(const ToldId&) const = default;
};

/// Whether one of them may be this certificate.
[[nodiscard]] bool may_contain(const std::set<ToldId>& ids, const ToldId& id);

/// The audit file calls CAs what the configuration did, the store by the hash of their names.
class ToldIssuers {
public:
    ToldIssuers() = default;
    /// `by_name`: as the configuration calls them.
    explicit ToldIssuers(std::map<std::string, ca_backend::IssuerHash> by_name)
        : by_name_(std::move(by_name)) {}

    [[nodiscard]] ToldId told(const std::string& ca, Bytes serial) const;
    [[nodiscard]] ToldId stored(ByteView issuer, Bytes serial) const;

private:
    std::map<std::string, ca_backend::IssuerHash> by_name_;
};

/// Those whose certificates can be read.
[[nodiscard]] ToldIssuers told_issuers(const Config& config);

}  // namespace scepgate::server
