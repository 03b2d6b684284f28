// The parts of a configuration, each read from its JSON object.
#pragma once

#include "server/config_reader.hpp"

namespace scepgate::server {

/// What a key pair looks like, for remedies.
inline constexpr const char* kKeyPairExample = "{ \"certificate\": …, \"key\": { \"file\": … } }";

/// Reads CAs, templates, endpoints and what they are made of. Relative paths get `base`
/// in front; a path that is missing stays empty.
class ConfigParts {
public:
    using Json = ConfigReader::Json;

    ConfigParts(std::filesystem::path base, ConfigFaults& faults)
        : base_(std::move(base)), faults_(faults) {}

    [[nodiscard]] CaConfig ca(const Json& json, const std::string& path);
    /// Its "crl", "certificate_path" and "ocsp".
    void publishing(ConfigReader& owner, CaConfig& ca);
    [[nodiscard]] EndpointConfig endpoint(const Json& json, const std::string& path);
    [[nodiscard]] KeyPairConfig key_pair(const Json& json, const std::string& path);
    [[nodiscard]] SecretSource secret(const Json& json, const std::string& path);

    [[nodiscard]] std::filesystem::path resolve(const std::string& path) const;
    /// A path that must be there, or one that may be.
    std::filesystem::path required_file(ConfigReader& reader, const std::string& key,
                                        const std::string& meaning);
    std::optional<std::filesystem::path> file(ConfigReader& reader, const std::string& key);

private:
    void endpoint_name(ConfigReader& reader, EndpointConfig& endpoint);
    [[nodiscard]] RenewalConfig renewal(const Json& json, const std::string& path);
    [[nodiscard]] EndpointConfig::Ra ra(const Json& json, const std::string& path);
    [[nodiscard]] EndpointConfig::Next next(const Json& json, const std::string& path);
    [[nodiscard]] KeySource key(ConfigReader& owner);

    std::filesystem::path base_;
    ConfigFaults& faults_;
};

}  // namespace scepgate::server
