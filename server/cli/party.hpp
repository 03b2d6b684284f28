// Keys with certificates that commands make: CAs, RAs, signers of challenges.
#pragma once

#include <array>
#include <filesystem>
#include <optional>
#include <vector>

#include <nlohmann/json.hpp>

#include "certs/certificate.hpp"
#include "certs/key_usage.hpp"
#include "certs/private_key.hpp"
#include "server/cli/files.hpp"

namespace scepgate::server::cli {

struct Party {
    certs::Certificate certificate;
    certs::PrivateKey key;
};

/// An RA's two certificates, and how long they are valid.
struct RaRole {
    const char* name;
    certs::KeyUsageBit usage;
};
inline constexpr std::array<RaRole, 2> kRaRoles{
    {{"signing", certs::KeyUsageBit::kDigitalSignature},
     {"encryption", certs::KeyUsageBit::kKeyEncipherment}}};
inline constexpr std::int64_t kRaValidity = 2 * 365 * 86'400;

struct PartySettings {
    certs::Name subject;
    certs::KeySpec key;
    certs::KeyUsage usage;
    bool ca = false;
    std::optional<int> path_length = 0;  ///< of a CA: 0, of device certificates alone
    std::int64_t not_before = 0, not_after = 0;
    certs::PrivateKey existing_key{};  ///< in place of a new one of `key`
    std::vector<Bytes> pointers{};     ///< extensions: where the issuer's CRL and certificate are
};

/// A CA's key usage.
[[nodiscard]] certs::KeyUsage ca_usage();
/// Extensions of a CA's certificate and of a request for one: basicConstraints, keyUsage,
/// subjectKeyIdentifier.
[[nodiscard]] std::vector<Bytes> ca_extensions(ByteView key_identifier, certs::KeyUsage usage,
                                               std::optional<int> path_length);

/// By which what a CA issues names its key: its subjectKeyIdentifier, or else the key's hash.
[[nodiscard]] Result<Bytes> key_identifier_of(const certs::Certificate& ca);

/// With a new key; by `issuer`, or self-signed when there is none.
[[nodiscard]] Result<Party> make_party(const PartySettings& settings,
                                       const Party* issuer = nullptr);

/// A Name of one commonName, whatever characters it has.
[[nodiscard]] Result<certs::Name> common_name(std::string_view text);

/// The name of an RA certificate, "Example CA RA signing": the CA's common name is cut where this
/// would be over the 64 characters of RFC 5280.
[[nodiscard]] Result<certs::Name> ra_name(std::string_view ca_name, std::string_view role);

/// FOLDER/NAME.key and FOLDER/NAME.pem, which must not exist. The key is encrypted when there is a
/// passphrase.
Result<void> write_party(const std::filesystem::path& folder, const std::string& name,
                         const Party& party, NewFiles& files, const Secret& passphrase = {});

/// What the configuration says of such a pair: NAME.pem and NAME.key, with `prefix` in front.
[[nodiscard]] nlohmann::ordered_json key_pair_json(const std::string& name,
                                                   const std::string& prefix = "");

}  // namespace scepgate::server::cli
