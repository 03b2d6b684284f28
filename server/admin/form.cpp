#include "server/admin/form.hpp"

#include "certs/asn1_string.hpp"

namespace scepgate::server::admin {
namespace {

constexpr std::size_t kMostPairs = 64;

Result<std::string> decode(std::string_view text, bool plus_is_space) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '%') {
            const auto high = i + 1 < text.size() ? hex_digit(text[i + 1]) : std::nullopt;
            const auto low = i + 2 < text.size() ? hex_digit(text[i + 2]) : std::nullopt;
            if (!high || !low) return malformed("\"%\" without two hexadecimal digits");
            out.push_back(static_cast<char>(*high * 16 + *low));
            i += 2;
        } else {
            out.push_back(plus_is_space && text[i] == '+' ? ' ' : text[i]);
        }
    }
    if (const auto readable = certs::check_readable(out); !readable) return readable.error();
    return out;
}

}  // namespace

Result<Form> parse_form(std::string_view text) {
    Form form;
    while (!text.empty()) {
        const auto end = std::min(text.find('&'), text.size());
        const std::string_view pair = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        if (pair.empty()) continue;
        if (form.size() == kMostPairs) return malformed("more than 64 parameters");
        const std::string where = "parameter " + std::to_string(form.size() + 1);
        const auto equals = pair.find('=');
        if (equals == std::string_view::npos) return malformed(where + " has no \"=\"");
        auto name = decode(pair.substr(0, equals), true);
        if (!name) return in_context(where, name.error());
        auto value = decode(pair.substr(equals + 1), true);
        if (!value) return in_context(where, value.error());
        form.emplace_back(*std::move(name), *std::move(value));
    }
    return form;
}

Result<std::string> decode_segment(std::string_view text) {
    return decode(text, false);
}

}  // namespace scepgate::server::admin
