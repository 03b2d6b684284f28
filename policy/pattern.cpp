#include "policy/pattern.hpp"

#include <algorithm>
#include <re2/re2.h>

namespace scepgate::policy {
namespace {

/// Of the compiled expression and of what a match builds up.
constexpr std::int64_t kMaximumMemory = 1 << 20;

}  // namespace

Result<Pattern> Pattern::compile(std::string_view text) {
    const auto fault = [](std::string why) { return Error{Errc::kConfig, std::move(why)}; };
    if (text.empty()) return fault("the pattern is empty");
    if (text.size() > kMaximumLength) {
        return fault("the pattern has over " + std::to_string(kMaximumLength) + " octets");
    }
    RE2::Options options;
    options.set_log_errors(false);
    options.set_never_capture(true);
    options.set_max_mem(kMaximumMemory);
    auto expression =
        std::make_shared<const RE2>(re2::StringPiece(text.data(), text.size()), options);
    if (!expression->ok()) {
        return fault("the pattern is no RE2 expression: " + expression->error());
    }
    return Pattern(std::move(expression));
}

bool Pattern::matches(std::string_view value) const {
    return RE2::FullMatch(re2::StringPiece(value.data(), value.size()), *expression_);
}

const std::string& Pattern::text() const noexcept {
    return expression_->pattern();
}

bool matches_any(const Patterns& patterns, std::string_view value) {
    return std::any_of(patterns.begin(), patterns.end(),
                       [&](const Pattern& pattern) { return pattern.matches(value); });
}

}  // namespace scepgate::policy
