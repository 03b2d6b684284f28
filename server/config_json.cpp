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

    /// Of the value that is read.
    [[nodiscard]] std::string path() const {
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

    ConfigFaults& faults_;
    std::vector<Scope> scopes_;
};

/// "FILE, line 3, column 7: " of the octet at `offset`; columns as editors count them.
std::string place(std::string_view text, std::size_t offset, std::string_view source) {
    const std::string_view before = text.substr(0, offset);
    const auto line = 1 + std::count(before.begin(), before.end(), '\n');
    const auto begin = before.rfind('\n');  // npos + 1 is 0
    const auto in_line = before.substr(begin + 1);
    const auto column = 1 + std::count_if(in_line.begin(), in_line.end(), [](char c) {
                            return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
                        });
    return std::string(source) + ", line " + std::to_string(line) + ", column " +
           std::to_string(column) + ": ";
}

/// The library's words without its name for them and its place, and without raw octets of the file.
std::string words_of(const Json::exception& error) {
    // "[json.exception.parse_error.101] parse error at line 1, column 2: syntax error while …"
    std::string what = error.what();
    if (const auto cut = what.find("] "); cut != std::string::npos) what.erase(0, cut + 2);
    if (what.starts_with("parse error at")) {
        if (const auto cut = what.find(": "); cut != std::string::npos) what.erase(0, cut + 2);
    }
    for (char& c : what)
        c = c < ' ' || c > '~' ? '?' : c;
    return what;
}

}  // namespace

std::optional<Json> parse_config_json(std::string_view text, std::string_view source,
                                      ConfigFaults& faults) {
    if (text.find_first_not_of(" \t\r\n") == std::string_view::npos) {
        faults.error("", std::string(source) + " is empty", "'scepgate init' makes one");
        return std::nullopt;
    }
    // To the library a NUL is the end; what follows it would not be read.
    if (const auto nul = text.find('\0'); nul != std::string_view::npos) {
        faults.error("", place(text, nul, source) + "a NUL octet", "write the file as UTF-8 text");
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
    } catch (const Json::parse_error& error) {
        // Octets are counted from 1, up to and with the one that does not fit.
        const std::size_t offset = error.byte == 0 ? 0 : error.byte - 1;
        faults.error("", place(text, offset, source) + words_of(error),
                     "mend it there or just before: a comma stands between two members and not "
                     "after the last, names and texts stand in double quotes, what is opened is "
                     "closed");
    } catch (const Json::exception& error) {  // out_of_range, for 1e400 and -1e400
        faults.error(duplicates.path(), words_of(error), "give a number nearer to zero");
    }
    return std::nullopt;
}

}  // namespace scepgate::server
