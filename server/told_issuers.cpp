#include "server/told_issuers.hpp"

#include <algorithm>

#include "server/config.hpp"

namespace scepgate::server {

bool ToldId::may_be(const ToldId& other) const {
    return serial == other.serial && (!issuer || !other.issuer || issuer == other.issuer);
}

bool may_contain(const std::set<ToldId>& ids, const ToldId& id) {
    for (auto at = ids.lower_bound({id.serial, {}}); at != ids.end() && at->serial == id.serial;
         ++at) {
        if (at->may_be(id)) return true;
    }
    return false;
}

ToldId ToldIssuers::told(const std::string& ca, Bytes serial) const {
    const auto found = by_name_.find(ca);
    if (found == by_name_.end()) return {std::move(serial), {}};
    return {std::move(serial), found->second};
}

ToldId ToldIssuers::stored(ByteView issuer, Bytes serial) const {
    const auto found = std::find_if(by_name_.begin(), by_name_.end(),
                                    [&](const auto& each) { return equal(each.second, issuer); });
    if (found == by_name_.end()) return {std::move(serial), {}};
    return {std::move(serial), found->second};
}

ToldIssuers told_issuers(const Config& config) {
    std::map<std::string, ca_backend::IssuerHash> by_name;
    for (const auto& [name, ca] : config.cas) {
        const auto certificates = certs::Certificate::all_from_file(ca.certificate);
        if (!certificates || certificates->empty()) continue;
        by_name.emplace(name, ca_backend::issuer_hash(certificates->front().subject_der()));
    }
    return ToldIssuers(std::move(by_name));
}

}  // namespace scepgate::server
