#include "server/http_forwarded.hpp"

#include <algorithm>

#include <boost/beast/core/string.hpp>

#include "server/http_address.hpp"

namespace scepgate::server {

using boost::beast::iequals;

namespace {

std::string_view trim(std::string_view text) {
    const auto first = text.find_first_not_of(" \t");
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

/// The last element of a list, removed from it. Neither addresses nor the ports of Forwarded hold a
/// separator, so quotes need no care; a quoted separator elsewhere yields no address, which is
/// safe.
std::string_view take_last(std::string_view& list, char separator) {
    const auto position = list.rfind(separator);
    if (position == std::string_view::npos) return trim(std::exchange(list, {}));
    const std::string_view last = list.substr(position + 1);
    list = list.substr(0, position);
    return trim(last);
}

/// "192.0.2.1", "192.0.2.1:4711", "2001:db8::1" or "[2001:db8::1]:4711".
std::optional<std::string> read_hop(std::string_view text) {
    if (text.starts_with('[')) {
        text = text.substr(1, text.find(']') - 1);
    } else if (std::count(text.begin(), text.end(), ':') == 1) {
        text = text.substr(0, text.find(':'));
    }
    const auto address = parse_address(text);
    if (!address) return std::nullopt;
    return address->to_string();
}

/// The "for" parameter of one element of Forwarded; empty when there is none.
std::string_view for_parameter(std::string_view element) {
    while (!element.empty()) {
        const std::string_view pair = take_last(element, ';');
        const auto equals = pair.find('=');
        if (equals == std::string_view::npos || !iequals(trim(pair.substr(0, equals)), "for"))
            continue;
        std::string_view value = trim(pair.substr(equals + 1));
        if (value.size() >= 2 && value.front() == '"' && value.back() == '"') {
            value = value.substr(1, value.size() - 2);
        }
        return value;
    }
    return {};
}

/// Where the fields of this name end; nothing when there is none.
std::optional<std::string> walk(const ParsedHeader& header, std::string_view name,
                                std::string_view peer, std::span<const AddressPrefix> trusted) {
    const bool elements = name == "Forwarded";
    std::optional<std::string> nearest;
    for (auto field = header.fields.rbegin(); field != header.fields.rend(); ++field) {
        if (!iequals(field->name, name)) continue;
        if (!nearest) nearest = peer;
        std::string_view list = field->value;
        while (!list.empty()) {
            const std::string_view element = take_last(list, ',');
            const auto hop = read_hop(elements ? for_parameter(element) : element);
            if (!hop) return nearest;
            nearest = *hop;
            if (!is_trusted_proxy(*nearest, trusted)) return nearest;
        }
    }
    return nearest;
}

}  // namespace

bool is_trusted_proxy(std::string_view address, std::span<const AddressPrefix> trusted) {
    return std::any_of(trusted.begin(), trusted.end(),
                       [&](const AddressPrefix& prefix) { return prefix.contains(address); });
}

std::string forwarded_client(const ParsedHeader& header, std::string_view peer,
                             std::span<const AddressPrefix> trusted) {
    const auto by_x_forwarded = walk(header, "X-Forwarded-For", peer, trusted);
    const auto by_forwarded = walk(header, "Forwarded", peer, trusted);
    if (by_x_forwarded && by_forwarded && *by_x_forwarded != *by_forwarded)
        return std::string(peer);
    return by_x_forwarded.value_or(by_forwarded.value_or(std::string(peer)));
}

}  // namespace scepgate::server
