#include "server/cli/lab.hpp"

#include <nlohmann/json.hpp>

#include "ca_backend/sqlite_store.hpp"
#include "certs/certificate_builder.hpp"
#include "server/cli/folder_builder.hpp"
#include "server/cli/support.hpp"

namespace scepgate::server::cli {
namespace {

namespace fs = std::filesystem;
using certs::KeyUsage;
using certs::KeyUsageBit;
using Json = nlohmann::ordered_json;

constexpr const char* kConfiguration = "scepgate.json";
constexpr std::int64_t kDay = 86'400;
constexpr std::int64_t kCaValidity = 10 * 365 * kDay;
constexpr std::int64_t kRaValidity = 2 * 365 * kDay;

struct Party {
    certs::Certificate certificate;
    certs::PrivateKey key;
};

Result<certs::Name> common_name(const std::string& text) {
    // Slash form takes every character but "/" and "+" as it stands.
    std::string escaped;
    for (const char c : text) {
        if (c == '/' || c == '+' || c == '\\') escaped += '\\';
        escaped += c;
    }
    return certs::Name::from_text("/CN=" + escaped);
}

class LabMaker {
public:
    LabMaker(const LabSettings& settings, std::int64_t now) : settings_(settings), now_(now) {}

    /// Everything, the configuration last.
    Result<void> make() {
        if (auto made = make_ca(); !made) return made.error();
        if (auto made = make_ra(); !made) return made.error();
        if (auto made = make_policy(); !made) return made.error();
        {
            const auto store = ca_backend::SqliteStore::open(
                settings_.directory / "scepgate.db", ca_backend::SqliteStore::Mode::kCreateOrOpen);
            if (!store) return store.error();
        }
        return write(kConfiguration, configuration(), false);
    }

private:
    Result<void> write(const std::string& name, std::string_view content, bool secret) {
        return write_new_file(settings_.directory / name, as_bytes(content), secret);
    }

    Result<void> write_party(const std::string& name, const Party& party) {
        const auto pem = party.key.to_pem();
        if (!pem) return pem.error();
        if (auto key = write_new_file(settings_.directory / (name + ".key"), pem->view(), true);
            !key) {
            return key.error();
        }
        return write(name + ".pem", party.certificate.pem(), false);
    }

    /// A certificate by `issuer`, or self-signed when there is none.
    Result<Party> certify(const std::string& name, certs::KeySpec spec, std::int64_t validity,
                          const std::vector<Bytes>& extensions, const Party* issuer) {
        auto key = certs::PrivateKey::generate(spec);
        if (!key) return key.error();
        const auto subject = common_name(name);
        if (!subject) return in_context("--ca-name", subject.error());
        certs::CertificateContents contents;
        contents.serial = certs::random_serial();
        contents.subject_der = subject->der();
        contents.issuer_der =
            issuer != nullptr ? to_bytes(issuer->certificate.subject_der()) : subject->der();
        contents.not_before = now_ - 600;
        contents.not_after = now_ + validity;
        contents.spki = to_bytes(key->public_key().spki());
        contents.extensions = extensions;
        contents.extensions.push_back(certs::subject_key_identifier_extension(key->public_key()));
        if (issuer != nullptr) {
            contents.extensions.push_back(certs::authority_key_identifier_extension(
                issuer->certificate.subject_key_identifier().value_or(ByteView())));
        }
        auto certificate = certs::build_certificate(
            contents, issuer != nullptr ? issuer->key : *key, certs::Digest::kSha256);
        if (!certificate) return certificate.error();
        return Party{std::move(*certificate), std::move(*key)};
    }

    Result<void> make_ca() {
        auto ca = certify(settings_.ca_name, settings_.ca_key, kCaValidity,
                          {certs::basic_constraints_extension(true, 0),
                           certs::key_usage_extension(KeyUsage{KeyUsageBit::kDigitalSignature,
                                                               KeyUsageBit::kKeyCertSign,
                                                               KeyUsageBit::kCrlSign})},
                          nullptr);
        if (!ca) return ca.error();
        ca_ = std::move(*ca);
        return write_party("ca", ca_);
    }

    Result<void> make_ra() {
        const certs::KeySpec rsa{certs::KeyType::kRsa, 2048};
        const std::pair<std::string, KeyUsageBit> roles[] = {
            {"signing", KeyUsageBit::kDigitalSignature},
            {"encryption", KeyUsageBit::kKeyEncipherment}};
        for (const auto& [role, usage] : roles) {
            const auto party = certify(settings_.ca_name + " RA " + role, rsa, kRaValidity,
                                       {certs::basic_constraints_extension(false),
                                        certs::key_usage_extension(KeyUsage{usage})},
                                       &ca_);
            if (!party) return party.error();
            if (auto written = write_party("ra-" + role, *party); !written) return written.error();
        }
        return {};
    }

    Result<void> make_policy() {
        if (settings_.policy == "static") {
            return write("challenge-password", to_hex(random_bytes(16)) + "\n", true);
        }
        if (settings_.policy != "challenge_blob") return {};
        const certs::KeySpec ec{certs::KeyType::kEc, 256};
        const auto signer =
            certify("scepgate Lab MDM signer", ec, kRaValidity,
                    {certs::basic_constraints_extension(false),
                     certs::key_usage_extension(KeyUsage{KeyUsageBit::kDigitalSignature})},
                    nullptr);
        if (!signer) return signer.error();
        if (auto written = write_party("mdm-signer", *signer); !written) return written.error();
        const auto decryption =
            certify("scepgate Lab challenge decryption", ec, kRaValidity,
                    {certs::basic_constraints_extension(false),
                     certs::key_usage_extension(KeyUsage{KeyUsageBit::kKeyAgreement})},
                    nullptr);
        if (!decryption) return decryption.error();
        return write_party("challenge-decryption", *decryption);
    }

    static Json pair(const std::string& name) {
        return {{"certificate", name + ".pem"}, {"key", {{"file", name + ".key"}}}};
    }

    Json policy() const {
        if (settings_.policy == "static") {
            return {{"type", "static_password"}, {"password", {{"file", "challenge-password"}}}};
        }
        if (settings_.policy == "none") return {{"type", "none"}};
        Json blob{{"type", "challenge_blob"}};
        blob["decryption"] = pair("challenge-decryption");
        blob["trusted_signers"] = Json::array({"mdm-signer.pem"});
        blob["audience"] = url();
        blob["signer"] = pair("mdm-signer");
        return blob;
    }

    std::string url() const {
        return settings_.url.empty() ? "http://" + settings_.listen + "/scep" : settings_.url;
    }

    static Json device_template(std::vector<std::string> usage) {
        return {{"key_usage", std::move(usage)},
                {"extended_key_usage", Json::array({"clientAuth"})},
                {"validity", "365d"},
                {"minimum_rsa_bits", 2048}};
    }

    std::string configuration() const {
        Json config;
        config["listen"] = Json::array({{{"address", settings_.listen}}});
        config["trusted_proxies"] = Json::array({"127.0.0.1", "::1"});
        config["store"] = {{"sqlite", "scepgate.db"}};
        config["audit"] = {{"file", "audit.jsonl"}};
        config["cas"]["lab"] = {
            {"type", "embedded"}, {"certificate", "ca.pem"}, {"key", {{"file", "ca.key"}}}};
        config["policies"]["mdm"] = policy();
        Json endpoint;
        endpoint["paths"] =
            Json::array({"/scep", "/certsrv/mscep/mscep.dll", "/cgi-bin/pkiclient.exe"});
        endpoint["ca"] = "lab";
        endpoint["policy"] = "mdm";
        endpoint["ra"] = {{"signing", pair("ra-signing")}, {"encryption", pair("ra-encryption")}};
        endpoint["templates"] = {{"signature", "DeviceSignature"},
                                 {"encryption", "DeviceEncryption"},
                                 {"general_purpose", "DeviceGeneral"}};
        endpoint["renewal"] = Json::object();
        config["endpoints"] = Json::array({endpoint});
        config["templates"]["DeviceSignature"] = device_template({"digitalSignature"});
        config["templates"]["DeviceEncryption"] = device_template({"keyEncipherment"});
        config["templates"]["DeviceGeneral"] =
            device_template({"digitalSignature", "keyEncipherment"});
        return "// Made by 'scepgate init'. Judge changes with: scepgate config check --config "
               "FILE\n" +
               config.dump(2) + "\n";
    }

    const LabSettings& settings_;
    std::int64_t now_;
    Party ca_;
};

}  // namespace

Result<void> make_lab(const LabSettings& settings, std::int64_t now) {
    return build_folder(settings.directory, kConfiguration, [&](const fs::path& workshop) {
        LabSettings inside = settings;
        inside.directory = workshop;
        return LabMaker(inside, now).make();
    });
}

}  // namespace scepgate::server::cli
