#include "server/cli/support.hpp"

#include <iostream>

#include "certs/pkcs11_key.hpp"
#include "server/cli/commands.hpp"
#include "server/config_reader.hpp"
#include "server/http_address.hpp"
#include "server/log.hpp"

namespace scepgate::server::cli {
namespace {

namespace fs = std::filesystem;

void replace_number(std::string& text, std::size_t number) {
    for (auto at = text.find("%d"); at != std::string::npos; at = text.find("%d", at)) {
        text.replace(at, 2, std::to_string(number));
    }
}

/// Where names are optional, an empty one (of a variable that is not set) would pass for none.
CLI::Validator somebody() {
    return {[](std::string& text) {
                const auto name = certs::Name::from_text(text);
                if (!name) return name.error().detail;
                return name->empty() ? std::string("names nobody; leave it out, or name somebody")
                                     : std::string();
            },
            ""};
}

}  // namespace

int complain(int status, std::string_view what) {
    std::cerr << "scepgate: " << what << '\n';
    return status;
}

int complain(const Error& error) {
    return complain(error.code == Errc::kConfig ? kUsage : kFailed, error.detail);
}

void print_json(const nlohmann::ordered_json& json) {
    std::cout << json.dump(2, ' ', true, nlohmann::ordered_json::error_handler_t::replace) << '\n';
}

int flush_output(int status) {
    std::cout.flush();
    if (std::cout) return status;
    return complain(kFailed, "cannot write the output: is the disk full, the reader gone?");
}

void print_faults(const ConfigFaults& faults) {
    for (const auto& fault : faults.list()) {
        std::cerr << (fault.warning ? "warning: " : "error: ") << fault.text() << '\n';
    }
}

int status_of_faults() {
    return certs::pkcs11_pin_was_refused() ? kPinRefused : kUsage;
}

void log_reload_faults(Log& log, const ConfigFaults& faults) {
    for (const auto& fault : faults.list()) {
        if (fault.warning) {
            log.warn(fault.text());
        } else {
            log.error("not reloaded", LogFields().add("reason", fault.text()));
        }
    }
}

std::optional<Config> load_or_complain(const fs::path& file) {
    ConfigFaults faults;
    Config config = load_config(file, faults);
    print_faults(faults);
    if (faults.has_errors()) return std::nullopt;
    return config;
}

CLI::Validator a_duration() {
    return {[](std::string& text) {
                const auto parsed = parse_duration(text);
                return parsed ? std::string() : parsed.error().detail;
            },
            "DURATION"};
}

CLI::Validator a_web_url() {
    return {[](std::string& text) {
                for (const std::string_view scheme : {"http://", "https://"}) {
                    if (text.starts_with(scheme) && text.size() > scheme.size())
                        return std::string();
                }
                return "'" + text + "' is not a URL such as http://HOST/scep";
            },
            "URL"};
}

CLI::Validator a_listen_address() {
    return {[](std::string& text) {
                const auto parsed = parse_endpoint(text);
                return parsed ? std::string() : parsed.error().detail;
            },
            "HOST:PORT"};
}

CLI::Validator not_empty() {
    return {[](std::string& text) {
                return text.empty() ? std::string("is empty; leave it out, or say what it is")
                                    : std::string();
            },
            ""};
}

void NameOptions::add_to(CLI::App& command, Subject need) {
    CLI::Option* given =
        command
            .add_option(
                "--subject", subject,
                "Distinguished name: RFC 4514 (\"CN=device,O=Example\", most specific first) or "
                "\"/O=Example/CN=device\" in the order of the certificate")
            ->required(need == Subject::kRequired);
    if (need == Subject::kOptional) given->check(somebody());
    command.add_option("--dns", dns, "A DNS name (repeatable)")->type_name("NAME");
    command.add_option("--upn", upn, "A user principal name (repeatable)")->type_name("NAME");
    command.add_option("--email", email, "An email address (repeatable)")->type_name("ADDRESS");
    command.add_option("--uri", uri, "A URI (repeatable)")->type_name("URI");
    command.add_option("--ip", ip, "An IP address (repeatable)")->type_name("ADDRESS");
    command
        .add_option("--key-usage", key_usage,
                    "Key usage in the request: signature, encryption or both")
        ->check(CLI::IsMember({"signature", "encryption", "both"}));
}

NameOptions NameOptions::numbered(std::size_t number) const {
    NameOptions copy = *this;
    replace_number(copy.subject, number);
    for (auto* list : {&copy.dns, &copy.upn, &copy.email, &copy.uri, &copy.ip}) {
        for (auto& name : *list)
            replace_number(name, number);
    }
    return copy;
}

Result<certs::Name> NameOptions::name() const {
    auto parsed = certs::Name::from_text(subject);
    if (!parsed) return in_context("--subject", parsed.error());
    return parsed;
}

Result<certs::GeneralNames> NameOptions::subject_alt_name() const {
    using certs::GeneralNameType;
    certs::GeneralNames names;
    const std::pair<GeneralNameType, const std::vector<std::string>*> kinds[] = {
        {GeneralNameType::kDns, &dns},     {GeneralNameType::kUpn, &upn},
        {GeneralNameType::kEmail, &email}, {GeneralNameType::kUri, &uri},
        {GeneralNameType::kIp, &ip},
    };
    for (const auto& [type, values] : kinds) {
        for (const auto& value : *values) {
            auto name = certs::GeneralName::make(type, value);
            if (!name) return in_context("--" + std::string(certs::to_text(type)), name.error());
            names.push_back(std::move(*name));
        }
    }
    return names;
}

std::optional<certs::KeyUsage> NameOptions::usage() const {
    using certs::KeyUsageBit;
    if (key_usage == "signature") return certs::KeyUsage{KeyUsageBit::kDigitalSignature};
    if (key_usage == "encryption") return certs::KeyUsage{KeyUsageBit::kKeyEncipherment};
    if (key_usage == "both") {
        return certs::KeyUsage{KeyUsageBit::kDigitalSignature, KeyUsageBit::kKeyEncipherment};
    }
    return std::nullopt;
}

std::string pem_text(std::string_view label, ByteView der) {
    constexpr std::size_t kColumns = 64;
    std::string text = "-----BEGIN " + std::string(label) + "-----\n";
    const std::string body = to_base64(der);
    for (std::size_t at = 0; at < body.size(); at += kColumns)
        text += body.substr(at, kColumns) + '\n';
    return text + "-----END " + std::string(label) + "-----\n";
}

std::string pem_of(const std::vector<certs::Certificate>& certificates) {
    std::string all;
    for (const auto& certificate : certificates)
        all += certificate.pem();
    return all;
}

}  // namespace scepgate::server::cli
