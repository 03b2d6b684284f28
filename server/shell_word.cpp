#include "server/shell_word.hpp"

#include <algorithm>
#include <string_view>

namespace scepgate::server {
namespace {

/// Letters by hand: std::isalnum() asks the locale.
bool is_plain(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("/._-+:,@%").find(c) != std::string_view::npos;
}

}  // namespace

std::string shell_word(const std::string& text) {
    if (!text.empty() && std::all_of(text.begin(), text.end(), is_plain)) return text;
    std::string quoted = "'";
    for (const char c : text)
        quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return quoted + "'";
}

std::string shell_path(const std::filesystem::path& path) {
    const std::string text = path.string();
    return shell_word(text.starts_with('-') ? "./" + text : text);
}

}  // namespace scepgate::server
