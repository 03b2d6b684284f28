#include "server/recorded_passwords.hpp"

namespace scepgate::server {

Result<std::optional<policy::RecordedPassword>> RecordedPasswords::find(std::string_view scope,
                                                                        ByteView token,
                                                                        std::int64_t now) {
    const auto store = store_->get();
    if (!store) return Error{Errc::kUnavailable, "the store is not open"};
    auto found = store->find_challenge(scope, token, now);
    if (!found) return found.error();
    if (!*found) return std::optional<policy::RecordedPassword>();
    policy::RecordedPassword password;
    password.bindings = std::move((*found)->row.claims);
    password.expires = (*found)->row.expires;
    password.withdrawn = (*found)->state == ca_backend::ChallengeState::kWithdrawn;
    return std::optional(std::move(password));
}

}  // namespace scepgate::server
