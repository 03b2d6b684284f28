// How records of the audit file are hashed.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "certs/ossl.hpp"
#include "certs/secret.hpp"

namespace scepgate::server {

/// SHA-256, or HMAC-SHA-256 with a key: then whoever can write the file cannot hash it anew.
class AuditDigest {
public:
    /// Plain SHA-256.
    AuditDigest() = default;
    explicit AuditDigest(std::optional<Secret> key);

    [[nodiscard]] Sha256 of(std::string_view text) const;
    /// Tells keys apart without telling them; "-" without one.
    [[nodiscard]] const std::string& key_id() const noexcept { return key_id_; }
    /// Whether a key's, or none's, could read so.
    [[nodiscard]] static bool is_key_id(std::string_view text);

private:
    std::optional<Secret> key_;
    std::string key_id_ = "-";
};

/// SHA-256 of what is read piece by piece.
class RunningSha256 {
public:
    /// Throws std::runtime_error when OpenSSL has no memory.
    RunningSha256();
    RunningSha256(const RunningSha256& other);
    RunningSha256(RunningSha256&&) = default;
    RunningSha256& operator=(RunningSha256&&) = default;
    void add(std::string_view text);
    /// Of all so far; begins anew.
    [[nodiscard]] Sha256 finish();

private:
    void begin();
    certs::EvpMdCtxPtr context_;
};

}  // namespace scepgate::server
