// How many certificates a signer gives in a minute, an hour and a day.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <string>

namespace scepgate::server::signer {

/// 0: no limit.
struct RateLimits {
    std::int64_t per_minute = 0, per_hour = 0, per_day = 0;
    [[nodiscard]] bool any() const noexcept {
        return per_minute != 0 || per_hour != 0 || per_day != 0;
    }
    bool operator==(const RateLimits&) const = default;
};

/// In all, and for single templates.
struct RateRules {
    RateLimits in_all;
    std::map<std::string, RateLimits> templates;
};

/// A limit that is reached.
struct RateExceeded {
    std::string scope;      ///< "all certificates", "template \"Device\""
    std::string period;     ///< "minute", "hour", "day"
    std::int64_t most = 0;  ///< how many it allows
};

/// Counts what was signed in periods that end now, to the minute. Safe for concurrent use. It
/// forgets nothing while it lives; what was counted before a restart is told by add().
class RateCounter {
public:
    /// Counts one certificate, if every limit allows one more.
    std::optional<RateExceeded> take(const RateRules& rules, const std::string& template_name,
                                     std::int64_t now);
    /// What was taken for nothing.
    void give_back(const std::string& template_name, std::int64_t now);
    /// So many were signed at that time, whatever the limits say.
    void add(const std::string& template_name, std::int64_t at, std::int64_t count);

private:
    /// How many in each minute of the last day.
    class Window {
    public:
        void add(std::int64_t minute, std::int64_t count);
        [[nodiscard]] std::int64_t since(std::int64_t minute) const;

    private:
        struct Minute {
            std::int64_t number = 0;
            std::int64_t count = 0;
        };
        std::deque<Minute> minutes_;  ///< ascending
    };

    static std::optional<RateExceeded> exceeded(const Window& window, const RateLimits& limits,
                                                std::int64_t minute, const std::string& scope);

    std::mutex mutex_;
    Window all_;
    std::map<std::string, Window> templates_;
};

}  // namespace scepgate::server::signer
