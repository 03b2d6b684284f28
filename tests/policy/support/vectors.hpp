// tests/data/policy/vectors: keys, certificates, claims and blobs made by the openssl command line.
#pragma once

#include <filesystem>
#include <fstream>
#include <iterator>

#include "policy/challenge_blob.hpp"

namespace scepgate::policy::testing {

/// iat and nbf of all claims; their exp is an hour later.
inline constexpr std::int64_t kIssuedAt = 1'800'000'000;
inline constexpr std::int64_t kNow = kIssuedAt + 60;
inline constexpr std::int64_t kExpires = kIssuedAt + 3600;

inline std::filesystem::path vector_path(const std::string& name) {
    return std::filesystem::path(SCEPGATE_TEST_DATA) / "policy" / "vectors" / name;
}

inline std::string read_vector(const std::string& name) {
    std::ifstream file(vector_path(name), std::ios::binary);
    if (!file) throw std::runtime_error("no test vector " + name);
    return {std::istreambuf_iterator<char>(file), {}};
}

inline certs::Certificate certificate(const std::string& name) {
    return certs::Certificate::from_file(vector_path(name + ".pem")).value();
}

inline certs::PrivateKey private_key(const std::string& name) {
    return certs::PrivateKey::from_file(vector_path(name + ".key")).value();
}

inline BlobSigner signer(const std::string& name) {
    return {certificate(name), private_key(name)};
}

/// A server that takes challenges of both MDM signers, to any of its three keys.
inline ChallengeBlobSettings settings() {
    ChallengeBlobSettings made;
    made.name = "mdm";
    for (const char* name : {"recipient-ec", "recipient-rsa", "recipient-p384"}) {
        made.decryption.push_back({certificate(name), private_key(name)});
    }
    made.trusted_signers = {certificate("signer-ec"), certificate("signer-rsa")};
    made.audience = "https://scep.example/mdm";
    return made;
}

inline ChallengeClaims claims() {
    return parse_claims(read_vector("claims.json")).value();
}

}  // namespace scepgate::policy::testing
