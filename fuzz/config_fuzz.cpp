// The configuration reader never throws, says the same each time, and finds a fault in everything
// that is not a JSON object; each fault says where and what.
// Input: the text of the file.
#include <nlohmann/json.hpp>

#include "fuzz/fuzz.hpp"
#include "server/config.hpp"

namespace scepgate::fuzz {

void run(ByteView input) {
    const std::string_view text = as_text(input);
    server::ConfigFaults faults;
    const auto config = server::parse_config(text, "/etc/scepgate", faults);
    for (const server::ConfigFault& fault : faults.list()) {
        FUZZ_REQUIRE(!fault.what.empty() && !fault.text().empty());
    }
    const auto json = nlohmann::json::parse(text, nullptr, false, true);
    if (!json.is_object()) FUZZ_REQUIRE(faults.has_errors());

    server::ConfigFaults again;
    (void)server::parse_config(text, "/etc/scepgate", again);
    FUZZ_REQUIRE(again.list().size() == faults.list().size());

    if (faults.has_errors()) return;
    FUZZ_REQUIRE(!config.endpoints.empty() && !config.http.listen.empty());
    for (const auto& endpoint : config.endpoints) {
        FUZZ_REQUIRE(config.cas.count(endpoint.ca) == 1);
        endpoint.policy.each([&](const server::PolicyRule& rule) {
            FUZZ_REQUIRE(config.policies.count(rule.name) == 1);
        });
        FUZZ_REQUIRE(!endpoint.paths.empty());
    }
}

}  // namespace scepgate::fuzz
