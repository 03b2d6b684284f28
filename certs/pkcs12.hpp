// PKCS#12 files (RFC 7292): a key with its certificates, under a passphrase.
#pragma once

#include "certs/certificate.hpp"
#include "certs/private_key.hpp"

namespace scepgate::certs {

struct Pkcs12 {
    PrivateKey key;
    Certificate certificate;        ///< the key's; empty when the file has none
    std::vector<Certificate> more;  ///< the others, in the file's order
};

/// `der`: one file. Old ones too (RC2, 3DES): OpenSSL's legacy algorithms are loaded for this
/// alone, apart from those that everything else uses. kConfig: no PKCS#12, a wrong passphrase, or
/// no RSA or EC key within `limits` in it.
[[nodiscard]] Result<Pkcs12> read_pkcs12(ByteView der, const Secret& passphrase,
                                         const KeyLimits& limits = {});

}  // namespace scepgate::certs
