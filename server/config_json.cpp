#include "server/config_json.hpp"

#include <algorithm>
#include <set>

namespace scepgate::server {
namespace {

using Json = nlohmann::ordered_json;

/// Follows the parser, to know the path of each key and to find those that come twice. The library
/// itself keeps the last one without a word.
class DuplicateKeys {
public:
    explicit DuplicateKeys(ConfigFaults& faults) : faults_(faults) {}

    void see(Json::parse_event_t event, const Json& parsed) {
        using Event = Json::parse_event_t;
        switch (event) {
            case Event::object_start:
                scopes_.emplace_back();
                break;
            case Event::array_start:
                scopes_.emplace_back();
                scopes_.back().array = true;
                break;
            case Event::key:
                see_key(parsed.get<std::string>());
                break;
            case Event::object_end:
            case Event::array_end:
                scopes_.pop_back();
                count_element();
                break;
            case Event::value:
                count_element();
                break;
        }
    }

private:
    struct Scope {
        bool array = false;
        std::size_t index = 0;       ///< of an array: the element that is read
        std::string key;             ///< of an object: the key whose value is read
        std::set<std::string> keys;  ///< of an object: what came so far
    };

    void see_key(std::string key) {
        Scope& scope = scopes_.back();
        scope.key = std::move(key);
        if (scope.keys.insert(scope.key).second) return;
        faults_.error(path(), "this key stands twice in one object", "keep one");
    }

    void count_element() {
        if (!scopes_.empty()) ++scopes_.back().index;
    }

    std::string path() const {
        std::string text;
        for (const Scope& scope : scopes_) {
            if (scope.array) {
                text += "[" + std::to_string(scope.index) + "]";
            } else {
                text += (text.empty() ? "" : ".") + scope.key;
            }
        }
        return text;
    }

    ConfigFaults& faults_;
    std::vector<Scope> scopes_;
};

}  // namespace

std::optional<Json> parse_config_json(std::string_view text, ConfigFaults& faults) {
    if (text.find_first_not_of(" \t\r\n") == std::string_view::npos) {
        faults.error("", "the configuration file is empty", "'scepgate init' makes one");
        return std::nullopt;
    }
    // To the library a NUL is the end; what follows it would not be read.
    if (const auto nul = text.find('\0'); nul != std::string_view::npos) {
        const auto line = 1 + std::count(text.begin(), text.begin() + static_cast<long>(nul), '\n');
        faults.error("", "there is a NUL octet in line " + std::to_string(line),
                     "write the file as UTF-8 text");
        return std::nullopt;
    }
    const std::size_t faults_before = faults.list().size();
    DuplicateKeys duplicates(faults);
    const auto watch = [&duplicates](int, Json::parse_event_t event, Json& parsed) {
        duplicates.see(event, parsed);
        return true;
    };
    try {
        Json json = Json::parse(text.begin(), text.end(), watch, true, true);
        if (faults.list().size() != faults_before) return std::nullopt;
        return json;
    } catch (const Json::exception& error) {  // parse_error, and out_of_range for 1e400
        std::string what = error.what();
        // The library repeats the octets that it could not read.
        for (char& c : what)
            c = c < ' ' || c > '~' ? '?' : c;
        const auto cut = what.find("] ");  // "[json.exception.parse_error.101] parse error at …"
        faults.error("", cut == std::string::npos ? what : what.substr(cut + 2),
                     "mend the JSON at that place");
        return std::nullopt;
    }
}

}  // namespace scepgate::server
