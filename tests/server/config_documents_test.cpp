// The configurations that the documents show: each is read without a fault.
#include <algorithm>
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "server/config.hpp"

namespace scepgate::server::this_file {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kDocuments[] = {"policy.md", "webhook.md", "intune.md"};

/// A document shows whole objects, or members of one: of the configuration, or of its first policy.
/// Empty: what is shown is no part of a configuration, but what goes over the wire.
std::optional<Json> read_block(const std::string& document, std::size_t at, const Json& policies) {
    constexpr std::string_view kFence = "```json\n";
    const auto before = document.rfind('\n', at - 2) + 1;
    if (document.compare(before, 12, "<!-- vector:") == 0) return std::nullopt;
    const auto begin = at + kFence.size();
    const std::string text = document.substr(begin, document.find("```", begin) - begin);
    if (text.front() == '{') return Json::parse(text);
    Json shown = Json::parse('{' + text + '}');
    if (shown.contains("policies") || shown.contains("endpoints") || shown.contains("notifiers"))
        return shown;
    Json policy = policies.front();
    policy.update(shown);
    return Json{{"policies", {{policies.begin().key(), policy}}}};
}

/// What the documents leave out.
Json completed(Json shown) {
    Json whole = Json::parse(R"({
        "listen": [{ "address": "127.0.0.1:8080" }],
        "store": { "sqlite": "scepgate.db" },
        "cas": { "lab": { "type": "embedded", "certificate": "ca.pem",
                          "key": { "file": "ca.key" } } },
        "policies": { "lab": { "type": "none" } },
        "templates": { "DeviceGeneral": {} },
        "endpoints": [ {} ] })");
    for (const auto& [key, value] : shown.items())
        whole[key] = value;
    const Json defaults{{"paths", {"/scep"}},
                        {"ca", "lab"},
                        {"policy", whole["policies"].begin().key()},
                        {"templates", {{"general_purpose", whole["templates"].begin().key()}}}};
    for (Json& endpoint : whole["endpoints"]) {
        for (const auto& [key, value] : defaults.items()) {
            if (!endpoint.contains(key)) endpoint[key] = value;
        }
    }
    return whole;
}

class DocumentedConfig : public ::testing::TestWithParam<const char*> {};

INSTANTIATE_TEST_SUITE_P(Documents, DocumentedConfig, ::testing::ValuesIn(kDocuments),
                         [](const auto& tested) {
                             std::string name = tested.param;
                             std::replace_if(
                                 name.begin(), name.end(),
                                 [](char c) { return c == '.' || c == '-'; }, '_');
                             return name;
                         });

TEST_P(DocumentedConfig, HasNoFault) {
    std::ifstream stream(std::string(SCEPGATE_TEST_DATA "/../../docs/") + GetParam());
    std::ostringstream text;
    text << stream.rdbuf();
    const std::string document = text.str();
    Json policies = Json::object();
    std::size_t blocks = 0;
    for (auto at = document.find("```json\n"); at != std::string::npos;
         at = document.find("```json\n", at + 1)) {
        const auto shown = read_block(document, at, policies);
        if (!shown) continue;
        if (shown->contains("policies")) policies = shown->at("policies");
        ConfigFaults faults;
        const Config config = parse_config(completed(*shown).dump(), "/", faults);
        for (const auto& fault : faults.list())
            ADD_FAILURE() << fault.text() << "\nin\n" << shown->dump(1);
        EXPECT_FALSE(config.endpoints.empty());
        ++blocks;
    }
    EXPECT_GE(blocks, 1U);
}

}  // namespace
}  // namespace scepgate::server::this_file
