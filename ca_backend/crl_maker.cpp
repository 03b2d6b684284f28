#include "ca_backend/crl_maker.hpp"

#include <utility>

#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace scepgate::ca_backend {

namespace asio = boost::asio;
using certs::Crl;

CrlMaker::CrlMaker(CrlSettings settings)
    : settings_(std::move(settings)), issuer_(issuer_hash(settings_.issuer_der)) {}

bool CrlMaker::is_fresh(const Current& current, std::int64_t revision,
                        std::int64_t now) const noexcept {
    // One from the future is of a clock that was set back: verifiers would refuse it.
    return current.crl && current.revision == revision && current.crl.this_update() <= now &&
           now < current.crl.this_update() + settings_.period;
}

/// The right to make a CRL, and the duty to tell the others how that ended.
class CrlMaker::Turn {
public:
    explicit Turn(CrlMaker& maker) noexcept : maker_(maker) {}
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    ~Turn() { maker_.end_turn(outcome); }

    Result<Current> outcome = Error{Errc::kUnavailable, "making a CRL was broken off"};

private:
    CrlMaker& maker_;
};

asio::awaitable<Result<Crl>> CrlMaker::current(Store& store, std::int64_t now) {
    while (true) {
        const auto revision = store.revocation_revision(issuer_);
        if (!revision) co_return revision.error();
        bool others_turn = true;
        {
            const std::lock_guard lock(mutex_);
            if (is_fresh(current_, *revision, now)) co_return current_.crl;
            others_turn = std::exchange(making_, true);
        }
        if (others_turn) {
            const auto made = co_await join();
            if (!made) co_return made.error();
            // Otherwise there was a revocation after it was begun.
            if (made->revision >= *revision) co_return made->crl;
            continue;
        }
        Turn turn(*this);
        turn.outcome = co_await renew(store, *revision, now);
        if (!turn.outcome) co_return turn.outcome.error();
        co_return turn.outcome->crl;
    }
}

/// What whoever is at work has made; of revision -1 when they have just ended.
asio::awaitable<Result<CrlMaker::Current>> CrlMaker::join() {
    const asio::any_io_executor executor = co_await asio::this_coro::executor;
    const auto initiate = [this, executor](auto handler) {
        std::unique_lock lock(mutex_);
        if (making_) {
            waiting_.push_back({std::move(handler), asio::make_work_guard(executor)});
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

void CrlMaker::end_turn(const Result<Current>& outcome) {
    std::vector<Waiting> told;
    {
        const std::lock_guard lock(mutex_);
        making_ = false;
        told.swap(waiting_);
        if (outcome && outcome->number > current_.number) current_ = *outcome;
    }
    for (Waiting& each : told) {
        asio::post(each.guard.get_executor(),
                   [handler = std::move(each.handler), outcome]() mutable {
                       std::move(handler)(std::move(outcome));
                   });
    }
}

asio::awaitable<Result<CrlMaker::Current>> CrlMaker::renew(Store& store, std::int64_t revision,
                                                           std::int64_t now) const {
    auto before = kept(store, revision, now);
    if (!before) co_return before.error();
    if (*before) co_return std::move(**before);
    auto made = co_await make(store, now);
    if (!made) co_return in_context("CA \"" + settings_.ca + "\"", made.error());
    co_return made;
}

Result<std::optional<CrlMaker::Current>> CrlMaker::kept(Store& store, std::int64_t revision,
                                                        std::int64_t now) const {
    auto found = store.find_crl(issuer_);
    if (!found) return found.error();
    if (!*found) return std::optional<Current>();
    auto crl = Crl::from_der((*found)->der);
    // Of a key that this CA had before, it is of no use.
    if (!crl || !crl->signed_by(settings_.key.public_key())) return std::optional<Current>();
    Current current{*std::move(crl), (*found)->number, (*found)->revision};
    const bool usable = is_fresh(current, revision, now) &&
                        current.crl.next_update() == current.crl.this_update() + settings_.validity;
    return usable ? std::optional(std::move(current)) : std::nullopt;
}

asio::awaitable<Result<CrlMaker::Current>> CrlMaker::make(Store& store, std::int64_t now) const {
    auto basis = co_await store.begin_crl(issuer_, now);
    if (!basis) co_return basis.error();
    certs::CrlContents contents;
    contents.issuer_der = settings_.issuer_der;
    contents.authority_key_identifier = settings_.key_identifier;
    contents.number = basis->number;
    contents.this_update = now;
    contents.next_update = now + settings_.validity;
    certs::CrlBuilder builder(std::move(contents), basis->revoked.size());
    for (const certs::RevokedCertificate& revoked : basis->revoked) {
        if (const auto added = builder.add(revoked); !added) co_return added.error();
    }
    auto crl = std::move(builder).sign(settings_.key, settings_.digest);
    if (!crl) co_return Error{Errc::kUnavailable, "making a CRL: " + crl.error().detail};
    KeptCrl keep{basis->number, basis->revision, to_bytes(crl->der())};
    const auto kept = co_await store.keep_crl(issuer_, std::move(keep));
    if (!kept) co_return kept.error();
    co_return Current{*std::move(crl), basis->number, basis->revision};
}

}  // namespace scepgate::ca_backend
