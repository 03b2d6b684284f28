// Bytes that must not outlive their use or reach a log.
#pragma once

#include <string_view>

#include "certs/bytes.hpp"

namespace scepgate {

/// Owns secret bytes: wiped on destruction, not copyable by accident, no formatter (a log line
/// with one does not compile).
class Secret {
public:
    Secret() = default;
    explicit Secret(Bytes bytes) noexcept : bytes_(std::move(bytes)) {}
    explicit Secret(std::string_view text) : bytes_(to_bytes(as_bytes(text))) {}
    Secret(Secret&& other) noexcept : bytes_(std::move(other.bytes_)) { other.bytes_.clear(); }
    Secret& operator=(Secret&& other) noexcept;
    Secret(const Secret&) = delete;
    Secret& operator=(const Secret&) = delete;
    ~Secret() { wipe(); }

    [[nodiscard]] Secret clone() const { return Secret(bytes_); }
    [[nodiscard]] ByteView view() const noexcept { return bytes_; }
    [[nodiscard]] std::string_view text() const noexcept { return as_text(bytes_); }
    [[nodiscard]] bool empty() const noexcept { return bytes_.empty(); }

    /// Compares in a time that depends on neither content (SHA-256 of both, then CRYPTO_memcmp).
    [[nodiscard]] bool equals(ByteView other) const;

private:
    void wipe() noexcept;
    Bytes bytes_;
};

}  // namespace scepgate
