// What the bare operations of OpenSSL cost here and now, and the least that an enrolment can cost.
#pragma once

#include <string>
#include <vector>

#include "certs/result.hpp"

namespace scepgate::bench {

/// Microseconds of CPU time on one thread, with keys and contexts made before.
struct CryptoCosts {
    double rsa_private = 0;  ///< RSA-2048 decryption without unpadding
    double rsa_sign = 0;     ///< RSA-2048 PKCS#1 v1.5 over a digest
    double rsa_verify = 0;
    double rsa_encrypt = 0;
    double ec_sign = 0;  ///< ECDSA P-256
    double ec_verify = 0;
    double ecdh = 0;     ///< P-256
    double aes_cbc = 0;  ///< AES-128-CBC of 2 KiB, decryption
    double aes_gcm = 0;  ///< AES-256-GCM of 2 KiB, decryption
    double sha256 = 0;   ///< of 2 KiB
};

/// Each operation for about 200 ms; the median of several batches.
Result<CryptoCosts> measure_crypto();

/// One line of the sum.
struct BoundItem {
    std::string what;
    double microseconds = 0;
};

/// One enrolment's operations, with RSA-2048 device, RA signing and RA encryption keys.
struct Bound {
    std::string name;  ///< "challenge_blob, RSA-2048 CA"
    std::string key;   ///< "challenge_blob-rsa2048", for scripts
    std::vector<BoundItem> items;
    [[nodiscard]] double microseconds() const;
};

/// For policies with and without a challenge blob, and CAs with an RSA-2048 and a P-256 key.
[[nodiscard]] std::vector<Bound> enrolment_bounds(const CryptoCosts& costs);

}  // namespace scepgate::bench
