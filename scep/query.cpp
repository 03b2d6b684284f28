#include "scep/query.hpp"

namespace scepgate::scep {
namespace {

/// One character of a query, decoded.
struct Character {
    char value = 0;
    bool encoded = false;  ///< it was sent as %XX
};

/// Takes the next character off `rest`, which is not empty; nullopt for a broken %XX.
std::optional<Character> take_character(std::string_view& rest) noexcept {
    if (rest.front() != '%') {
        const Character raw{rest.front(), false};
        rest.remove_prefix(1);
        return raw;
    }
    if (rest.size() < 3) return std::nullopt;
    const auto high = hex_digit(rest[1]);
    const auto low = hex_digit(rest[2]);
    if (!high || !low) return std::nullopt;
    rest.remove_prefix(3);
    return Character{static_cast<char>(*high << 4U | *low), true};
}

/// Percent-decoded, ASCII letters in lower case.
Result<std::string> decode_word(std::string_view raw) {
    std::string word;
    while (!raw.empty()) {
        const auto character = take_character(raw);
        if (!character) return malformed("query: broken percent-encoding");
        const char value = character->value;
        word.push_back(value >= 'A' && value <= 'Z' ? static_cast<char>(value - 'A' + 'a') : value);
    }
    return word;
}

struct KnownOperation {
    Operation operation;
    std::string_view name;
    std::string_view lower_case;
};
constexpr std::array<KnownOperation, 4> kOperations{{
    {Operation::kGetCaCaps, "GetCACaps", "getcacaps"},
    {Operation::kGetCaCert, "GetCACert", "getcacert"},
    {Operation::kGetNextCaCert, "GetNextCACert", "getnextcacert"},
    {Operation::kPkiOperation, "PKIOperation", "pkioperation"},
}};

Result<Operation> parse_operation(std::string_view raw) {
    const auto word = decode_word(raw);
    if (!word) return word.error();
    for (const KnownOperation& known : kOperations) {
        if (*word == known.lower_case) return known.operation;
    }
    return malformed("query: unknown operation");
}

/// What was found in a message's base64; the names of the repairs go to the request log.
struct Findings {
    bool raw_plus = false;
    bool space = false;
    bool line_breaks = false;
    bool standard_alphabet = false;
    bool url_alphabet = false;
};

bool is_alphanumeric(char value) noexcept {
    return (value >= 'A' && value <= 'Z') || (value >= 'a' && value <= 'z') ||
           (value >= '0' && value <= '9');
}

/// The base64 character that this one stands for; nullopt when it is none.
std::optional<char> standard_character(Character character, Findings& findings) noexcept {
    switch (character.value) {
        case '+':
            findings.raw_plus |= !character.encoded;
            findings.standard_alphabet = true;
            return '+';
        case ' ':
            findings.space = true;
            findings.standard_alphabet = true;
            return '+';
        case '/':
            findings.standard_alphabet = true;
            return '/';
        case '-':
            findings.url_alphabet = true;
            return '+';
        case '_':
            findings.url_alphabet = true;
            return '/';
        default:
            if (!is_alphanumeric(character.value)) return std::nullopt;
            return character.value;
    }
}

/// The value in the standard alphabet, still with the padding that was sent.
Result<std::string> to_standard_base64(std::string_view raw, std::size_t longest,
                                       Findings& findings) {
    std::string text;
    std::size_t padding = 0;
    while (!raw.empty()) {
        const auto character = take_character(raw);
        if (!character) return malformed("message: broken percent-encoding");
        if (character->encoded && (character->value == '\r' || character->value == '\n')) {
            findings.line_breaks = true;
            continue;
        }
        if (text.size() == longest) return malformed("message: over the limit");
        if (character->value == '=') {
            ++padding;
            text.push_back('=');
            continue;
        }
        const auto standard = standard_character(*character, findings);
        if (!standard) return malformed("message: a character that is not base64");
        if (padding != 0) return malformed("message: base64 padding in the middle");
        text.push_back(*standard);
    }
    if (findings.standard_alphabet && findings.url_alphabet) {
        return malformed("message: base64 in two alphabets at once");
    }
    return text;
}

}  // namespace

std::string_view to_text(Operation operation) noexcept {
    return kOperations[static_cast<std::size_t>(operation)].name;
}

Result<Query> parse_query(std::string_view raw_query) {
    Query query;
    while (!raw_query.empty()) {
        const std::size_t end = raw_query.find('&');
        const std::string_view parameter = raw_query.substr(0, end);
        raw_query.remove_prefix(end == std::string_view::npos ? raw_query.size() : end + 1);
        const std::size_t equals = parameter.find('=');
        const std::string_view value =
            equals == std::string_view::npos ? std::string_view() : parameter.substr(equals + 1);

        const auto name = decode_word(parameter.substr(0, equals));
        if (!name) return name.error();
        if (*name == "operation") {
            if (query.operation) return malformed("query: operation twice");
            const auto operation = parse_operation(value);
            if (!operation) return operation.error();
            query.operation = *operation;
        } else if (*name == "message") {
            if (query.message) return malformed("query: message twice");
            query.message = value;
        }
    }
    return query;
}

Result<QueryMessage> decode_query_message(std::string_view raw_value, std::size_t limit) {
    Findings findings;
    const std::size_t longest = (limit / 3 + 1) * 4;
    auto text = to_standard_base64(raw_value, longest, findings);
    if (!text) return text.error();
    if (text->empty()) return malformed("message: empty");

    const bool unpadded = text->back() != '=' && text->size() % 4 != 0;
    if (unpadded) text->append(4 - text->size() % 4, '=');
    // Strict from here: spare bits, a length of 1 modulo 4 and too much padding fail.
    auto bytes = from_base64(*text);
    if (!bytes) return in_context("message", bytes.error());
    if (bytes->size() > limit) return malformed("message: over the limit");

    QueryMessage message{std::move(*bytes), {}};
    if (findings.raw_plus) message.repairs.emplace_back("raw-plus");
    if (findings.space) message.repairs.emplace_back("space-as-plus");
    if (findings.line_breaks) message.repairs.emplace_back("line-breaks");
    if (unpadded) message.repairs.emplace_back("no-padding");
    if (findings.url_alphabet) message.repairs.emplace_back("url-safe");
    return message;
}

}  // namespace scepgate::scep
