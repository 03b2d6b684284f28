// What a Crl has read of its octets; for its own sources alone.
#pragma once

#include "certs/crl.hpp"

namespace scepgate::certs {

struct Crl::State {
    Bytes der;
    // All of these lie in `der`.
    ByteView tbs;
    ByteView issuer;
    ByteView outer_algorithm;
    ByteView signature;
    ByteView number;
    std::optional<ByteView> base_number;
    std::optional<ByteView> authority_key_identifier;
    std::int64_t this_update = 0;
    std::int64_t next_update = 0;
    std::optional<IssuingDistributionPoint> issuing_distribution_point;
    std::vector<std::string> freshest_crl_urls;
    /// Where each entry begins in `der`, by serial number.
    std::vector<std::uint32_t> entries;

    Result<void> parse(CrlScope scope);

    [[nodiscard]] bool is_complete() const noexcept {
        return !base_number &&
               (!issuing_distribution_point || issuing_distribution_point->covers_all());
    }
    /// The entry that begins there; it was found sound.
    [[nodiscard]] Entry entry_at(std::uint32_t offset) const;
    [[nodiscard]] ByteView serial_at(std::uint32_t offset) const;

private:
    Result<void> parse_tbs(ByteView content);
    Result<void> parse_entries(ByteView content);
    Result<void> sort_entries();
    Result<void> parse_extension(const Extension& extension);

    bool has_removals_ = false;  ///< an entry says removeFromCRL
};

}  // namespace scepgate::certs
