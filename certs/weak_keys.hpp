// RSA moduli that can be factored because of how they were made (attacks.md K03).
#pragma once

#include <optional>
#include <string_view>

#include "certs/public_key.hpp"

namespace scepgate::certs {

/// What is wrong with a key of a sound size, or nothing:
/// - the fingerprint of ROCA (CVE-2017-15361): primes k·M + (65537^a mod M), from Infineon's
/// RSALib;
/// - two primes close together (CVE-2022-26320): Fermat's method finds them in a few hundred steps.
/// - a prime factor under 752 (NIST SP 800-89 section 5.3.3).
/// Under 100 microseconds for 2048 bits; for keys that a stranger wants certified.
[[nodiscard]] std::optional<std::string_view> weakness_of(const PublicKey& key);

}  // namespace scepgate::certs
