// A configuration whose files are there, to be spoilt in one part, and what is made of it.
#pragma once

#include <filesystem>

#include "certs/certificate_builder.hpp"
#include "server/runtime_builder.hpp"

namespace scepgate::server::testing {

/// Beyond what the tests of the service need: who signs, and how long it lasts.
struct MadeBy {
    std::string name;
    certs::PrivateKey key;
};

class ConfigLab {
public:
    static constexpr std::int64_t kNow = 1'800'000'000;
    static constexpr std::int64_t kDay = 86'400;

    struct Made {
        bool ca = false;
        std::optional<certs::KeyUsage> usage;  ///< absent: no extension
        std::int64_t not_before = kNow - 100 * kDay;
        std::int64_t not_after = kNow + 1000 * kDay;
    };

    /// One endpoint, "/scep", with a CA, an RA and the policy "open"; no fault but its warning.
    ConfigLab();
    ~ConfigLab();

    /// Writes key and certificate, by `issuer` or (a null one) self-signed.
    KeyPairConfig pair(const std::string& name, const certs::PrivateKey& key, const Made& made,
                       const MadeBy* issuer = nullptr);
    /// The CA "next" with an RA of its own takes over at `from`.
    void add_next(std::int64_t from, const Made& ca_made = of_ca(), const Made& ra_made = of_ra());

    static Made of_ca();
    static Made of_ra();

    /// Builds it. The faults are in `faults`.
    std::shared_ptr<const Runtime> build();
    /// Whether there is such an error, or warning, at this JSON path.
    [[nodiscard]] bool has(bool warning, std::string_view path, std::string_view text) const;
    [[nodiscard]] bool has_error(std::string_view path, std::string_view text) const {
        return has(false, path, text);
    }
    [[nodiscard]] bool has_warning(std::string_view path, std::string_view text) const {
        return has(true, path, text);
    }

    [[nodiscard]] EndpointConfig& endpoint() { return config.endpoints.front(); }

    Config config;
    ConfigFaults faults;
    MadeBy ca, next_ca;
    certs::PrivateKey ra_key, next_ra_key;
    std::shared_ptr<certs::FixedClock> clock = std::make_shared<certs::FixedClock>(kNow);

private:
    EndpointConfig::Ra ra(const std::string& json_path, const std::string& name,
                          const certs::PrivateKey& key, const Made& made, const MadeBy& issuer);

    std::filesystem::path directory_;
};

}  // namespace scepgate::server::testing
