#include "server/config_paths.hpp"

#include <algorithm>

namespace scepgate::server {
namespace {

constexpr std::string_view kLettersAndDigits =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

constexpr std::size_t kLongestName = 64;

bool holds_only(std::string_view text, std::string_view more) noexcept {
    return std::all_of(text.begin(), text.end(), [more](char c) {
        return kLettersAndDigits.find(c) != std::string_view::npos ||
               more.find(c) != std::string_view::npos;
    });
}

}  // namespace

std::string normal_path(std::string_view path) {
    while (path.size() > 1 && path.back() == '/')
        path.remove_suffix(1);
    std::string normal(path);
    for (char& c : normal)
        c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    return normal;
}

bool sound_endpoint_path(std::string_view path) noexcept {
    if (path.empty() || path.front() != '/') return false;
    path.remove_prefix(1);
    while (!path.empty()) {
        const auto slash = std::min(path.find('/'), path.size());
        const std::string_view segment = path.substr(0, slash);
        if (segment.empty() || segment == "." || segment == "..") return false;
        if (!holds_only(segment, "-._~!$&'()*+,;=:@")) return false;
        path.remove_prefix(std::min(slash + 1, path.size()));
    }
    return true;
}

bool sound_endpoint_name(std::string_view name) noexcept {
    return !name.empty() && name.size() <= kLongestName && holds_only(name, "-._/");
}

bool sound_caller_name(std::string_view name) noexcept {
    return !name.empty() && name.size() <= kLongestName && holds_only(name, "-._/\\@");
}

}  // namespace scepgate::server
