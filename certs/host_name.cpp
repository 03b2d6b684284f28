#include "certs/host_name.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <string>

namespace scepgate::certs {
namespace {

constexpr std::size_t kMaxLabel = 63;

const char* fault_in_label(std::string_view label) {
    if (label.empty()) return "a label of the host name is empty (a trailing dot is not taken)";
    if (label.size() > kMaxLabel) return "a label of the host name is over 63 characters";
    if (label.find('*') != std::string_view::npos) {
        return "a wildcard can only be the whole first label of a DNS name";
    }
    const bool ldh = std::all_of(label.begin(), label.end(),
                                 [](char c) { return is_letter_or_digit(c) || c == '-'; });
    if (!ldh) {
        return "a host name takes letters, digits, '-' and '.' (international ones as xn--...)";
    }
    if (label.front() == '-' || label.back() == '-') return "a label starts or ends with '-'";
    return nullptr;
}

}  // namespace

bool is_letter(char c) noexcept {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

bool is_letter_or_digit(char c) noexcept {
    return is_letter(c) || (c >= '0' && c <= '9');
}

const char* fault_in_host_name(std::string_view name) {
    if (name.size() > kMaxHostName) return "the host name is over 253 characters";
    for (std::size_t at = 0; at <= name.size();) {
        const std::size_t dot = std::min(name.find('.', at), name.size());
        if (const char* fault = fault_in_label(name.substr(at, dot - at))) return fault;
        at = dot + 1;
    }
    in_addr address{};
    if (inet_pton(AF_INET, std::string(name).c_str(), &address) == 1) {
        return "this is an IP address, which has a type of its own (ip)";
    }
    return nullptr;
}

}  // namespace scepgate::certs
