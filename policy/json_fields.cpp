#include "policy/json_fields.hpp"

#include <algorithm>

#include "certs/asn1_string.hpp"

namespace scepgate::policy {
namespace {

constexpr std::size_t kMaxElements = 100;

}  // namespace

Error JsonFields::fault(const char* name, std::string_view what) const {
    return malformed(where_ + name + ": " + std::string(what));
}

const nlohmann::json* JsonFields::find(const char* name) const {
    const auto found = object_.find(name);
    return found == object_.end() ? nullptr : &*found;
}

Result<std::string> JsonFields::text(const char* name, std::size_t most) const {
    const nlohmann::json* member = find(name);
    if (member == nullptr) return fault(name, "is missing");
    if (!member->is_string()) return fault(name, "is not a string");
    const auto& value = member->get_ref<const std::string&>();
    if (value.empty()) return fault(name, "is empty");
    if (value.size() > most) {
        return fault(name, "has more than " + std::to_string(most) + " octets");
    }
    if (const auto readable = certs::check_readable(value); !readable) {
        return fault(name, readable.error().detail);
    }
    return value;
}

Result<std::int64_t> JsonFields::integer(const char* name, std::int64_t most) const {
    const nlohmann::json* member = find(name);
    if (member == nullptr) return fault(name, "is missing");
    // Negative numbers have another type; larger ones have become floating point.
    if (!member->is_number_unsigned()) return fault(name, "is not an integer from 0 on");
    const auto value = member->get<std::uint64_t>();
    if (value > static_cast<std::uint64_t>(most)) {
        return fault(name, "is over " + std::to_string(most));
    }
    return static_cast<std::int64_t>(value);
}

Result<std::vector<std::string>> JsonFields::texts(const char* name, std::size_t most) const {
    std::vector<std::string> values;
    const nlohmann::json* member = find(name);
    if (member == nullptr) return values;
    if (!member->is_array()) return fault(name, "is not an array");
    if (member->size() > kMaxElements) return fault(name, "has more than 100 elements");
    for (const nlohmann::json& element : *member) {
        if (!element.is_string()) return fault(name, "has an element that is not a string");
        const auto& value = element.get_ref<const std::string&>();
        if (value.empty() || value.size() > most || !certs::check_readable(value)) {
            return fault(name, "has an element that is empty, too long or not readable");
        }
        values.push_back(value);
    }
    return values;
}

Result<void> JsonFields::only(std::initializer_list<std::string_view> known) const {
    for (const auto& member : object_.items()) {
        if (std::find(known.begin(), known.end(), member.key()) == known.end()) {
            return malformed(where_ + "a member that is not known: " + member_name(member.key()));
        }
    }
    return {};
}

std::string member_name(std::string_view name) {
    constexpr std::size_t kMostShown = 64;
    const nlohmann::json shown(std::string(name.substr(0, kMostShown)));
    return shown.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace) +
           (name.size() > kMostShown ? "…" : "");
}

}  // namespace scepgate::policy
