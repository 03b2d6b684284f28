#include "server/refusal_bounds.hpp"

#include <algorithm>

#include "server/http_address.hpp"

namespace scepgate::server {
namespace {

/// What all have together, in parts of what each address has.
constexpr double kAddresses = 10;
/// What each code has beside that, in parts of it.
constexpr double kOfCode = 0.05;
constexpr double kSecondsAtOnce = 5;
/// Codes come from the source, and are fewer.
constexpr std::size_t kMostCodes = 200;
constexpr const char* kOthers = "others";

}  // namespace

void RefusalBounds::set_rate(std::size_t rate) {
    const std::lock_guard lock(mutex_);
    rate_ = static_cast<double>(rate);
}

bool RefusalBounds::Bucket::holds_one(const Pace& pace, TimePoint now) {
    const std::chrono::duration<double> passed = now - at;
    level =
        at == TimePoint{} ? pace.most : std::min(pace.most, level + passed.count() * pace.a_second);
    at = now;
    return level >= 1;
}

RefusalBounds::Bucket* RefusalBounds::Account::find(std::string_view code, const Pace& pace,
                                                    TimePoint now) {
    if (any.holds_one(pace, now)) return &any;
    auto own = of_code.find(code);
    if (own == of_code.end()) {
        if (of_code.size() >= kMostCodes) return nullptr;
        own = of_code.emplace(code, Bucket()).first;
    }
    const Pace few{std::max(pace.most * kOfCode, 1.0), pace.a_second * kOfCode};
    return own->second.holds_one(few, now) ? &own->second : nullptr;
}

/// Null: there are too many to keep apart, and only what all have together bounds this one.
RefusalBounds::Account* RefusalBounds::account_of(const std::string& client, TimePoint now) {
    const auto known = addresses_.find(client);
    if (known != addresses_.end()) return &known->second;
    if (addresses_.size() >= kMostAddresses && now - swept_ >= std::chrono::seconds(1)) {
        // Who was not refused for so long may have all at once again, as if never seen.
        const auto before = now - std::chrono::seconds(static_cast<int>(kSecondsAtOnce));
        std::erase_if(addresses_, [&](const auto& each) { return each.second.any.at < before; });
        swept_ = now;
    }
    return addresses_.size() < kMostAddresses ? &addresses_[client] : nullptr;
}

bool RefusalBounds::admit(std::string_view client, std::string_view code, TimePoint now) {
    const std::lock_guard lock(mutex_);
    if (rate_ == 0) return true;
    std::string owner = owner_text(client);
    const Pace each{rate_ * kSecondsAtOnce, rate_};
    Bucket* own = nullptr;
    if (Account* account = account_of(owner, now)) {
        own = account->find(code, each, now);
        if (own == nullptr) {
            count(std::move(owner), code, now);
            return false;
        }
    }
    Bucket* shared = all_.find(code, {each.most * kAddresses, each.a_second * kAddresses}, now);
    if (shared == nullptr) {
        count(kOthers, code, now);
        return false;
    }
    if (own != nullptr) own->level -= 1;
    shared->level -= 1;
    return true;
}

void RefusalBounds::count(std::string client, std::string_view code, TimePoint now) {
    std::pair kind(std::move(client), std::string(code));
    if (untold_.size() >= kMostKinds && !untold_.contains(kind)) kind = {kOthers, kOthers};
    Count& counted = untold_[std::move(kind)];
    if (counted.count++ == 0) counted.since = now;
}

std::vector<UntoldRefusals> RefusalBounds::take(Which which, TimePoint now) {
    std::vector<UntoldRefusals> taken;
    const std::lock_guard lock(mutex_);
    for (auto each = untold_.begin(); each != untold_.end();) {
        const auto& [kind, counted] = *each;
        if (which == Which::kDue && now - counted.since < kDelay) {
            ++each;
            continue;
        }
        taken.push_back({kind.first, kind.second, counted.count,
                         std::chrono::ceil<std::chrono::seconds>(now - counted.since)});
        each = untold_.erase(each);
    }
    return taken;
}

}  // namespace scepgate::server
