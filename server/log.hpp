// The operators' log: one line a request, and what else happens (spdlog).
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <spdlog/logger.h>

#include "server/config.hpp"

namespace spdlog::details {
class periodic_worker;
}

namespace scepgate::server {

/// Fields of one log line, written in the order added.
class LogFields {
public:
    LogFields& add(std::string_view key, std::string_view value);
    LogFields& add(std::string_view key, std::uint64_t value);

private:
    friend class Log;
    struct Field {
        std::string_view key;  ///< static storage
        std::string value;
        bool number;
    };
    std::vector<Field> fields_;
};

/// The log. Text: "time level message key=value …"; JSON: one object a line. Values are escaped, so
/// that nothing a peer sends can forge a line. Safe for concurrent use.
class Log {
public:
    /// kConfig when the file cannot be opened.
    static Result<std::shared_ptr<Log>> open(const LogConfig& config);
    ~Log();

    void debug(std::string_view message, const LogFields& fields = {});
    void info(std::string_view message, const LogFields& fields = {});
    void warn(std::string_view message, const LogFields& fields = {});
    void error(std::string_view message, const LogFields& fields = {});

    [[nodiscard]] bool debug_enabled() const { return logger_->should_log(spdlog::level::debug); }
    [[nodiscard]] bool info_enabled() const { return logger_->should_log(spdlog::level::info); }
    void flush() { logger_->flush(); }
    /// Where lines go now.
    [[nodiscard]] int descriptor() const;
    [[nodiscard]] bool json() const noexcept { return config_.format == LogConfig::Format::kJson; }
    /// Opens the file anew after it was moved away (SIGHUP, logrotate).
    Result<void> reopen();

private:
    Log(std::shared_ptr<spdlog::logger> logger, LogConfig config);
    void write(spdlog::level::level_enum level, std::string_view message, const LogFields& fields);

    std::shared_ptr<spdlog::logger> logger_;
    LogConfig config_;
    std::unique_ptr<spdlog::details::periodic_worker> flusher_;
};

}  // namespace scepgate::server
