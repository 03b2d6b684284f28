// Keys that are known to others: lists of them, made elsewhere.
#pragma once

#include <filesystem>
#include <set>
#include <string>
#include <string_view>

#include "certs/public_key.hpp"

namespace scepgate::certs {

/// Keys by their digests. A list has one key a line; empty lines and what follows '#' are comments:
/// - 64 hexadecimal digits: SHA-256 of the DER SubjectPublicKeyInfo;
/// - 20 hexadecimal digits: an RSA key as Debian's openssl-blacklist has it, the end of the SHA-1
/// of
///   "Modulus=", the modulus in upper-case hexadecimal, and a line feed.
class BlockedKeys {
public:
    /// Adds a list. kConfig, with the number of the line, for anything else in it.
    Result<void> add(std::string_view text);
    /// The same from a file; kConfig when it cannot be read, is no regular file, or has over 64
    /// MiB.
    Result<void> add_file(const std::filesystem::path& file);

    [[nodiscard]] bool contains(const PublicKey& key) const;
    [[nodiscard]] std::size_t size() const noexcept { return keys_.size() + moduli_.size(); }

private:
    std::set<Bytes> keys_;
    std::set<Bytes> moduli_;
};

}  // namespace scepgate::certs
