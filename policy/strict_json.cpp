#include "policy/strict_json.hpp"

#include <set>
#include <string>
#include <vector>

namespace scepgate::policy {
namespace {

/// Watches the parser: nlohmann's own DOM builder keeps the last of two equal names and takes any
/// depth.
class Watch {
public:
    bool operator()(int depth, nlohmann::json::parse_event_t event, const nlohmann::json& parsed) {
        using Event = nlohmann::json::parse_event_t;
        if (!fault_.empty()) return false;
        switch (event) {
            case Event::object_start:
                names_.emplace_back();
                check_depth(depth);
                break;
            case Event::array_start:
                check_depth(depth);
                break;
            case Event::key:
                if (!names_.back().insert(parsed.get<std::string>()).second) {
                    fault_ = "a member name comes twice in one object";
                }
                break;
            case Event::object_end:
                names_.pop_back();
                break;
            case Event::array_end:
            case Event::value:
                break;
        }
        return fault_.empty();
    }

    [[nodiscard]] const std::string& fault() const noexcept { return fault_; }

private:
    void check_depth(int depth) {
        if (static_cast<std::size_t>(depth) >= kMaxJsonDepth) {
            fault_ = "nested deeper than " + std::to_string(kMaxJsonDepth);
        }
    }

    std::vector<std::set<std::string>> names_;  ///< of the objects around the current place
    std::string fault_;
};

}  // namespace

Result<JsonDocument> parse_strict_json(std::string_view text) {
    // nlohmann skips a byte order mark; RFC 8259 section 8.1 forbids to send one.
    if (text.starts_with("\xEF\xBB\xBF")) return malformed("JSON: starts with a byte order mark");
    // It takes a NUL for the end, and whatever follows would go unread.
    if (text.find('\0') != std::string_view::npos) return malformed("JSON: holds a NUL octet");
    Watch watch;
    auto parsed = nlohmann::json::parse(text.begin(), text.end(), std::ref(watch),
                                        /*allow_exceptions=*/false);
    if (!watch.fault().empty()) return malformed("JSON: " + watch.fault());
    if (parsed.is_discarded()) return malformed("not JSON");
    return JsonDocument{std::move(parsed)};
}

}  // namespace scepgate::policy
