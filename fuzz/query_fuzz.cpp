// What parse_query finds is what a plain reading finds, and the message of a GET decodes to what a
// plain base64 decoder makes of it after the documented repairs. Every documented spelling of any
// octets decodes to them.
// Input: a raw query; for the spellings any octets.
#include "fuzz/fuzz.hpp"
#include "scep/query.hpp"

namespace scepgate::fuzz {
namespace {

constexpr std::size_t kLimit = 64 * 1024;

/// One round of percent-decoding; nullopt when broken.
std::optional<std::string> percent_decoded(std::string_view raw) {
    std::string out;
    for (std::size_t i = 0; i < raw.size(); ++i) {
        if (raw[i] != '%') {
            out += raw[i];
            continue;
        }
        const auto octet = from_hex(raw.substr(i + 1, 2));
        if (!octet || octet->size() != 1) return std::nullopt;
        out += static_cast<char>(octet->front());
        i += 2;
    }
    return out;
}

std::string lower(std::string text) {
    for (char& c : text) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return text;
}

void require_plain_reading(std::string_view raw, const scep::Query& query) {
    std::optional<std::string_view> operation;
    std::optional<std::string_view> message;
    for (std::size_t at = 0; at <= raw.size();) {
        const std::size_t end = std::min(raw.find('&', at), raw.size());
        const std::string_view parameter = raw.substr(at, end - at);
        at = end + 1;
        const std::size_t equals = std::min(parameter.find('='), parameter.size());
        const auto name = percent_decoded(parameter.substr(0, equals));
        FUZZ_REQUIRE(name);
        auto& slot = lower(*name) == "operation" ? operation : message;
        if (lower(*name) != "operation" && lower(*name) != "message") continue;
        FUZZ_REQUIRE(!slot);  // a repeated parameter would have been refused
        slot = equals < parameter.size() ? parameter.substr(equals + 1) : std::string_view();
    }
    FUZZ_REQUIRE(query.operation.has_value() == operation.has_value());
    FUZZ_REQUIRE(query.message == message);
    if (operation) {
        const auto word = percent_decoded(*operation);
        FUZZ_REQUIRE(word && lower(*word) == lower(std::string(to_text(*query.operation))));
    }
}

void require_plain_decoding(std::string_view raw, const scep::QueryMessage& message) {
    auto text = percent_decoded(raw);
    FUZZ_REQUIRE(text);
    std::string plain;
    for (const char c : *text) {
        if (c == '\r' || c == '\n') continue;
        plain += c == ' ' || c == '-' ? '+' : c == '_' ? '/' : c;
    }
    while (plain.size() % 4 != 0)
        plain += '=';
    const auto expected = from_base64(plain);
    FUZZ_REQUIRE(expected && *expected == message.bytes);
    FUZZ_REQUIRE(message.bytes.size() <= kLimit);
}

std::string replaced(std::string text, char from, std::string_view to) {
    for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
        text.replace(at, 1, to);
    return text;
}

bool decodes_to(const std::string& raw, ByteView expected) {
    const auto decoded = scep::decode_query_message(raw, kLimit);
    return decoded && equal(decoded->bytes, expected);
}

void require_every_spelling(ByteView octets) {
    if (octets.empty() || octets.size() > kLimit) return;
    const std::string text = to_base64(octets);
    const std::string bare = text.substr(0, text.find('='));
    FUZZ_REQUIRE(decodes_to(text, octets));
    FUZZ_REQUIRE(decodes_to(bare, octets));
    FUZZ_REQUIRE(decodes_to(replaced(replaced(text, '+', "%2B"), '=', "%3d"), octets));
    FUZZ_REQUIRE(decodes_to(replaced(text, '+', " "), octets));
    FUZZ_REQUIRE(decodes_to(replaced(text, '+', "%20"), octets));
    FUZZ_REQUIRE(decodes_to(replaced(replaced(bare, '+', "-"), '/', "_"), octets));
    FUZZ_REQUIRE(decodes_to(text.substr(0, 4) + "%0D%0A" + text.substr(4) + "%0A", octets));
    if (text.find('+') != std::string::npos) {
        FUZZ_REQUIRE(!decodes_to(replaced(text, '+', "%252B"), octets));
    }
}

}  // namespace

void run(ByteView input) {
    const std::string_view raw = as_text(input);
    if (const auto query = scep::parse_query(raw)) {
        require_plain_reading(raw, *query);
        const auto value = query->message.value_or(raw);
        const auto message = scep::decode_query_message(value, kLimit);
        if (message) require_plain_decoding(value, *message);
    }
    require_every_spelling(input);
}

}  // namespace scepgate::fuzz
