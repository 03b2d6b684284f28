#include "server/runtime.hpp"

#include <algorithm>

namespace scepgate::server {
namespace {

char lower(char c) noexcept {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool sound_suffix(std::string_view suffix) noexcept {
    const bool plain = std::all_of(suffix.begin(), suffix.end(), [](char c) {
        return (lower(c) >= 'a' && lower(c) <= 'z') || (c >= '0' && c <= '9') || c == '.' ||
               c == '_' || c == '-' || c == '/';
    });
    return plain && suffix.find("..") == std::string_view::npos &&
           suffix.find("//") == std::string_view::npos;
}

bool begins_with(std::string_view path, std::string_view lower_prefix) noexcept {
    return path.size() >= lower_prefix.size() &&
           std::equal(lower_prefix.begin(), lower_prefix.end(), path.begin(),
                      [](char expected, char c) { return expected == lower(c); });
}

}  // namespace

const std::string& Endpoint::template_for(certs::Purpose purpose, const std::string& named) const {
    const auto& others = other_templates[static_cast<std::size_t>(purpose)];
    const auto found = others.find(named);
    return found == others.end() ? template_for(purpose) : found->first;
}

const ApprovalRule& Endpoint::approval_for(const Grant& grant) const {
    const auto purpose = static_cast<std::size_t>(grant.purpose());
    const auto found = other_templates[purpose].find(grant.template_name().value_or(""));
    return found == other_templates[purpose].end() ? approvals[purpose] : found->second;
}

Runtime::Runtime(std::vector<std::shared_ptr<const Endpoint>> endpoints, std::size_t message_limit,
                 std::shared_ptr<const certs::Clock> clock, PolicyModules policies,
                 std::shared_ptr<const NotifierSet> notifiers)
    : endpoints_(std::move(endpoints)),
      message_limit_(message_limit),
      clock_(std::move(clock)),
      policies_(std::move(policies)),
      notifiers_(std::move(notifiers)) {
    for (const auto& endpoint : endpoints_) {
        for (const auto& path : endpoint->paths)
            routes_.emplace_back(path, endpoint);
    }
    std::stable_sort(routes_.begin(), routes_.end(), [](const auto& left, const auto& right) {
        return left.first.size() > right.first.size();
    });
}

std::shared_ptr<const Endpoint> Runtime::route(std::string_view path) const {
    for (const auto& [prefix, endpoint] : routes_) {
        if (!begins_with(path, prefix)) continue;
        const std::string_view suffix = path.substr(prefix.size());
        if (suffix.empty()) return at_this_time(endpoint);
        if ((suffix.front() == '/' || prefix == "/") && sound_suffix(suffix)) {
            return at_this_time(endpoint);
        }
    }
    return nullptr;
}

std::shared_ptr<const Endpoint> Runtime::at_this_time(
    const std::shared_ptr<const Endpoint>& endpoint) const {
    return endpoint->next && clock_->now() >= endpoint->next_from ? endpoint->next : endpoint;
}

}  // namespace scepgate::server
