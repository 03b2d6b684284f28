// Time, so that tests can set it.
#pragma once

#include <cstdint>
#include <string>

namespace scepgate::certs {

class Clock {
public:
    virtual ~Clock() = default;
    /// Seconds since the epoch, UTC.
    [[nodiscard]] virtual std::int64_t now() const = 0;
};

class SystemClock final : public Clock {
public:
    [[nodiscard]] std::int64_t now() const override;
};

class FixedClock final : public Clock {
public:
    explicit FixedClock(std::int64_t now) noexcept : now_(now) {}
    [[nodiscard]] std::int64_t now() const override { return now_; }
    void set(std::int64_t now) noexcept { now_ = now; }

private:
    std::int64_t now_;
};

/// "2026-11-21T04:26:07Z"; outside the years 0 to 9999 "@" and the seconds
[[nodiscard]] std::string utc_text(std::int64_t time);

}  // namespace scepgate::certs
