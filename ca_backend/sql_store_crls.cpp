#include <algorithm>

#include "ca_backend/sql_store_impl.hpp"

namespace scepgate::ca_backend {
namespace {

namespace asio = boost::asio;

/// Small enough that nobody waits long behind one.
constexpr std::size_t kPartSize = std::size_t{1} << 20;

class Snapshot final : public RevocationList {
public:
    explicit Snapshot(sql::ReaderPool::Held reader) : reader_(std::move(reader)) {}
    Snapshot(const Snapshot&) = delete;
    Snapshot& operator=(const Snapshot&) = delete;
    ~Snapshot() override {
        // A connection that cannot end it is found lost by whoever has it next.
        (void)(*reader_).connection->rollback();
    }

    /// Begins, or begins anew; gives the revision.
    Result<std::int64_t> open(const IssuerHash& issuer) {
        sql::Connection& connection = *(*reader_).connection;
        if (const auto ended = connection.rollback(); !ended) return ended.error();
        if (const auto begun = connection.begin_snapshot(); !begun) return begun.error();
        (*reader_).pages.start(issuer);
        return (*reader_).revocations.revision(issuer);
    }

    Result<std::vector<certs::RevokedCertificate>> next(const CrlHorizon& horizon,
                                                        std::size_t most) override {
        return (*reader_).pages.next(horizon, most);
    }
    Result<std::vector<certs::RevokedCertificate>> next_change(const CrlBase& base,
                                                               const CrlHorizon& horizon,
                                                               std::size_t most) override {
        return (*reader_).pages.next_change(base, horizon, most);
    }

private:
    sql::ReaderPool::Held reader_;
};

}  // namespace

Result<std::int64_t> SqlStore::revocation_revision(const IssuerHash& issuer) {
    return impl_->read(
        [&issuer](sql::Reader& reader) { return reader.revocations.revision(issuer); });
}

Result<std::optional<Revocation>> SqlStore::find_revocation(const CertificateId& id) {
    return impl_->read([&id](sql::Reader& reader) { return reader.revocations.find(id); });
}

asio::awaitable<Result<CrlBegun>> SqlStore::begin_crl(CrlOrder order) {
    // Before the turn to write, which nobody shall wait for longer than it takes.
    auto reader = impl_->hold_reader();
    if (!reader) co_return reader.error();
    const auto list = std::make_shared<Snapshot>(*std::move(reader));
    co_return co_await impl_->write<CrlBegun>([&](sql::Changes& changes) -> Result<CrlBegun> {
        // Seen is what was committed before this turn, and nothing else can be now.
        const auto revision = list->open(order.issuer);
        // Nobody else of the group shall fail with it, as they would when it were unavailable.
        if (!revision) return Error{Errc::kInternal, "store: " + revision.error().detail};
        // One of a wrong time would be for no other node, and its number and lease in all their
        // way.
        if (const auto sound = changes.clock.judge_machine(); !sound)
            return Error{Errc::kInternal, "store: " + sound.error().detail};
        auto begun = changes.crls.begin(order);
        if (!begun || !(begun->complete || begun->delta)) return begun;
        begun->revision = *revision;
        begun->list = list;
        return begun;
    });
}

asio::awaitable<Result<void>> SqlStore::extend_crl(IssuerHash issuer, std::string maker,
                                                   std::int64_t until) {
    return impl_->write<void>([issuer, maker = std::move(maker), until](sql::Changes& changes) {
        return changes.crls.extend(issuer, maker, until);
    });
}

asio::awaitable<Result<bool>> SqlStore::keep_crl(IssuerHash issuer, CrlToKeep crl) {
    const ByteView der = crl.crl.der();
    std::int64_t part = 0;
    for (std::size_t at = 0; at < der.size(); at += kPartSize, ++part) {
        const ByteView octets = der.subspan(at, std::min(kPartSize, der.size() - at));
        const bool last = at + kPartSize >= der.size();
        auto written = co_await impl_->write<bool>([&](sql::Changes& changes) -> Result<bool> {
            const auto added = changes.crls.add_part(issuer, crl, part, octets);
            if (!added) return added.error();
            if (!last) return true;
            const auto took = std::chrono::steady_clock::now() - crl.begun;
            crl.state.took_ms = std::chrono::duration_cast<std::chrono::milliseconds>(took).count();
            return changes.crls.keep(issuer, crl);
        });
        if (!written) co_return written.error();
        if (last && !*written) co_return false;
    }
    // What is in nobody's way may stay for now, so a failure is none.
    if (crl.kind == CrlKind::kComplete) {
        // What is left after so many goes with the next one.
        constexpr std::size_t kAtOnce = 1000;
        constexpr int kMostTimes = 100;
        bool all = false;
        for (int i = 0; i < kMostTimes && !all; ++i) {
            const auto purged = co_await impl_->write<bool>([&](sql::Changes& changes) {
                return changes.revoker.purge(issuer, crl.listed_since, crl.made, kAtOnce);
            });
            all = !purged || *purged;
        }
    }
    for (bool none = false; !none;) {
        const auto forgotten = co_await impl_->write<bool>(
            [&](sql::Changes& changes) { return changes.crls.forget_part(issuer, crl.kind); });
        none = !forgotten || *forgotten;
    }
    co_return true;
}

asio::awaitable<Result<void>> SqlStore::end_crl(IssuerHash issuer, std::string maker) {
    return impl_->write<void>([issuer, maker = std::move(maker)](sql::Changes& changes) {
        return changes.crls.end(issuer, maker);
    });
}

Result<std::optional<CrlState>> SqlStore::find_crl_state(const IssuerHash& issuer, CrlKind kind) {
    return impl_->read(
        [&issuer, kind](sql::Reader& reader) { return reader.crls.find_state(issuer, kind); });
}

Result<std::optional<KeptCrl>> SqlStore::find_crl(const IssuerHash& issuer, CrlKind kind) {
    return impl_->read([&](sql::Reader& reader) -> Result<std::optional<KeptCrl>> {
        if (const auto begun = reader.connection->begin_snapshot(); !begun) return begun.error();
        auto found = reader.crls.find(issuer, kind);
        if (const auto ended = reader.connection->rollback(); !ended) return ended.error();
        return found;
    });
}

asio::awaitable<Result<bool>> SqlStore::lift_crl_number(IssuerHash issuer, std::int64_t above) {
    return impl_->write<bool>(
        [issuer, above](sql::Changes& changes) { return changes.crls.lift_number(issuer, above); });
}

}  // namespace scepgate::ca_backend
