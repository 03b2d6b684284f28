// Typed access to the members of one JSON object, remembering which were asked for.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>

#include <nlohmann/json.hpp>

#include "certs/result.hpp"

namespace scepgate::policy {

/// Reads members by type. Each reader fails with kMalformed and the member's name; none converts.
class JsonFields {
public:
    /// `object` must outlive this. `where` is put in front of names in errors: "key.".
    explicit JsonFields(const nlohmann::json& object, std::string where = {})
        : object_(object), where_(std::move(where)) {}

    /// nullptr when there is none. A JSON null is a member like any other: of the wrong type.
    [[nodiscard]] const nlohmann::json* find(const char* name) const;

    /// A required string of 1 to `most` octets without control or invisible characters.
    [[nodiscard]] Result<std::string> text(const char* name, std::size_t most) const;
    /// A required integer in 0 to `most`; 1.0 and "1" are none.
    [[nodiscard]] Result<std::int64_t> integer(const char* name, std::int64_t most) const;
    /// An array of strings as text() has them; empty when there is no such member.
    [[nodiscard]] Result<std::vector<std::string>> texts(const char* name, std::size_t most) const;

    /// Fails when the object has a member that is not in `known`, and names it.
    [[nodiscard]] Result<void> only(std::initializer_list<std::string_view> known) const;

    [[nodiscard]] Error fault(const char* name, std::string_view what) const;

private:
    const nlohmann::json& object_;
    std::string where_;
};

/// A member's name for a message: quoted and escaped, ASCII, and not all of a long one.
[[nodiscard]] std::string member_name(std::string_view name);

}  // namespace scepgate::policy
