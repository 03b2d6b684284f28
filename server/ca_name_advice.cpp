#include "server/ca_name_advice.hpp"

#include <algorithm>

namespace scepgate::server {
namespace {

constexpr std::size_t kLongest = 64;
constexpr std::size_t kLongestOfOthers = 37;  ///< where no character is Latin

std::size_t characters(std::string_view utf8) {
    return static_cast<std::size_t>(std::count_if(utf8.begin(), utf8.end(), [](char c) {
        return (static_cast<unsigned char>(c) >> 6) != 2;
    }));
}

bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/// Labels of letters, digits and hyphens, two at least, the last of letters alone.
bool is_host_name(std::string_view name) {
    const auto last = name.rfind('.');
    if (last == std::string_view::npos || last + 2 >= name.size()) return false;
    const auto top = name.substr(last + 1);
    char before = '.';
    for (const char c : name) {
        const bool label = is_letter(c) || (c >= '0' && c <= '9') || c == '-';
        if (!label && (c != '.' || before == '.')) return false;
        before = c;
    }
    return std::all_of(top.begin(), top.end(), is_letter);
}

}  // namespace

std::vector<std::string> ca_name_advice(const certs::Name& subject) {
    const std::string_view name = subject.common_name();
    std::vector<std::string> advice;
    if (name.empty()) {
        advice.push_back("the CA has no common name: many tools show nothing else");
        return advice;
    }
    const std::string quoted = "the CA's name '" + std::string(name) + "' ";
    if (is_host_name(name)) {
        advice.push_back(quoted +
                         "looks like a host's: every certificate would tell where the CA is");
    }
    if (name.find('_') != std::string_view::npos) {
        advice.push_back(quoted + "has an underscore: some routers cannot enrol from such a CA");
    }
    const bool latin = std::any_of(name.begin(), name.end(), is_letter);
    const std::size_t longest = latin ? kLongest : kLongestOfOthers;
    if (characters(name) > longest) {
        advice.push_back(quoted + "has " + std::to_string(characters(name)) + " characters: over " +
                         std::to_string(longest) + " are cut or refused by other software");
    }
    return advice;
}

}  // namespace scepgate::server
