// The configurations that the documents show: each is read without a fault.
#include <algorithm>
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "server/config.hpp"

namespace scepgate::server {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kDocuments[] = {"policy.md"};

/// What the documents leave out.
Json completed(Json shown) {
    Json whole = Json::parse(R"({
        "listen": [{ "address": "127.0.0.1:8080" }],
        "store": { "sqlite": "scepgate.db" },
        "cas": { "lab": { "type": "embedded", "certificate": "ca.pem",
                          "key": { "file": "ca.key" } } },
        "policies": { "lab": { "type": "none" } },
        "templates": { "DeviceGeneral": {} },
        "endpoints": [ { "paths": ["/scep"], "policy": "lab" } ] })");
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

class DocumentedConfig : public testing::TestWithParam<const char*> {};

INSTANTIATE_TEST_SUITE_P(Documents, DocumentedConfig, testing::ValuesIn(kDocuments),
                         [](const auto& tested) {
                             std::string name = tested.param;
                             std::replace_if(
                                 name.begin(), name.end(),
                                 [](char c) { return c == '.' || c == '-'; }, '_');
                             return name;
                         });

// Each block of JSON that is an object is part of a configuration.
TEST_P(DocumentedConfig, HasNoFault) {
    std::ifstream stream(std::string(SCEPGATE_TEST_DATA "/../../docs/") + GetParam());
    std::ostringstream text;
    text << stream.rdbuf();
    const std::string document = text.str();
    constexpr std::string_view kBegin = "```json\n{";
    std::size_t blocks = 0;
    for (auto at = document.find(kBegin); at != std::string::npos;
         at = document.find(kBegin, at + 1)) {
        const auto begin = at + kBegin.size() - 1;
        const std::string block = document.substr(begin, document.find("```", begin) - begin);
        const Json shown = Json::parse(block, nullptr, false);
        ASSERT_FALSE(shown.is_discarded()) << block;
        ConfigFaults faults;
        const Config config = parse_config(completed(shown).dump(), "/", faults);
        for (const auto& fault : faults.list())
            ADD_FAILURE() << fault.text() << "\nin\n" << block;
        EXPECT_FALSE(config.endpoints.empty());
        ++blocks;
    }
    EXPECT_GE(blocks, 1U);
}

}  // namespace
}  // namespace scepgate::server
