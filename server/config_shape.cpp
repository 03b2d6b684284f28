#include "server/config_shape.hpp"

namespace scepgate::server {
namespace {

struct Preset {
    const char* name;
    CaCertShape get_ca_cert = CaCertShape::kRaAndChain;
    CertRepShape cert_rep = CertRepShape::kLeaf;
};

/// Only what a family's clients were seen to need (docs/clients.md says what, and why).
constexpr Preset kPresets[] = {
    {"default"},         {.name = "windows", .get_ca_cert = CaCertShape::kRaAndIssuer},
    {.name = "apple"},   {.name = "cisco", .cert_rep = CertRepShape::kLeafAndCa},
    {.name = "juniper"},
};

template <class Value>
struct Word {
    const char* text;
    Value value;
};

constexpr Word<CaCertShape> kCaCertShapes[] = {
    {"ra_and_chain", CaCertShape::kRaAndChain},
    {"ra_and_issuer", CaCertShape::kRaAndIssuer},
    {"issuer", CaCertShape::kIssuer},
    {"single", CaCertShape::kSingle},
};
constexpr Word<CertRepShape> kCertRepShapes[] = {
    {"leaf", CertRepShape::kLeaf},
    {"leaf_and_ca", CertRepShape::kLeafAndCa},
    {"chain", CertRepShape::kChain},
};
constexpr Word<bool> kFailureContents[] = {{"absent", false}, {"empty", true}};

template <class Value, std::size_t N>
void read_word(ConfigReader& reader, const char* key, const Word<Value> (&words)[N],
               Value& target) {
    std::set<std::string> all;
    for (const auto& word : words)
        all.insert(word.text);
    const auto given = reader.choice(key, all);
    for (const auto& word : words) {
        if (given == word.text) target = word.value;
    }
}

template <class Value, std::size_t N>
const char* text_of(const Word<Value> (&words)[N], Value value) {
    for (const auto& word : words) {
        if (word.value == value) return word.text;
    }
    return "";
}

}  // namespace

void read_endpoint_shape(ConfigReader& reader, EndpointConfig& endpoint) {
    EndpointShape& shape = endpoint.shape;
    std::set<std::string> names;
    for (const Preset& preset : kPresets)
        names.insert(preset.name);
    if (const auto given = reader.choice("preset", names)) {
        for (const Preset& preset : kPresets) {
            if (*given != preset.name) continue;
            shape.preset = preset.name;
            shape.get_ca_cert = preset.get_ca_cert;
            shape.cert_rep = preset.cert_rep;
        }
    }
    read_word(reader, "get_ca_cert", kCaCertShapes, shape.get_ca_cert);
    read_word(reader, "cert_rep", kCertRepShapes, shape.cert_rep);
    read_word(reader, "failure_content", kFailureContents, shape.empty_failure);
    reader.duration("signing_time_window", shape.signing_time_window, 0, 366 * 86'400LL);
}

std::string to_text(const EndpointShape& shape) {
    return std::string("get_ca_cert=") + text_of(kCaCertShapes, shape.get_ca_cert) +
           " cert_rep=" + text_of(kCertRepShapes, shape.cert_rep) +
           " failure_content=" + text_of(kFailureContents, shape.empty_failure) +
           " signing_time_window=" + std::to_string(shape.signing_time_window) + "s";
}

}  // namespace scepgate::server
