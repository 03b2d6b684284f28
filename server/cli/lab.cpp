#include "server/cli/lab.hpp"

#include <nlohmann/json.hpp>

#include "ca_backend/sqlite_store.hpp"
#include "server/cli/folder_builder.hpp"
#include "server/cli/party.hpp"
#include "server/cli/support.hpp"

namespace scepgate::server::cli {
namespace {

namespace fs = std::filesystem;
using certs::KeyUsage;
using certs::KeyUsageBit;
using Json = nlohmann::ordered_json;

constexpr const char* kConfiguration = "scepgate.json";
constexpr std::int64_t kCaValidity = 10 * 365 * 86'400;

std::string scep_url(const LabSettings& settings) {
    return settings.url.empty() ? "http://" + settings.listen + "/scep" : settings.url;
}

class LabMaker {
public:
    LabMaker(const LabSettings& settings, std::int64_t now) : settings_(settings), now_(now) {}

    /// Everything, the configuration last.
    Result<void> make() {
        if (auto made = make_ca(); !made) return made.error();
        if (auto made = make_ra(); !made) return made.error();
        if (auto made = make_policy(); !made) return made.error();
        if (settings_.separate_signer) {
            if (auto moved = separate_signer(); !moved) return moved.error();
        }
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

    /// A certificate by `issuer`, or self-signed when there is none; both files of it.
    Result<Party> certify(const std::string& file, Result<certs::Name> subject, certs::KeySpec key,
                          KeyUsage usage, const Party* issuer) {
        if (!subject) return in_context("--ca-name", subject.error());
        if (const auto sound = subject->check_certifiable(); !sound)
            return in_context("--ca-name", sound.error());
        const bool ca = usage.has(KeyUsageBit::kKeyCertSign);
        auto party = make_party({.subject = std::move(*subject),
                                 .key = key,
                                 .usage = usage,
                                 .ca = ca,
                                 .not_before = now_ - 600,
                                 .not_after = now_ + (ca ? kCaValidity : kRaValidity)},
                                issuer);
        if (!party) return party.error();
        NewFiles files;
        const auto written = write_party(settings_.directory, file, *party, files);
        if (!written) return written.error();
        files.keep();
        return party;
    }

    Result<void> make_ca() {
        auto ca = certify(
            "ca", common_name(settings_.ca_name), settings_.ca_key,
            {KeyUsageBit::kDigitalSignature, KeyUsageBit::kKeyCertSign, KeyUsageBit::kCrlSign},
            nullptr);
        if (!ca) return ca.error();
        ca_ = std::move(*ca);
        return {};
    }

    Result<void> make_ra() {
        const certs::KeySpec rsa{certs::KeyType::kRsa, 2048};
        for (const auto& [role, usage] : kRaRoles) {
            const std::string file = std::string("ra-") + role;
            const auto made = certify(file, ra_name(settings_.ca_name, role), rsa, {usage}, &ca_);
            if (!made) return made.error();
        }
        return {};
    }

    Result<void> make_policy() {
        if (settings_.policy == "static") {
            return write("challenge-password", to_hex(random_bytes(16)) + "\n", true);
        }
        if (settings_.policy != "challenge_blob") return {};
        const certs::KeySpec ec{certs::KeyType::kEc, 256};
        const auto signer = certify("mdm-signer", common_name("scepgate Lab MDM signer"), ec,
                                    {KeyUsageBit::kDigitalSignature}, nullptr);
        if (!signer) return signer.error();
        const auto decryption =
            certify("challenge-decryption", common_name("scepgate Lab challenge decryption"), ec,
                    {KeyUsageBit::kKeyAgreement}, nullptr);
        if (!decryption) return decryption.error();
        return {};
    }

    /// The CA's key is where only the signer looks.
    Result<void> separate_signer() {
        const fs::path folder = settings_.directory / "signer";
        std::error_code error;
        fs::create_directory(folder, error);
        if (!error) fs::permissions(folder, fs::perms::owner_all, error);
        if (!error) fs::rename(settings_.directory / "ca.key", folder / "ca.key", error);
        if (!error) fs::copy_file(settings_.directory / "ca.pem", folder / "ca.pem", error);
        if (error) {
            return Error{Errc::kUnavailable,
                         "cannot make " + folder.string() + ": " + error.message()};
        }
        Json config;
        config["signer"] = {{"socket", "signer.sock"},
                            {"limits", {{"per_hour", 1000}, {"per_day", 10000}}}};
        // A line stands for what was signed: no power failure may lose it.
        config["audit"] = {{"file", "signer-audit.jsonl"}, {"sync", "every"}};
        config["cas"]["lab"] = embedded_ca();
        config["templates"] = templates();
        return write("signer/signer.json",
                     "// Made by 'scepgate init --signer'; docs/signer.md says what is missing for "
                     "two users.\n" +
                         config.dump(2) + "\n",
                     false);
    }

    Json ca() const {
        Json made = embedded_ca();
        if (settings_.separate_signer) {
            made = {
                {"type", "signer"}, {"socket", "signer/signer.sock"}, {"certificate", "ca.pem"}};
        }
        made["crl"] = {{"period", "7d"}, {"overlap", "1d"}, {"path", "/crl/lab.crl"}};
        made["ocsp"] = {{"path", "/ocsp"}, {"period", "1h"}};
        return made;
    }

    /// Where the key is: what certificates say, but not what is served.
    Json embedded_ca() const {
        return {{"type", "embedded"},
                {"certificate", "ca.pem"},
                {"key", {{"file", "ca.key"}}},
                {"crl_urls", Json::array({origin() + "/crl/lab.crl"})},
                {"ocsp_urls", Json::array({origin() + "/ocsp"})}};
    }

    static Json templates() {
        return {{"DeviceSignature", device_template({"digitalSignature"})},
                {"DeviceEncryption", device_template({"keyEncipherment"})},
                {"DeviceGeneral", device_template({"digitalSignature", "keyEncipherment"})}};
    }

    Json policy() const {
        if (settings_.policy == "static") {
            return {{"type", "static_password"}, {"password", {{"file", "challenge-password"}}}};
        }
        if (settings_.policy == "one_time") {
            return {{"type", "one_time_password"}, {"PasswordMax", 5}, {"PasswordValidity", 60}};
        }
        if (settings_.policy == "none") return {{"type", "none"}};
        Json blob{{"type", "challenge_blob"}};
        blob["decryption"] = key_pair_json("challenge-decryption");
        blob["trusted_signers"] = Json::array({"mdm-signer.pem"});
        blob["audience"] = url();
        blob["signer"] = key_pair_json("mdm-signer");
        return blob;
    }

    std::string url() const { return scep_url(settings_); }
    std::string origin() const { return publication_origin(settings_); }

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
        config["cas"]["lab"] = ca();
        config["policies"]["mdm"] = policy();
        Json endpoint;
        endpoint["paths"] =
            Json::array({"/scep", "/certsrv/mscep/mscep.dll", "/cgi-bin/pkiclient.exe"});
        endpoint["ca"] = "lab";
        endpoint["policy"] = "mdm";
        endpoint["ra"] = {{"signing", key_pair_json("ra-signing")},
                          {"encryption", key_pair_json("ra-encryption")}};
        endpoint["templates"] = {{"signature", "DeviceSignature"},
                                 {"encryption", "DeviceEncryption"},
                                 {"general_purpose", "DeviceGeneral"}};
        endpoint["renewal"] = Json::object();
        config["endpoints"] = Json::array({endpoint});
        config["templates"] = templates();
        return "// Made by 'scepgate init'. Judge changes with: scepgate config check --config "
               "FILE\n" +
               config.dump(2) + "\n";
    }

    const LabSettings& settings_;
    std::int64_t now_;
    Party ca_;
};

}  // namespace

std::string publication_origin(const LabSettings& settings) {
    const std::string url = scep_url(settings);
    const auto host = url.find("://") + 3;
    std::string name = url.substr(host, url.find('/', host) - host);
    if (!url.starts_with("https://")) return "http://" + name;
    const auto port = name.find(':', name.starts_with('[') ? name.find(']') : 0);
    return "http://" + name.substr(0, port);
}

Result<void> make_lab(const LabSettings& settings, std::int64_t now) {
    return build_folder(settings.directory, kConfiguration, [&](const fs::path& workshop) {
        LabSettings inside = settings;
        inside.directory = workshop;
        return LabMaker(inside, now).make();
    });
}

}  // namespace scepgate::server::cli
