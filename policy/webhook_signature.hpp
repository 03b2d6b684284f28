// How webhooks are signed (docs/webhook.md).
#pragma once

#include <string>
#include <vector>

#include "certs/secret.hpp"

namespace scepgate::policy {

/// The keys that one service shares with us: one, or two while it changes them.
class WebhookKeys {
public:
    static constexpr std::size_t kLeastOctets = 32;
    static constexpr std::size_t kMost = 2;

    /// Throws std::logic_error for none, more than kMost, or one under kLeastOctets: the
    /// configuration was judged before.
    explicit WebhookKeys(std::vector<Secret> keys);

    /// X-Scepgate-Signature of what we send: for each key "v1=" and the hexadecimal of
    /// HMAC-SHA-256( key, timestamp "." body ), separated by commas.
    [[nodiscard]] std::string sign(std::int64_t timestamp, std::string_view body) const;

    /// Whether one of the header's signatures is by one of the keys over what came back:
    /// HMAC-SHA-256( key, "answer." timestamp "." id "." body ), with timestamp and id of the
    /// request, so that it is an answer to no other. Others in the header do not count.
    [[nodiscard]] bool verifies_answer(std::string_view header, std::int64_t timestamp,
                                       std::string_view id, std::string_view body) const;

    /// The same as a service makes it, with the first key.
    [[nodiscard]] std::string sign_answer(std::int64_t timestamp, std::string_view id,
                                          std::string_view body) const;

private:
    std::vector<Secret> keys_;
};

}  // namespace scepgate::policy
