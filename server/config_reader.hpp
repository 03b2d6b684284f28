// Typed reading of a JSON object, with a fault for everything that does not fit.
#pragma once

#include <functional>
#include <map>
#include <set>

#include <nlohmann/json.hpp>

#include "server/config.hpp"

namespace scepgate::server {

/// "90s", "10m", "12h", "365d", "2w", or a plain number of seconds in text.
[[nodiscard]] Result<std::int64_t> parse_duration(std::string_view text);

/// "2027-01-01T00:00:00Z" as seconds since the epoch: UTC, all of it given.
[[nodiscard]] Result<std::int64_t> parse_time(std::string_view text);

/// The candidate that is nearest to `word` by edit distance, or "" when none is near.
[[nodiscard]] std::string nearest(std::string_view word, const std::set<std::string>& candidates);

/// Reads one JSON object key by key. Each get notes the key as known; finish() reports the others.
class ConfigReader {
public:
    using Json = nlohmann::ordered_json;

    /// A fault when `value` is no object.
    ConfigReader(const Json& value, std::string path, ConfigFaults& faults);

    [[nodiscard]] const std::string& path() const noexcept { return path_; }
    [[nodiscard]] std::string path_of(const std::string& key) const;
    [[nodiscard]] bool is_object() const noexcept { return value_ != nullptr; }

    /// The member, or nullptr (also for null).
    const Json* member(const std::string& key);
    /// The member, with a fault when it is missing.
    const Json* required(const std::string& key, const std::string& meaning);
    /// A fault when the member is missing, or a list without an element.
    void require_some(const std::string& key, const std::string& meaning);

    std::optional<std::string> text(const std::string& key);
    std::string required_text(const std::string& key, const std::string& meaning);
    void text(const std::string& key, std::string& target);
    void flag(const std::string& key, bool& target);
    template <class Number>
    void number(const std::string& key, Number& target, std::int64_t least, std::int64_t most) {
        if (const auto value = checked_number(key, least, most))
            target = static_cast<Number>(*value);
    }
    void duration(const std::string& key, std::int64_t& seconds, std::int64_t least,
                  std::int64_t most);
    void texts(const std::string& key, std::vector<std::string>& target);
    /// One of the words; a fault names them all.
    std::optional<std::string> choice(const std::string& key, const std::set<std::string>& words);
    /// Calls `read` for each element of an array (element, its path); a single object counts as an
    /// array of one when `single_allowed`.
    void each(const std::string& key, bool single_allowed,
              const std::function<void(const Json&, const std::string&)>& read);
    /// Calls `read` for each member of an object of named things (name, value, path).
    void each_named(
        const std::string& key,
        const std::function<void(const std::string&, const Json&, const std::string&)>& read);

    /// Reports every key that nobody asked for, with the nearest known one; with the place where it
    /// belongs if `elsewhere` has it.
    void finish(const std::map<std::string, std::string>& elsewhere = {});

private:
    std::optional<std::int64_t> checked_number(const std::string& key, std::int64_t least,
                                               std::int64_t most);
    void wrong_type(const std::string& key, const char* expected);

    const Json* value_;
    std::string path_;
    ConfigFaults& faults_;
    std::set<std::string> known_;
};

}  // namespace scepgate::server
