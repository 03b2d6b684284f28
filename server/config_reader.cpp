#include "server/config_reader.hpp"

#include <algorithm>
#include <charconv>
#include <limits>

#include "certs/calendar.hpp"
#include "server/text_escape.hpp"

namespace scepgate::server {

std::string ConfigFault::text() const {
    std::string line = path.empty() ? what : path + ": " + what;
    if (!remedy.empty()) line += "; " + remedy;
    return printable(line);
}

void ConfigFaults::error(std::string path, std::string what, std::string remedy) {
    list_.push_back({std::move(path), std::move(what), std::move(remedy), false});
}

void ConfigFaults::warn(std::string path, std::string what, std::string remedy) {
    list_.push_back({std::move(path), std::move(what), std::move(remedy), true});
}

bool ConfigFaults::has_errors() const noexcept {
    return std::any_of(list_.begin(), list_.end(),
                       [](const auto& fault) { return !fault.warning; });
}

Result<std::int64_t> parse_duration(std::string_view text) {
    const Error error =
        malformed("'" + std::string(text.substr(0, 40)) +
                  "' is no duration; write a number and s, m, h, d or w: \"90s\", \"365d\"");
    std::int64_t value = 0;
    const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (status != std::errc{} || value < 0) return error;
    const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
    std::int64_t factor = 0;
    if (unit.empty() || unit == "s") factor = 1;
    if (unit == "m") factor = 60;
    if (unit == "h") factor = 3600;
    if (unit == "d") factor = 86'400;
    if (unit == "w") factor = 7 * 86'400;
    if (factor == 0 || value > std::numeric_limits<std::int64_t>::max() / factor) return error;
    return value * factor;
}

Result<std::int64_t> parse_time(std::string_view text) {
    constexpr std::string_view kForm = "0000-00-00T00:00:00Z";
    bool sound = text.size() == kForm.size();
    for (std::size_t i = 0; sound && i < kForm.size(); ++i) {
        const bool digit = text[i] >= '0' && text[i] <= '9';
        sound = kForm[i] == '0' ? digit : text[i] == kForm[i];
    }
    const auto field = [&](std::size_t at, std::size_t length) {
        unsigned value = 0;
        std::from_chars(text.data() + at, text.data() + at + length, value);
        return value;
    };
    std::optional<std::int64_t> time;
    if (sound) {
        time = certs::from_calendar({.year = static_cast<int>(field(0, 4)),
                                     .month = field(5, 2),
                                     .day = field(8, 2),
                                     .hour = field(11, 2),
                                     .minute = field(14, 2),
                                     .second = field(17, 2)});
    }
    if (time) return *time;
    return malformed("'" + std::string(text.substr(0, 40)) +
                     "' is no time; write it in UTC: \"2027-01-01T00:00:00Z\"");
}

std::string nearest(std::string_view word, const std::set<std::string>& candidates) {
    std::string best;
    std::size_t best_distance = std::max<std::size_t>(2, word.size() / 3) + 1;
    for (const auto& candidate : candidates) {
        // Levenshtein distance with one row.
        std::vector<std::size_t> row(candidate.size() + 1);
        for (std::size_t i = 0; i <= candidate.size(); ++i)
            row[i] = i;
        for (std::size_t i = 0; i < word.size(); ++i) {
            std::size_t diagonal = row[0];
            row[0] = i + 1;
            for (std::size_t j = 0; j < candidate.size(); ++j) {
                const std::size_t substitution = diagonal + (word[i] == candidate[j] ? 0 : 1);
                diagonal = row[j + 1];
                row[j + 1] = std::min({row[j] + 1, row[j + 1] + 1, substitution});
            }
        }
        if (row.back() < best_distance) {
            best_distance = row.back();
            best = candidate;
        }
    }
    return best;
}

namespace {

/// The only one that begins with `word`, or "".
std::string completed(std::string_view word, const std::set<std::string>& candidates) {
    std::string only;
    for (const auto& candidate : candidates) {
        if (word.size() < 3 || !candidate.starts_with(word)) continue;
        if (!only.empty()) return "";
        only = candidate;
    }
    return only;
}

}  // namespace

ConfigReader::ConfigReader(const Json& value, std::string path, ConfigFaults& faults)
    : value_(value.is_object() ? &value : nullptr), path_(std::move(path)), faults_(faults) {
    if (value_ == nullptr) {
        faults_.error(path_, std::string("is ") + value.type_name() + ", not an object",
                      "write { … }");
    }
}

std::string ConfigReader::path_of(const std::string& key) const {
    return path_.empty() ? key : path_ + "." + key;
}

const ConfigReader::Json* ConfigReader::member(const std::string& key) {
    known_.insert(key);
    if (value_ == nullptr) return nullptr;
    const auto found = value_->find(key);
    if (found == value_->end() || found->is_null()) return nullptr;
    return &*found;
}

const ConfigReader::Json* ConfigReader::required(const std::string& key,
                                                 const std::string& meaning) {
    const Json* found = member(key);
    if (found == nullptr && value_ != nullptr) {
        faults_.error(path_of(key), "is missing", "give " + meaning);
    }
    return found;
}

void ConfigReader::require_some(const std::string& key, const std::string& meaning) {
    const Json* found = required(key, meaning);
    if (found != nullptr && found->is_array() && found->empty()) {
        faults_.error(path_of(key), "is empty", "give at least one: " + meaning);
    }
}

void ConfigReader::wrong_type(const std::string& key, const char* expected) {
    faults_.error(path_of(key), std::string("is ") + value_->at(key).type_name(),
                  std::string("it must be ") + expected);
}

std::optional<std::string> ConfigReader::text(const std::string& key) {
    const Json* found = member(key);
    if (found == nullptr) return std::nullopt;
    if (!found->is_string()) {
        wrong_type(key, "text in quotes");
        return std::nullopt;
    }
    return found->get<std::string>();
}

std::string ConfigReader::required_text(const std::string& key, const std::string& meaning) {
    if (required(key, meaning) == nullptr) return {};
    auto found = text(key).value_or("");
    if (found.empty() && value_->at(key).is_string()) {
        faults_.error(path_of(key), "is empty", "give " + meaning);
    }
    return found;
}

void ConfigReader::text(const std::string& key, std::string& target) {
    if (auto found = text(key)) target = std::move(*found);
}

void ConfigReader::flag(const std::string& key, bool& target) {
    const Json* found = member(key);
    if (found == nullptr) return;
    if (!found->is_boolean()) return wrong_type(key, "true or false");
    target = found->get<bool>();
}

std::optional<std::int64_t> ConfigReader::checked_number(const std::string& key, std::int64_t least,
                                                         std::int64_t most) {
    const Json* found = member(key);
    if (found == nullptr) return std::nullopt;
    if (!found->is_number_integer()) {
        wrong_type(key, "a whole number");
        return std::nullopt;
    }
    const auto value = found->get<std::int64_t>();
    if (value < least || value > most) {
        faults_.error(
            path_of(key), "is " + std::to_string(value),
            "it must lie between " + std::to_string(least) + " and " + std::to_string(most));
        return std::nullopt;
    }
    return value;
}

void ConfigReader::duration(const std::string& key, std::int64_t& seconds, std::int64_t least,
                            std::int64_t most) {
    const auto found = text(key);
    if (!found) return;
    const auto value = parse_duration(*found);
    if (!value) return faults_.error(path_of(key), value.error().detail);
    if (*value < least || *value > most) {
        return faults_.error(path_of(key), "is " + std::to_string(*value) + " seconds",
                             "it must lie between " + std::to_string(least) + " and " +
                                 std::to_string(most) + " seconds");
    }
    seconds = *value;
}

void ConfigReader::texts(const std::string& key, std::vector<std::string>& target) {
    const Json* found = member(key);
    if (found == nullptr) return;
    if (!found->is_array()) return wrong_type(key, "a list [ … ] of texts");
    target.clear();
    for (const auto& element : *found) {
        if (!element.is_string()) {
            faults_.error(path_of(key) + "[" + std::to_string(target.size()) + "]",
                          std::string("is ") + element.type_name(), "it must be text in quotes");
            return;
        }
        target.push_back(element.get<std::string>());
    }
}

std::optional<std::string> ConfigReader::choice(const std::string& key,
                                                const std::set<std::string>& words) {
    const auto found = text(key);
    if (!found) return std::nullopt;
    if (words.contains(*found)) return found;
    std::string all;
    for (const auto& word : words)
        all += (all.empty() ? "" : ", ") + word;
    std::string near = nearest(*found, words);
    if (near.empty()) near = completed(*found, words);
    faults_.error(
        path_of(key), "'" + *found + "' is not known",
        (near.empty() ? "" : "did you mean '" + near + "'? ") + "it must be one of: " + all);
    return std::nullopt;
}

void ConfigReader::each(const std::string& key, bool single_allowed,
                        const std::function<void(const Json&, const std::string&)>& read) {
    const Json* found = member(key);
    if (found == nullptr) return;
    if (single_allowed && found->is_object()) return read(*found, path_of(key));
    if (!found->is_array()) return wrong_type(key, "a list [ … ]");
    std::size_t index = 0;
    for (const auto& element : *found) {
        read(element, path_of(key) + "[" + std::to_string(index++) + "]");
    }
}

void ConfigReader::each_named(
    const std::string& key,
    const std::function<void(const std::string&, const Json&, const std::string&)>& read) {
    const Json* found = member(key);
    if (found == nullptr) return;
    if (!found->is_object()) return wrong_type(key, "an object { name: … }");
    for (const auto& [name, value] : found->items())
        read(name, value, path_of(key) + "." + name);
}

void ConfigReader::finish(const std::map<std::string, std::string>& elsewhere) {
    if (value_ == nullptr) return;
    for (const auto& [key, value] : value_->items()) {
        if (known_.contains(key)) continue;
        if (const auto place = elsewhere.find(key); place != elsewhere.end()) {
            faults_.error(path_of(key), "unknown key", "it belongs into '" + place->second + "'");
            continue;
        }
        const std::string near = nearest(key, known_);
        std::string remedy = near.empty() ? "" : "did you mean '" + near + "'?";
        if (near.empty()) {
            for (const auto& known : known_)
                remedy += (remedy.empty() ? "known here: " : ", ") + known;
        }
        faults_.error(path_of(key), "unknown key", remedy);
    }
}

}  // namespace scepgate::server
