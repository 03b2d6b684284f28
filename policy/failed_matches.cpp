#include "policy/failed_matches.hpp"

#include <algorithm>

namespace scepgate::policy {
namespace {

namespace der = certs::der;

// Nothing asked for, and something empty, are two things.
template <class T, class Encode>
Bytes optional_element(const std::optional<T>& value, Encode encode) {
    return value ? der::sequence({encode(*value)}) : der::null();
}

/// As sets, since order does not count when they are compared.
Bytes set_of_names(const certs::GeneralNames& names) {
    std::vector<Bytes> elements;
    for (const certs::GeneralName& name : names)
        elements.push_back(der::utf8_string(name.text()));
    return der::set_of(std::move(elements));
}

Bytes set_of_usages(const certs::ExtendedKeyUsage& usages) {
    std::vector<Bytes> elements;
    for (const Bytes& usage : usages)
        elements.push_back(der::oid(usage));
    return der::set_of(std::move(elements));
}

}  // namespace

Sha256 attempt_of(const certs::Csr& csr) {
    const certs::RequestedExtensions& asked = csr.requested();
    return sha256(der::sequence(
        {csr.subject().der(), set_of_names(asked.subject_alt_name),
         optional_element(asked.sid, [](const std::string& sid) { return der::utf8_string(sid); }),
         optional_element(asked.key_usage,
                          [](const certs::KeyUsage& usage) { return usage.der(); }),
         optional_element(asked.extended_key_usage, set_of_usages)}));
}

void FailedMatches::add(const std::string& challenge, const Sha256& attempt, std::int64_t now) {
    const std::lock_guard lock(mutex_);
    const auto [found, is_new] = records_.try_emplace(challenge);
    if (is_new) oldest_.push_back(found);
    Record& record = found->second;
    if (record.locked(now)) return;
    auto& known = record.attempts;
    if (std::find(known.begin(), known.end(), attempt) == known.end()) known.push_back(attempt);
    if (known.size() == kMost) {
        known.clear();
        record.locked_at = now;
        record.lock = record.next_lock;
        record.next_lock = std::min(2 * record.next_lock, kLongestLock);
    }
    while (records_.size() > capacity_) {
        records_.erase(oldest_.front());
        oldest_.pop_front();
    }
}

bool FailedMatches::locked(const std::string& challenge, std::int64_t now) {
    const std::lock_guard lock(mutex_);
    const auto found = records_.find(challenge);
    return found != records_.end() && found->second.locked(now);
}

}  // namespace scepgate::policy
