// The one-time passwords that are in the store, for policy to look up.
#pragma once

#include "policy/password_lookup.hpp"
#include "server/runtime_services.hpp"

namespace scepgate::server {

class RecordedPasswords final : public policy::PasswordLookup {
public:
    explicit RecordedPasswords(std::shared_ptr<const StoreLink> store) : store_(std::move(store)) {}

    Result<std::optional<policy::RecordedPassword>> find(std::string_view scope, ByteView token,
                                                         std::int64_t now) override;

private:
    std::shared_ptr<const StoreLink> store_;
};

}  // namespace scepgate::server
