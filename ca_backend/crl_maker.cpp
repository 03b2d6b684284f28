#include "ca_backend/crl_maker.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace scepgate::ca_backend {

namespace asio = boost::asio;
using certs::Crl;
using Clock = std::chrono::steady_clock;

namespace {

/// Seconds for which a maker is believed to be at work after it last said so. Whoever asks for a
/// CRL waits as long for one that was killed; two makers at once are only work done twice.
constexpr std::int64_t kLease = 10;
constexpr std::chrono::seconds kSaySoEvery{3};
/// Of entries, between two looks at the clock.
constexpr std::size_t kPage = 10'000;
/// Between two nodes' clocks.
constexpr std::int64_t kClockSkew = 300;
/// For which somebody waits for another process's CRL: whoever asks again and again, and others.
constexpr std::chrono::seconds kPatience{20};
constexpr std::chrono::seconds kGreatPatience{120};
/// What the key's holder refuses it will refuse again, until something is another.
constexpr std::chrono::seconds kRefusedFor{60};
constexpr std::int64_t kQuickMs = 3000;
constexpr std::int64_t kPaceFactor = 5;

std::int64_t milliseconds_since(Clock::time_point begun) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - begun).count();
}

Error not_made(const Error& why) {
    return {Errc::kUnavailable, "making a CRL: " + why.detail};
}

}  // namespace

/// The right to make CRLs, as the store knows it.
class CrlMaker::Lease {
public:
    Lease(Store& store, const IssuerHash& issuer, std::int64_t now)
        : store_(store), issuer_(issuer), now_(now) {}

    [[nodiscard]] const std::string& maker() const noexcept { return maker_; }
    [[nodiscard]] std::int64_t until() const {
        return now_ + milliseconds_since(begun_) / 1000 + kLease;
    }
    [[nodiscard]] Clock::time_point begun() const noexcept { return begun_; }
    [[nodiscard]] bool is_to_be_extended() const { return Clock::now() > said_ + kSaySoEvery; }
    asio::awaitable<Result<void>> extend() {
        said_ = Clock::now();
        std::string maker = maker_;
        co_return co_await store_.extend_crl(issuer_, std::move(maker), until());
    }

private:
    Store& store_;
    IssuerHash issuer_;
    std::int64_t now_;
    std::string maker_ = to_hex(random_bytes(16));
    Clock::time_point begun_ = Clock::now();
    Clock::time_point said_ = begun_;
};

/// The right to make a CRL in this process, and the duty to tell the others how that ended.
class CrlMaker::Turn {
public:
    Turn(CrlMaker& maker, CrlKind kind) noexcept : maker_(maker), kind_(kind) {}
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    ~Turn() { maker_.end_turn(kind_, outcome); }

    Result<Current> outcome = Error{Errc::kUnavailable, "making a CRL was broken off"};

private:
    CrlMaker& maker_;
    CrlKind kind_;
};

CrlMaker::CrlMaker(CrlSettings settings)
    : settings_(std::move(settings)), issuer_(issuer_hash(settings_.issuer_der)) {}

const CrlTimes& CrlMaker::times(CrlKind kind) const {
    return kind == CrlKind::kDelta ? *settings_.delta : settings_.complete;
}

std::int64_t CrlMaker::made_at(const Crl& crl, CrlKind kind) const {
    return crl.next_update() - times(kind).validity;
}

bool CrlMaker::is_valid(const Current& current, std::int64_t now, CrlKind kind) const {
    // One from the future is of a clock that was set back: verifiers would refuse it. That of a
    // node whose clock is a little ahead will do.
    return current.crl && current.crl.this_update() <= now + kClockSkew &&
           now < made_at(current.crl, kind) + times(kind).period;
}

bool CrlMaker::is_fresh(const Current& current, const Occasion& occasion) const {
    return current.state.revision >= occasion.revision &&
           is_valid(current, occasion.now, occasion.wanted.kind);
}

bool CrlMaker::will_do(const Current& current, const Occasion& occasion) const {
    if (occasion.wanted.demand == CrlDemand::kNewest) return false;
    if (!is_valid(current, occasion.now, occasion.wanted.kind)) return false;
    if (current.state.took_ms < kQuickMs) return false;
    if (occasion.wanted.demand == CrlDemand::kAtHand) return true;
    const std::int64_t pause = current.state.took_ms * (1 + kPaceFactor) / 1000;
    return occasion.now < made_at(current.crl, occasion.wanted.kind) + pause;
}

asio::awaitable<Result<Crl>> CrlMaker::current(Store& store, std::int64_t now, CrlWanted wanted) {
    if (wanted.kind == CrlKind::kDelta && !makes_deltas()) {
        co_return Error{Errc::kUnsupported, "CA \"" + settings_.ca + "\" makes no delta CRLs"};
    }
    while (true) {
        const auto revision = store.revocation_revision(issuer_);
        const Occasion occasion{wanted, revision ? *revision : 0, now};
        bool others_turn = true;
        {
            const std::lock_guard lock(mutex_);
            Desk& own = desk(wanted.kind);
            // While the store is away, whoever asks is better served by what is valid.
            if (!revision && wanted.demand == CrlDemand::kAtHand &&
                is_valid(own.current, now, wanted.kind)) {
                co_return own.current.crl;
            }
            if (!revision) co_return revision.error();
            // A delta to a later one, as by another node, is of no use with it.
            const bool outdated =
                wanted.kind == CrlKind::kComplete &&
                desk(CrlKind::kDelta).current.state.base > own.current.state.number;
            if (is_fresh(own.current, occasion) && !outdated) co_return own.current.crl;
            if (const auto& no = own.refused; no && wanted.demand != CrlDemand::kNewest &&
                                              no->revision == *revision &&
                                              Clock::now() < no->until) {
                co_return no->error;
            }
            if (own.making && will_do(own.current, occasion)) co_return own.current.crl;
            others_turn = std::exchange(own.making, true);
        }
        if (others_turn) {
            const auto made = co_await join(wanted.kind);
            if (!made) co_return made.error();
            // Otherwise there was a revocation after it was begun.
            if (made->state.revision >= *revision) co_return made->crl;
            continue;
        }
        Turn turn(*this, wanted.kind);
        turn.outcome = co_await renew(store, occasion);
        if (!turn.outcome) co_return turn.outcome.error();
        co_return turn.outcome->crl;
    }
}

/// What whoever is at work has made; of revision -1 when they have just ended.
asio::awaitable<Result<CrlMaker::Current>> CrlMaker::join(CrlKind kind) {
    const asio::any_io_executor executor = co_await asio::this_coro::executor;
    const auto initiate = [this, executor, kind](auto handler) {
        std::unique_lock lock(mutex_);
        if (desk(kind).making) {
            desk(kind).waiting.push_back({std::move(handler), asio::make_work_guard(executor)});
            return;
        }
        lock.unlock();
        asio::post(executor, [handler = std::move(handler)]() mutable {
            std::move(handler)(Result<Current>(Current()));
        });
    };
    co_return co_await asio::async_initiate<const asio::use_awaitable_t<>, void(Result<Current>)>(
        initiate, asio::use_awaitable);
}

void CrlMaker::end_turn(CrlKind kind, const Result<Current>& outcome) {
    std::vector<Waiter> told;
    {
        const std::lock_guard lock(mutex_);
        Desk& own = desk(kind);
        own.making = false;
        if (outcome) own.refused.reset();
        told.swap(own.waiting);
        if (outcome && outcome->state.number > own.current.state.number) own.current = *outcome;
    }
    for (Waiter& each : told) {
        asio::post(each.guard.get_executor(),
                   [handler = std::move(each.handler), outcome]() mutable {
                       std::move(handler)(std::move(outcome));
                   });
    }
}

/// Makes one, or waits until another process has.
asio::awaitable<Result<CrlMaker::Current>> CrlMaker::renew(Store& store, Occasion occasion) {
    constexpr std::chrono::milliseconds kLook{200};
    const auto begun = Clock::now();
    const std::int64_t asked = occasion.now;
    while (true) {
        auto kept = newest_kept(store, occasion);
        if (!kept) co_return kept.error();
        if (is_fresh(*kept, occasion) || will_do(*kept, occasion)) co_return kept;
        auto made = co_await make(store, occasion);
        if (!made) co_return in_context("CA \"" + settings_.ca + "\"", made.error());
        if (*made) co_return std::move(**made);
        const auto waited = Clock::now() - begun;
        if (waited > kGreatPatience ||
            (waited > kPatience && occasion.wanted.demand == CrlDemand::kAtHand)) {
            co_return Error{Errc::kUnavailable,
                            "CA \"" + settings_.ca +
                                "\": another process is making its CRL, and "
                                "was not done within " +
                                std::to_string(milliseconds_since(begun) / 1000) + " s"};
        }
        asio::steady_timer timer(co_await asio::this_coro::executor, kLook);
        co_await timer.async_wait(asio::use_awaitable);
        occasion.now = asked + milliseconds_since(begun) / 1000;
    }
}

/// Of this process or another, if it is of use; else none.
Result<CrlMaker::Current> CrlMaker::newest_kept(Store& store, const Occasion& occasion) {
    Current known;
    {
        const std::lock_guard lock(mutex_);
        known = desk(occasion.wanted.kind).current;
    }
    const auto state = store.find_crl_state(issuer_, occasion.wanted.kind);
    if (!state) return state.error();
    if (!*state || (*state)->number <= known.state.number) return known;
    auto found = store.find_crl(issuer_, occasion.wanted.kind);
    if (!found) return found.error();
    if (!*found) return known;
    auto crl = Crl::from_der(std::move((*found)->der), certs::CrlScope::kAny);
    // Of a key that this CA had before, or made by other rules, it is of no use.
    if (!crl || !crl->signed_by(settings_.key.public_key())) return known;
    if (!is_as_settled(*crl, occasion.wanted.kind)) return known;
    return Current{*std::move(crl), (*found)->state};
}

bool CrlMaker::is_as_settled(const Crl& crl, CrlKind kind) const {
    const std::int64_t backdate = made_at(crl, kind) - crl.this_update();
    if (backdate < 0 || backdate > kCrlBackdate) return false;
    const auto pointers = settings_.pointers();
    if (!pointers) return pointers.error().code == Errc::kUnavailable;
    return crl.issuing_distribution_point() == pointers->issuing_distribution_point &&
           (kind == CrlKind::kDelta || crl.freshest_crl_urls() == pointers->freshest_crl_urls);
}

/// No CRL is older than the one before, of whatever kind: a delta is not older than its base.
Result<CrlMaker::Dates> CrlMaker::dates(Store& store, std::int64_t now) const {
    Dates made;
    made.this_update = std::min(std::max(now - kCrlBackdate, settings_.not_before), now);
    for (const CrlKind kind : {CrlKind::kComplete, CrlKind::kDelta}) {
        const auto last = store.find_crl_state(issuer_, kind);
        if (!last) return last.error();
        const std::int64_t then = *last ? (*last)->this_update : 0;
        if (then <= now) made.this_update = std::max(made.this_update, then);
        // Until a complete one was made after its end a certificate stays, however long that took.
        if (kind == CrlKind::kComplete) made.horizon = {then, *last ? (*last)->revision : 0};
    }
    const std::int64_t longest = std::max(kListedAfterExpiry, settings_.complete.validity);
    made.horizon.since = std::min(made.horizon.since, made.this_update - longest);
    return made;
}

/// Nothing when another process is at it, or was faster.
asio::awaitable<Result<std::optional<CrlMaker::Current>>> CrlMaker::make(Store& store,
                                                                         Occasion occasion) {
    auto pointers = settings_.pointers();
    if (!pointers) co_return not_made(pointers.error());
    occasion.pointers = *std::move(pointers);
    Lease lease(store, issuer_, occasion.now);
    CrlOrder order;
    order.issuer = issuer_;
    order.key = settings_.key_identifier;
    order.complete = occasion.wanted.kind == CrlKind::kComplete;
    order.delta = makes_deltas();
    order.now = occasion.now;
    order.until = lease.until();
    order.maker = lease.maker();
    occasion.pointers.least_base = std::max(occasion.pointers.least_base, usable_base());
    order.least_base = occasion.pointers.least_base;
    auto begun = co_await store.begin_crl(std::move(order));
    if (!begun) co_return begun.error();
    const auto said = dates(store, occasion.now);
    if (!said) co_return not_made(said.error());
    occasion.dates = *said;
    Result<std::optional<Current>> outcome = std::optional<Current>();
    // The small one first: it need not wait for the other.
    for (const CrlKind kind : {CrlKind::kDelta, CrlKind::kComplete}) {
        const bool granted = kind == CrlKind::kDelta ? begun->delta : begun->complete;
        const bool has_base = kind == CrlKind::kComplete || begun->base;
        if (!granted || !has_base) continue;
        auto made = co_await make_one(store, kind, *begun, lease, occasion);
        // Whoever wants the other one is told why there is none when they ask for it. Without a
        // base it is the complete one that has to be made first.
        if (kind == occasion.wanted.kind || (!made && !begun->base)) outcome = std::move(made);
    }
    if (begun->complete || begun->delta) {
        std::string maker = lease.maker();
        // It runs out by itself.
        (void)co_await store.end_crl(issuer_, std::move(maker));
    }
    co_return outcome;
}

asio::awaitable<Result<std::optional<CrlMaker::Current>>> CrlMaker::make_one(
    Store& store, CrlKind kind, CrlBegun& begun, Lease& lease, const Occasion& occasion) {
    std::vector<std::string> left_out;
    auto crl = co_await build(kind, begun, lease, occasion, left_out);
    const bool denied = !crl && crl.error().code == Errc::kDenied;
    if (denied && kind == CrlKind::kDelta) {
        // Another base then, or none: the next complete CRL is one.
        refuse_base(begun.base->number);
        co_return std::optional<Current>();
    }
    if (!crl) {
        const Error why = not_made(crl.error());
        if (denied) note_refusal(occasion, why);
        co_return why;
    }
    CrlToKeep keep;
    keep.kind = kind;
    keep.crl = *crl;
    keep.begun = lease.begun();
    keep.state = {begun.number, begun.revision, kind == CrlKind::kDelta ? begun.base->number : 0,
                  occasion.dates.this_update};
    keep.made = occasion.now;
    keep.listed_since = occasion.dates.horizon.since;
    keep.least_base = occasion.pointers.least_base;
    if (kind == CrlKind::kComplete && makes_deltas()) keep.base_period = settings_.complete.period;
    if (settings_.record) {
        const MadeCrl made{settings_.ca,    kind, begun.number,
                           keep.state.base, *crl, std::move(left_out)};
        if (const auto recorded = settings_.record(made); !recorded) co_return recorded.error();
    }
    CrlState state = keep.state;
    const auto kept = co_await store.keep_crl(issuer_, std::move(keep));
    if (!kept) co_return kept.error();
    if (!*kept) co_return std::optional<Current>();
    state.took_ms = milliseconds_since(lease.begun());
    co_return std::optional(Current{*std::move(crl), state});
}

std::int64_t CrlMaker::usable_base() {
    const std::lock_guard lock(mutex_);
    return usable_base_;
}

void CrlMaker::refuse_base(std::int64_t number) {
    const std::lock_guard lock(mutex_);
    usable_base_ = std::max(usable_base_, number + 1);
}

void CrlMaker::note_refusal(const Occasion& occasion, const Error& error) {
    const std::lock_guard lock(mutex_);
    desk(occasion.wanted.kind).refused = Refused{in_context("CA \"" + settings_.ca + "\"", error),
                                                 occasion.revision, Clock::now() + kRefusedFor};
}

asio::awaitable<Result<Crl>> CrlMaker::build(CrlKind kind, CrlBegun& begun, Lease& lease,
                                             const Occasion& occasion,
                                             std::vector<std::string>& left_out) const {
    certs::CrlContents contents;
    contents.issuer_der = settings_.issuer_der;
    contents.authority_key_identifier = settings_.key_identifier;
    contents.number = begun.number;
    contents.this_update = occasion.dates.this_update;
    contents.next_update = occasion.now + times(kind).validity;
    contents.issuing_distribution_point = occasion.pointers.issuing_distribution_point;
    if (kind == CrlKind::kDelta) {
        contents.base_number = begun.base->number;
    } else {
        contents.freshest_crl_urls = occasion.pointers.freshest_crl_urls;
    }
    certs::CrlBuilder builder(std::move(contents));
    while (true) {
        const auto page = kind == CrlKind::kDelta
                              ? begun.list->next_change(*begun.base, occasion.dates.horizon, kPage)
                              : begun.list->next(occasion.dates.horizon, kPage);
        if (!page) co_return page.error();
        for (const certs::RevokedCertificate& revoked : *page) {
            const auto added = builder.add(revoked);
            // One row that is no revocation must not keep all others from being published.
            if (!added && added.error().code == Errc::kMalformed) {
                left_out.push_back(added.error().detail);
            } else if (!added) {
                co_return added.error();
            }
        }
        if (page->size() < kPage) break;
        if (!lease.is_to_be_extended()) continue;
        if (const auto extended = co_await lease.extend(); !extended) co_return extended.error();
    }
    // Gives the connection back before the long part.
    if (kind == CrlKind::kComplete || !begun.complete) begun.list.reset();
    co_return std::move(builder).sign(settings_.key, settings_.digest);
}

}  // namespace scepgate::ca_backend
