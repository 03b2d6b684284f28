#include "ca_backend/crl_maker.hpp"

namespace scepgate::ca_backend {

namespace asio = boost::asio;
using certs::Crl;

CrlMaker::CrlMaker(CrlSettings settings)
    : settings_(std::move(settings)), issuer_(issuer_hash(settings_.issuer_der)) {}

bool CrlMaker::is_fresh(const Current& current, std::int64_t revision,
                        std::int64_t now) const noexcept {
    // One from the future is of a clock that was set back: verifiers would refuse it.
    return current.crl && current.revision == revision && current.crl.this_update() <= now &&
           now < current.crl.this_update() + settings_.validity / 2;
}

asio::awaitable<Result<Crl>> CrlMaker::current(Store& store, std::int64_t now) {
    const auto revision = store.revocation_revision(issuer_);
    if (!revision) co_return revision.error();
    {
        const std::lock_guard lock(mutex_);
        if (is_fresh(current_, *revision, now)) co_return current_.crl;
        if (making_ && current_.crl && now < current_.crl.next_update()) co_return current_.crl;
        making_ = true;
    }
    // However this ends, the next caller may try.
    const std::shared_ptr<void> end(nullptr, [this](void*) {
        const std::lock_guard lock(mutex_);
        making_ = false;
    });
    auto before = kept(store, *revision, now);
    if (!before) co_return before.error();
    if (*before) {
        remember(**before);
        co_return (*before)->crl;
    }
    const auto made = co_await make(store, now);
    if (!made) co_return in_context("CA \"" + settings_.ca + "\"", made.error());
    remember(*made);
    co_return made->crl;
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
    contents.revoked = std::move(basis->revoked);
    auto crl = certs::build_crl(contents, settings_.key, settings_.digest);
    if (!crl) co_return Error{Errc::kUnavailable, "making a CRL: " + crl.error().detail};
    KeptCrl keep{basis->number, basis->revision, to_bytes(crl->der())};
    const auto kept = co_await store.keep_crl(issuer_, std::move(keep));
    if (!kept) co_return kept.error();
    co_return Current{*std::move(crl), basis->number, basis->revision};
}

void CrlMaker::remember(const Current& made) {
    const std::lock_guard lock(mutex_);
    if (made.number > current_.number) current_ = made;
}

}  // namespace scepgate::ca_backend
