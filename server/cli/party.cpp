#include "server/cli/party.hpp"

#include "certs/certificate_builder.hpp"
#include "certs/encrypted_key.hpp"

namespace scepgate::server::cli {

Result<Party> make_party(const PartySettings& settings, const Party* issuer) {
    auto key = settings.existing_key ? Result<certs::PrivateKey>(settings.existing_key)
                                     : certs::PrivateKey::generate(settings.key);
    if (!key) return key.error();
    certs::CertificateContents contents;
    contents.serial = certs::random_serial();
    contents.subject_der = settings.subject.der();
    contents.issuer_der =
        issuer != nullptr ? to_bytes(issuer->certificate.subject_der()) : settings.subject.der();
    contents.not_before = settings.not_before;
    contents.not_after = settings.not_after;
    contents.spki = to_bytes(key->public_key().spki());
    if (settings.ca) {
        contents.extensions =
            ca_extensions(key->public_key().key_identifier(), settings.usage, settings.path_length);
    } else {
        contents.extensions = {certs::basic_constraints_extension(false),
                               certs::key_usage_extension(settings.usage),
                               certs::subject_key_identifier_extension(key->public_key())};
    }
    if (issuer != nullptr) {
        const auto identifier = key_identifier_of(issuer->certificate);
        if (!identifier) return identifier.error();
        contents.extensions.push_back(certs::authority_key_identifier_extension(*identifier));
    }
    for (const Bytes& pointer : settings.pointers)
        contents.extensions.push_back(pointer);
    const certs::PrivateKey& signer = issuer != nullptr ? issuer->key : *key;
    auto certificate =
        certs::build_certificate(contents, signer, certs::digest_for(signer.public_key()));
    if (!certificate) return certificate.error();
    return Party{std::move(*certificate), std::move(*key)};
}

certs::KeyUsage ca_usage() {
    using certs::KeyUsageBit;
    return {KeyUsageBit::kDigitalSignature, KeyUsageBit::kKeyCertSign, KeyUsageBit::kCrlSign};
}

std::vector<Bytes> ca_extensions(ByteView key_identifier, certs::KeyUsage usage,
                                 std::optional<int> path_length) {
    return {certs::basic_constraints_extension(true, path_length),
            certs::key_usage_extension(usage),
            certs::subject_key_identifier_extension(key_identifier)};
}

Result<Bytes> key_identifier_of(const certs::Certificate& ca) {
    if (const auto own = ca.subject_key_identifier()) return to_bytes(*own);
    const auto key = ca.public_key();
    if (!key) return key.error();
    return key->key_identifier();
}

Result<certs::Name> common_name(std::string_view text) {
    // Slash form takes every character but these as it stands.
    std::string escaped;
    for (const char c : text) {
        if (c == '/' || c == '+' || c == '\\') escaped += '\\';
        escaped += c;
    }
    return certs::Name::from_text("/CN=" + escaped);
}

Result<certs::Name> ra_name(std::string_view ca_name, std::string_view role) {
    constexpr std::size_t kLongest = 64;
    const std::string own = "RA " + std::string(role);
    std::size_t end = 0;
    for (std::size_t characters = 0; end < ca_name.size(); ++end) {
        const bool begins = (static_cast<unsigned char>(ca_name[end]) >> 6U) != 2;  // UTF-8
        if (begins && ++characters + 1 + own.size() > kLongest) break;
    }
    while (end > 0 && ca_name[end - 1] == ' ')
        --end;
    return common_name(end == 0 ? own : std::string(ca_name.substr(0, end)) + ' ' + own);
}

Result<void> write_party(const std::filesystem::path& folder, const std::string& name,
                         const Party& party, NewFiles& files, const Secret& passphrase) {
    const auto pem =
        passphrase.empty() ? party.key.to_pem() : certs::to_encrypted_pem(party.key, passphrase);
    if (!pem) return pem.error();
    if (auto written = files.write(folder / (name + ".key"), pem->view(), true); !written)
        return written.error();
    return files.write(folder / (name + ".pem"), as_bytes(party.certificate.pem()), false);
}

nlohmann::ordered_json key_pair_json(const std::string& name, const std::string& prefix) {
    return {{"certificate", prefix + name + ".pem"}, {"key", {{"file", prefix + name + ".key"}}}};
}

}  // namespace scepgate::server::cli
