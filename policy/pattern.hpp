// Patterns that administrators write for names (RE2 syntax).
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "certs/result.hpp"

namespace re2 {
class RE2;
}

namespace scepgate::policy {

/// A regular expression that a whole value has to match; compiled once. Matching takes time linear
/// in the value, whatever the pattern. Letters count with their case unless it begins with "(?i)".
/// Immutable, safe for concurrent use; cheap to copy.
class Pattern {
public:
    static constexpr std::size_t kMaximumLength = 1024;  ///< octets of its text

    /// kConfig: it is empty, too long, too costly, or no RE2 expression; says where.
    static Result<Pattern> compile(std::string_view text);

    [[nodiscard]] bool matches(std::string_view value) const;
    [[nodiscard]] const std::string& text() const noexcept;

private:
    explicit Pattern(std::shared_ptr<const re2::RE2> expression)
        : expression_(std::move(expression)) {}
    std::shared_ptr<const re2::RE2> expression_;
};

using Patterns = std::vector<Pattern>;

/// Whether one of them matches.
[[nodiscard]] bool matches_any(const Patterns& patterns, std::string_view value);

}  // namespace scepgate::policy
