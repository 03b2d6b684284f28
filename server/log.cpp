#include "server/log.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <mutex>
#include <unistd.h>

#include <spdlog/details/periodic_worker.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>

#include "server/sandbox/file_confinement.hpp"
#include "server/text_escape.hpp"

namespace scepgate::server {
namespace {

/// Gathers lines and writes them in large pieces: a system call a line would cost more than a
/// GetCACaps answer. Flushed every second, at warnings, and when full.
class BufferedSink final : public spdlog::sinks::base_sink<std::mutex> {
public:
    BufferedSink(int descriptor, bool owned) : descriptor_(descriptor), owned_(owned) {}
    ~BufferedSink() override {
        flush_();
        if (owned_) ::close(descriptor_);
    }

    void replace(int descriptor) {
        const std::lock_guard lock(mutex_);
        flush_();
        if (owned_) ::close(descriptor_);
        descriptor_ = descriptor;
        owned_ = true;
    }

    [[nodiscard]] int descriptor() {
        const std::lock_guard lock(mutex_);
        return descriptor_;
    }

private:
    static constexpr std::size_t kBuffer = 64 * 1024;

    void sink_it_(const spdlog::details::log_msg& message) override {
        spdlog::memory_buf_t line;
        formatter_->format(message, line);
        buffer_.append(line.data(), line.size());
        if (buffer_.size() >= kBuffer) flush_();
    }

    void flush_() override {
        std::string_view rest = buffer_;
        while (!rest.empty()) {
            const ssize_t written = ::write(descriptor_, rest.data(), rest.size());
            if (written < 0 && errno == EINTR) continue;
            if (written <= 0) break;  // a log that cannot be written must not stop the service
            rest.remove_prefix(static_cast<std::size_t>(written));
        }
        buffer_.clear();
    }

    int descriptor_;
    bool owned_;
    std::string buffer_;
};

Result<int> open_log_file(const std::filesystem::path& file) {
    const int descriptor = ::open(file.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
    if (descriptor < 0) {
        const int failure = errno;
        return Error{Errc::kConfig, "cannot write the log " + file.string() + ": " +
                                        std::strerror(failure) +
                                        sandbox::confinement_hint(file, failure)};
    }
    return descriptor;
}

constexpr std::array<bool, 256> kPlain = [] {
    std::array<bool, 256> plain{};
    for (const char c :
         std::string_view("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:/+,@"))
        plain[static_cast<unsigned char>(c)] = true;
    return plain;
}();

void append_plain_or_quoted(std::string& out, std::string_view value) {
    const bool plain = !value.empty() && value.size() <= 1024 &&
                       std::all_of(value.begin(), value.end(),
                                   [](char c) { return kPlain[static_cast<unsigned char>(c)]; });
    if (plain) {
        out += value;
    } else {
        append_json_string(out, value);
    }
}

}  // namespace

LogFields& LogFields::add(std::string_view key, std::string_view value) {
    fields_.push_back({key, std::string(value), false});
    return *this;
}

LogFields& LogFields::add(std::string_view key, std::uint64_t value) {
    fields_.push_back({key, std::to_string(value), true});
    return *this;
}

Log::Log(std::shared_ptr<spdlog::logger> logger, LogConfig config)
    : logger_(std::move(logger)),
      config_(std::move(config)),
      flusher_(std::make_unique<spdlog::details::periodic_worker>(
          [flushed = logger_] { flushed->flush(); }, std::chrono::seconds(1))) {}

Log::~Log() = default;

Result<std::shared_ptr<Log>> Log::open(const LogConfig& config) {
    int descriptor = STDERR_FILENO;
    if (config.file) {
        const auto opened = open_log_file(*config.file);
        if (!opened) return opened.error();
        descriptor = *opened;
    }
    auto sink = std::make_shared<BufferedSink>(descriptor, config.file.has_value());
    auto logger = std::make_shared<spdlog::logger>("scepgate", sink);
    logger->set_level(spdlog::level::from_str(config.level));
    logger->flush_on(spdlog::level::warn);
    if (config.format == LogConfig::Format::kJson) {
        logger->set_pattern(R"({"time":"%Y-%m-%dT%H:%M:%S.%fZ","level":"%l",%v})",
                            spdlog::pattern_time_type::utc);
    } else {
        logger->set_pattern("%Y-%m-%dT%H:%M:%S.%fZ %l %v", spdlog::pattern_time_type::utc);
    }
    return std::shared_ptr<Log>(new Log(std::move(logger), config));
}

int Log::descriptor() const {
    return static_cast<BufferedSink&>(*logger_->sinks().front()).descriptor();
}

Result<void> Log::reopen() {
    if (!config_.file) return {};
    const auto opened = open_log_file(*config_.file);
    if (!opened) return opened.error();
    static_cast<BufferedSink&>(*logger_->sinks().front()).replace(*opened);
    return {};
}

void Log::write(spdlog::level::level_enum level, std::string_view message,
                const LogFields& fields) {
    if (!logger_->should_log(level)) return;
    std::string line;
    line.reserve(512);
    if (config_.format == LogConfig::Format::kJson) {
        line += "\"message\":";
        append_json_string(line, message);
        for (const auto& field : fields.fields_) {
            line += ",\"";
            line += field.key;
            line += "\":";
            if (field.number) {
                line += field.value;
            } else {
                append_json_string(line, field.value);
            }
        }
    } else {
        append_plain_or_quoted(line, message);
        for (const auto& field : fields.fields_) {
            line += ' ';
            line += field.key;
            line += '=';
            append_plain_or_quoted(line, field.value);
        }
    }
    logger_->log(level, spdlog::string_view_t(line.data(), line.size()));
}

void Log::debug(std::string_view message, const LogFields& fields) {
    write(spdlog::level::debug, message, fields);
}
void Log::info(std::string_view message, const LogFields& fields) {
    write(spdlog::level::info, message, fields);
}
void Log::warn(std::string_view message, const LogFields& fields) {
    write(spdlog::level::warn, message, fields);
}
void Log::error(std::string_view message, const LogFields& fields) {
    write(spdlog::level::err, message, fields);
}

}  // namespace scepgate::server
