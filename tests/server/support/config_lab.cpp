#include "tests/server/support/config_lab.hpp"

#include <fstream>
#include <stdlib.h>

namespace scepgate::server::testing {
namespace {

namespace fs = std::filesystem;
using certs::KeyType;
using certs::KeyUsageBit;

const certs::PrivateKey& rsa(std::size_t number) {
    static const std::array keys = {certs::PrivateKey::generate({KeyType::kRsa, 2048}).value(),
                                    certs::PrivateKey::generate({KeyType::kRsa, 2048}).value()};
    return keys.at(number);
}

certs::PrivateKey new_key() {
    return certs::PrivateKey::generate({KeyType::kEc, 256}).value();
}

void write(const fs::path& file, std::string_view text) {
    std::ofstream(file) << text;
    fs::permissions(file, fs::perms::owner_read | fs::perms::owner_write);
}

std::string to_pem(const certs::Certificate& certificate) {
    const std::string digits = to_base64(certificate.der());
    std::string pem = "-----BEGIN CERTIFICATE-----\n";
    for (std::size_t i = 0; i < digits.size(); i += 64)
        pem += digits.substr(i, 64) + "\n";
    return pem + "-----END CERTIFICATE-----\n";
}

}  // namespace

ConfigLab::ConfigLab()
    : ca{"CN=ca", new_key()}, next_ca{"CN=next", new_key()}, ra_key(rsa(0)), next_ra_key(rsa(1)) {
    std::string name = (fs::temp_directory_path() / "scepgate-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp");
    directory_ = name;
    const KeyPairConfig files = pair("ca", ca.key, of_ca());
    CaConfig present;
    present.json_path = "cas.ca";
    present.certificate = files.certificate;
    present.key = files.key;
    config.cas["ca"] = present;
    config.policies["open"].json_path = "policies.open";
    config.templates["general"].json_path = "templates.general";
    EndpointConfig made;
    made.json_path = "endpoints[0]";
    made.name = "/scep";
    made.paths = {"/scep"};
    made.ca = "ca";
    made.policy = "open";
    made.general_purpose_template = "general";
    made.ra = ra("endpoints[0].ra", "ra", ra_key, of_ra(), ca);
    config.endpoints.push_back(std::move(made));
}

ConfigLab::~ConfigLab() {
    std::error_code ignored;
    fs::remove_all(directory_, ignored);
}

ConfigLab::Made ConfigLab::of_ca() {
    return {.ca = true, .usage = certs::KeyUsage{KeyUsageBit::kKeyCertSign, KeyUsageBit::kCrlSign}};
}

ConfigLab::Made ConfigLab::of_ra() {
    return {.usage =
                certs::KeyUsage{KeyUsageBit::kDigitalSignature, KeyUsageBit::kKeyEncipherment}};
}

KeyPairConfig ConfigLab::pair(const std::string& name, const certs::PrivateKey& key,
                              const Made& made, const MadeBy* issuer) {
    certs::CertificateContents contents;
    contents.serial = certs::random_serial();
    contents.subject_der = certs::Name::from_text("CN=" + name).value().der();
    contents.issuer_der = issuer == nullptr ? contents.subject_der
                                            : certs::Name::from_text(issuer->name).value().der();
    contents.not_before = made.not_before;
    contents.not_after = made.not_after;
    contents.spki = to_bytes(key.public_key().spki());
    contents.extensions = {certs::basic_constraints_extension(made.ca)};
    if (made.usage) contents.extensions.push_back(certs::key_usage_extension(*made.usage));
    const auto certificate = certs::build_certificate(
        contents, issuer == nullptr ? key : issuer->key, certs::Digest::kSha256);
    KeyPairConfig files;
    files.json_path = name;
    files.certificate = directory_ / (name + ".pem");
    files.key.pem.json_path = name + ".key";
    files.key.pem.file = directory_ / (name + ".key");
    write(files.certificate, to_pem(certificate.value()));
    write(*files.key.pem.file, key.to_pem().value().text());
    return files;
}

EndpointConfig::Ra ConfigLab::ra(const std::string& json_path, const std::string& name,
                                 const certs::PrivateKey& key, const Made& made,
                                 const MadeBy& issuer) {
    EndpointConfig::Ra both;
    both.signing = both.encryption = pair(name, key, made, &issuer);
    both.signing.json_path = json_path + ".signing";
    both.encryption.json_path = json_path + ".encryption";
    return both;
}

void ConfigLab::add_next(std::int64_t from, const Made& ca_made, const Made& ra_made) {
    const KeyPairConfig files = pair("next", next_ca.key, ca_made);
    CaConfig next;
    next.json_path = "cas.next";
    next.certificate = files.certificate;
    next.key = files.key;
    config.cas["next"] = next;
    endpoint().next = EndpointConfig::Next{};
    EndpointConfig::Next& coming = *endpoint().next;
    coming.json_path = "endpoints[0].next";
    coming.ca = "next";
    coming.ra = ra("endpoints[0].next.ra", "next-ra", next_ra_key, ra_made, next_ca);
    coming.from = from;
}

std::shared_ptr<const Runtime> ConfigLab::build() {
    faults = {};
    return build_runtime(config, clock, faults);
}

bool ConfigLab::has(bool warning, std::string_view path, std::string_view text) const {
    for (const auto& fault : faults.list()) {
        if (fault.warning == warning && fault.path == path &&
            fault.what.find(text) != std::string::npos)
            return true;
    }
    return false;
}

}  // namespace scepgate::server::testing
