// The configuration file as plain structs (server/config.schema.json says the same for editors).
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "policy/issuance_rules.hpp"
#include "policy/renewal.hpp"
#include "server/config_admin.hpp"
#include "server/config_crl.hpp"
#include "server/config_notifiers.hpp"
#include "server/config_policy.hpp"
#include "server/config_sandbox.hpp"
#include "server/config_signer.hpp"
#include "server/config_store.hpp"
#include "server/endpoint_shape.hpp"
#include "server/http_settings.hpp"

namespace scepgate::server {

/// One thing that is wrong, or worth a warning, in the configuration.
struct ConfigFault {
    std::string path;      ///< JSON path: "endpoints[0].ra.signing.key"
    std::string what;      ///< what is wrong
    std::string remedy;    ///< how to mend it
    bool warning = false;  ///< true: serving is possible

    /// All of it on one line, safe for a terminal.
    [[nodiscard]] std::string text() const;
};

class ConfigFaults {
public:
    void error(std::string path, std::string what, std::string remedy = {});
    void warn(std::string path, std::string what, std::string remedy = {});
    [[nodiscard]] bool has_errors() const noexcept;
    [[nodiscard]] const std::vector<ConfigFault>& list() const noexcept { return list_; }

private:
    std::vector<ConfigFault> list_;
};

/// A CA's OCSP responder.
struct OcspConfig {
    std::string path = "/ocsp";  ///< on the SCEP listener
    std::int64_t period = 3600;  ///< seconds that an answer is valid for
    /// Signatures a second, at most, for answers that cannot be kept.
    std::int64_t uncached_per_second = 100;
};

struct CaConfig {
    std::string json_path;
    std::filesystem::path certificate;           ///< PEM; may hold the chain behind it
    std::optional<std::filesystem::path> chain;  ///< PEM, towards the root
    KeySource key;                               ///< none where `signer` has it
    std::optional<RemoteSignerConfig> signer;    ///< absent: the key is in this process
    /// With AD CS's variables still in them (ca_backend/ca_url.hpp).
    std::vector<std::string> ca_issuers_urls, ocsp_urls, crl_urls, freshest_crl_urls;
    std::string dns_name, config_dn;                       ///< of the variables; may be empty
    std::optional<unsigned> certificate_index, key_index;  ///< absent: the certificate's
    std::int64_t crl_validity = std::int64_t{7} * 86400;   ///< seconds; renewed at half of it
    std::optional<CrlConfig> crl;                          ///< in place of crl_validity
    std::optional<OcspConfig> ocsp;                        ///< absent: no responder
    std::string certificate_path;  ///< of the CA's certificate on the SCEP listener; "" for none
};

/// A certificate policy that a template puts into certificates.
struct CertificatePolicyConfig {
    std::string oid;
    std::vector<std::string> cps;  ///< URLs of certification practice statements
    std::string notice;            ///< for people; may be empty
};

/// Which AD CS template a certificate says that it is of: by OID, or (version 1) by name.
struct MicrosoftTemplateConfig {
    std::string oid, name;
    std::optional<int> major, minor;
};

/// What a device may ask for.
struct RequestedValidityConfig {
    std::int64_t minimum = 0;  ///< seconds; 0: five days, or the maximum where that is less
    std::int64_t maximum = 0;  ///< seconds; 0: the template's validity
};

struct TemplateConfig {
    std::string json_path;
    std::vector<std::string> purposes;  ///< empty: all
    std::vector<std::string> key_usage{"digitalSignature", "keyEncipherment"};
    std::vector<std::string> extended_key_usage{"clientAuth"};
    /// Absent: no such extension; empty: as extended_key_usage.
    std::optional<std::vector<std::string>> application_policies;
    std::vector<CertificatePolicyConfig> certificate_policies;
    std::optional<MicrosoftTemplateConfig> microsoft_template;
    std::vector<std::string> critical{"key_usage"};             ///< extensions, by their keys here
    std::string subject = "from_request";                       ///< or a pattern
    std::int64_t validity = 365 * 86400;                        ///< seconds
    std::optional<RequestedValidityConfig> requested_validity;  ///< absent: nobody can ask
    std::int64_t backdate = 600;                                ///< seconds
    std::vector<std::string> keys;  ///< "rsa", "ec:p256", …; empty: all
    int minimum_rsa_bits = 2048;
    int maximum_rsa_bits = 8192;
    bool sid_extension = false;
    bool approval = false;                      ///< an operator decides
    std::int64_t approval_expires = 7 * 86400;  ///< seconds
};

/// Existing certificates in place of challenges.
struct RenewalConfig {
    std::string json_path;
    policy::RenewalSettings settings;
    std::vector<std::filesystem::path> previous_cas;  ///< PEM: CAs whose certificates count too
};

struct EndpointConfig {
    std::string json_path;
    std::string name;                ///< in records and logs; by default the first path
    std::vector<std::string> paths;  ///< lower case, no trailing slash
    std::string ca;
    PolicyRule policy;
    struct Ra {
        KeyPairConfig signing;
        KeyPairConfig encryption;
        std::vector<KeyPairConfig> previous_encryption;
    };
    std::optional<Ra> ra;  ///< absent: CA mode
    /// What takes the place of `ca` and of the keys at a set time.
    struct Next {
        std::string json_path;
        std::string ca;
        std::optional<Ra> ra;   ///< absent: CA mode
        std::int64_t from = 0;  ///< seconds since the epoch
    };
    std::optional<Next> next;
    EndpointShape shape;
    std::string signature_template, encryption_template, general_purpose_template;
    /// By certs::Purpose: beside that one, what a Grant can name.
    std::array<std::vector<std::string>, 3> other_templates;
    bool sha1 = true, des3 = true, des = false;
    bool ec_password_recipient = false;
    std::optional<RenewalConfig> renewal;        ///< absent: only challenges count
    std::optional<policy::IssuanceRules> rules;  ///< absent: what policy granted is certified
    std::string rules_json{};                    ///< to be compared: as the configuration has them
    std::size_t max_pending = 1000;              ///< requests that may wait for an operator
};

struct LogConfig {
    enum class Format { kText, kJson };
    Format format = Format::kText;
    std::string level = "info";
    std::optional<std::filesystem::path> file;  ///< absent: standard error
};

struct Config {
    std::filesystem::path file;
    HttpSettings http;
    unsigned crypto_threads = 0;                 ///< 0: one a core
    std::size_t queue = 512;                     ///< enrolments in progress; above it 503
    std::chrono::milliseconds queue_time{1000};  ///< expected to wait for a worker; above it 503
    /// Refusals of strangers, and what repeats, that are written, of each address; 0: all. See
    /// RefusalBounds and RepeatBounds.
    std::size_t refusals_per_second = 20;
    std::chrono::milliseconds shutdown_delay{0};  ///< from SIGTERM to the end of listening
    std::optional<RunAsConfig> run_as;            ///< absent: it stays the user that it is
    SandboxConfig sandbox;
    bool openssl_patched = false;  ///< an old OpenSSL has its distributor's fixes
    LogConfig log;
    std::filesystem::path audit_file;
    std::optional<SecretSource> audit_hmac_key;  ///< absent: the chain is plain SHA-256
    bool audit_sync = false;                     ///< each record is on the disk when written
    std::filesystem::path store_sqlite;          ///< empty: store_postgresql
    std::map<std::string, CaConfig> cas;
    std::map<std::string, PolicyConfig> policies;
    std::map<std::string, NotifierConfig> notifiers;
    std::map<std::string, TemplateConfig> templates;
    std::vector<EndpointConfig> endpoints;
    std::optional<AdminConfig> admin;                ///< absent: no admin listener
    std::optional<SignerConfig> signer;              ///< a signer's file: nothing of HTTP is in it
    std::optional<PostgresConfig> store_postgresql;  ///< in place of store_sqlite
};

/// Reads and judges the file's text: syntax, unknown keys (with the nearest known one), types,
/// ranges, references between its parts. Files that it names are not touched (see
/// config_judge.hpp). Relative paths become relative to the file. Every fault is added to
/// `faults`; the value is usable only when there is no error among them.
[[nodiscard]] Config load_config(const std::filesystem::path& file, ConfigFaults& faults);

/// The same from text; `base` is what relative paths are relative to.
[[nodiscard]] Config parse_config(std::string_view text, const std::filesystem::path& base,
                                  ConfigFaults& faults);

}  // namespace scepgate::server
