#include "server/signer/revocation_records.hpp"

#include <algorithm>

#include "ca_backend/sqlite.hpp"

namespace scepgate::server::signer {
namespace {

using ca_backend::sql::Connection;
using ca_backend::sql::prepare_all;
using ca_backend::sql::Query;
using ca_backend::sql::Statement;
using ca_backend::sqlite::Database;

/// So many rows a transaction: who records a certificate meanwhile waits for no more.
constexpr std::size_t kBatch = 10'000;
/// CRLs that were signed are of use as the base of deltas, and for the rate.
constexpr std::int64_t kKept = std::int64_t{400} * 86'400;

/// With its length in front, so that the database orders them as numbers.
Bytes key_of(ByteView serial) {
    Bytes key(1 + serial.size());
    key.front() = static_cast<std::uint8_t>(std::min<std::size_t>(serial.size(), 0xFF));
    std::copy(serial.begin(), serial.end(), key.begin() + 1);
    return key;
}

// The date of what is for ever never goes back: by it a certificate that was signed elsewhere
// counts as expired, and may be left out.
constexpr std::string_view kAddRevoked =
    "INSERT INTO revoked (issuer, serial, revoked_at, number, on_hold, compromised) "
    "VALUES (?, ?, ?, ?, ?, ?) "
    "ON CONFLICT (issuer, serial) DO UPDATE SET revoked_at = CASE WHEN revoked.on_hold "
    "THEN excluded.revoked_at ELSE max(revoked.revoked_at, excluded.revoked_at) END, "
    "number = excluded.number, on_hold = excluded.on_hold, compromised = excluded.compromised";
constexpr std::string_view kAddIssuer =
    "INSERT INTO issuers (ca) VALUES (?) ON CONFLICT DO NOTHING";
constexpr std::string_view kFindIssuer = "SELECT id FROM issuers WHERE ca = ?";
constexpr std::string_view kAddCrl =
    "INSERT INTO signed_crls (issuer, number, complete, at, this_update, hash) "
    "VALUES (?, ?, ?, ?, ?, ?)";

Result<void> add_crl_to(Statement& statement, std::int64_t issuer, const SignedCrl& crl) {
    return statement.run()
        .bind(issuer)
        .bind(crl.number)
        .bind(std::int64_t{crl.complete})
        .bind(crl.at)
        .bind(crl.this_update)
        .bind(ByteView(crl.hash))
        .finish();
}

Result<void> read_hash(ByteView octets, Sha256& into) {
    if (octets.size() != into.size()) {
        return Error{Errc::kUnavailable, "signer.state is damaged: restore a backup"};
    }
    std::copy(octets.begin(), octets.end(), into.begin());
    return {};
}

Result<void> add_revoked(Statement& statement, std::int64_t issuer, const certs::Crl::Entry& entry,
                         std::int64_t number) {
    const Bytes key = key_of(entry.serial);
    const bool on_hold = entry.reason == certs::RevocationReason::kCertificateHold;
    const bool compromised = entry.reason == certs::RevocationReason::kKeyCompromise;
    return statement.run()
        .bind(issuer)
        .bind(key)
        .bind(entry.revoked_at)
        .bind(number)
        .bind(std::int64_t{on_hold})
        .bind(std::int64_t{compromised})
        .finish();
}

Result<std::int64_t> find_issuer(Statement& statement, ByteView ca) {
    auto query = statement.run();
    query.bind(ca);
    const auto row = query.next();
    if (!row) return row.error();
    return *row ? query.integer(0) : 0;
}

}  // namespace

struct RevocationRecords::Impl {
    Database database;
    Statement add_issuer, issuer, last, complete, count, revoked, add, remove, add_crl, forget;
    Statement compromise;

    static Result<std::unique_ptr<Impl>> prepare(Database database) {
        auto impl = std::make_unique<Impl>();
        impl->database = std::move(database);
        const auto prepared = prepare_all(
            impl->database,
            {{impl->add_issuer, kAddIssuer},
             {impl->issuer, kFindIssuer},
             {impl->last,
              "SELECT number, at, this_update, hash, complete FROM signed_crls WHERE issuer = ? "
              "ORDER BY number DESC, complete DESC LIMIT 1"},
             {impl->complete,
              "SELECT 1 FROM signed_crls WHERE issuer = ? AND number = ? AND complete = 1"},
             {impl->count, "SELECT count(*) FROM signed_crls WHERE issuer = ? AND at > ?"},
             {impl->revoked,
              "SELECT serial, revoked_at, number, on_hold, compromised FROM revoked WHERE issuer = "
              "? "
              "ORDER BY serial"},
             {impl->add, kAddRevoked},
             {impl->remove, "DELETE FROM revoked WHERE issuer = ? AND serial = ?"},
             {impl->add_crl, kAddCrl},
             {impl->compromise,
              "INSERT INTO compromised_keys (key, revoked_at) SELECT key, ? FROM signed WHERE "
              "ca = ? AND serial = ? AND key IS NOT NULL ON CONFLICT DO NOTHING"},
             {impl->forget, "DELETE FROM signed_crls WHERE issuer = ? AND at < ? AND number < ?"}});
        if (!prepared) return prepared.error();
        return impl;
    }

    Result<std::int64_t> id_of(const Sha256& ca) { return find_issuer(issuer, ca); }

    /// One transaction.
    template <class Work>
    Result<void> write(Work work) {
        if (auto begun = database.begin_writing(); !begun) return begun;
        Result<void> outcome = work();
        if (outcome) outcome = database.commit();
        if (!outcome) {
            // When this fails too, the next begin does.
            const auto undone = database.rollback();
            if (!undone) outcome.error().detail += "; " + undone.error().detail;
        }
        database.tidy_up();
        return outcome;
    }

    /// The key of a certificate that was signed here is not certified any more.
    Result<void> note_key(const Sha256& ca, const certs::Crl::Entry& entry) {
        if (entry.reason != certs::RevocationReason::kKeyCompromise) return {};
        return compromise.run()
            .bind(entry.revoked_at)
            .bind(ByteView(ca))
            .bind(entry.serial)
            .finish();
    }

    /// Those from `from` on, kBatch at most.
    Result<void> add_some(const Sha256& ca, std::int64_t id, const CrlChanges& changes,
                          std::size_t from, std::int64_t number) {
        const std::size_t end = std::min(from + kBatch, changes.revoked.size());
        for (std::size_t i = from; i < end; ++i) {
            auto added = add_revoked(add, id, changes.revoked[i], number);
            if (added) added = note_key(ca, changes.revoked[i]);
            if (!added) return added;
        }
        return {};
    }
};

RevocationRecords::RevocationRecords(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
RevocationRecords::~RevocationRecords() = default;

Result<std::unique_ptr<RevocationRecords>> RevocationRecords::open(
    const std::filesystem::path& file) {
    const auto bad_file = [&file](const Error& error) {
        return Error{Errc::kConfig, "signer.state " + file.string() + ": " + error.detail};
    };
    auto database = Database::open(file, Database::Access::kReadWrite);
    if (!database) return bad_file(database.error());
    auto impl = Impl::prepare(*std::move(database));
    if (!impl) return bad_file(impl.error());
    return std::unique_ptr<RevocationRecords>(new RevocationRecords(*std::move(impl)));
}

Result<std::optional<SignedCrl>> RevocationRecords::last(const Sha256& ca) {
    const auto id = impl_->id_of(ca);
    if (!id) return id.error();
    auto query = impl_->last.run();
    query.bind(*id);
    const auto row = query.next();
    if (!row) return row.error();
    if (!*row) return std::optional<SignedCrl>();
    SignedCrl crl{query.integer(0), query.integer(1), query.integer(2), {}, query.integer(4) != 0};
    if (const auto read = read_hash(query.blob(3), crl.hash); !read) return read.error();
    return std::optional(crl);
}

Result<bool> RevocationRecords::is_complete(const Sha256& ca, std::int64_t number) {
    const auto id = impl_->id_of(ca);
    if (!id) return id.error();
    auto query = impl_->complete.run();
    query.bind(*id).bind(number);
    return query.next();
}

Result<std::int64_t> RevocationRecords::count_since(const Sha256& ca, std::int64_t at) {
    const auto id = impl_->id_of(ca);
    if (!id) return id.error();
    auto query = impl_->count.run();
    query.bind(*id).bind(at);
    const auto row = query.next();
    if (!row) return row.error();
    return query.integer(0);
}

RevokedOnRecord RevocationRecords::revoked(const Sha256& ca) {
    const auto id = impl_->id_of(ca);
    const std::shared_ptr<Query> query(new Query(impl_->revoked.run()));
    if (id) query->bind(*id);
    return [id, query]() -> Result<std::optional<RevocationOnRecord>> {
        if (!id) return id.error();
        const auto row = query->next();
        if (!row) return row.error();
        if (!*row) return std::optional<RevocationOnRecord>();
        Bytes serial = query->blob(0);
        if (serial.size() < 2) {
            return Error{Errc::kUnavailable, "signer.state is damaged: restore a backup"};
        }
        serial.erase(serial.begin());
        return std::optional(RevocationOnRecord{std::move(serial), query->integer(1),
                                                query->integer(2), query->integer(3) != 0,
                                                query->integer(4) != 0});
    };
}

Result<void> RevocationRecords::add(const Sha256& ca, const SignedCrl& crl,
                                    const CrlChanges& changes) {
    auto id = impl_->id_of(ca);
    if (!id) return id.error();
    if (*id == 0) {
        const auto named =
            impl_->write([&] { return impl_->add_issuer.run().bind(ByteView(ca)).finish(); });
        if (!named) return named;
        id = impl_->id_of(ca);
        if (!id) return id.error();
    }
    std::size_t done = 0;
    for (; done + kBatch < changes.revoked.size(); done += kBatch) {
        const auto some =
            impl_->write([&] { return impl_->add_some(ca, *id, changes, done, crl.number); });
        if (!some) return some;
    }
    return impl_->write([&]() -> Result<void> {
        if (auto rest = impl_->add_some(ca, *id, changes, done, crl.number); !rest) return rest;
        for (const Bytes& serial : changes.released) {
            const Bytes key = key_of(serial);
            if (auto gone = impl_->remove.run().bind(*id).bind(key).finish(); !gone) return gone;
        }
        auto forgotten =
            impl_->forget.run().bind(*id).bind(crl.at - kKept).bind(crl.number).finish();
        if (!forgotten) return forgotten;
        return add_crl_to(impl_->add_crl, *id, crl);
    });
}

Result<void> take_over_last_crls(Connection& database) {
    Statement all, add_issuer, issuer, add, add_crl;
    const auto prepared =
        prepare_all(database, {{all, "SELECT ca, number, last, complete_tbs FROM crls"},
                               {add_issuer, kAddIssuer},
                               {issuer, kFindIssuer},
                               {add, kAddRevoked},
                               {add_crl, kAddCrl}});
    if (!prepared) return prepared;
    auto rows = all.run();
    while (true) {
        const auto row = rows.next();
        if (!row) return row.error();
        if (!*row) return {};
        const Bytes ca = rows.blob(0);
        const Bytes number_octets = rows.blob(1);
        SignedCrl last;
        if (auto read = read_hash(rows.blob(2), last.hash); !read) return read;
        const auto number = crl_number(number_octets);
        if (!number) return number.error();
        const auto crl = read_unsigned_crl(rows.blob(3));
        if (!crl) return crl.error();
        if (auto named = add_issuer.run().bind(ca).finish(); !named) return named;
        const auto id = find_issuer(issuer, ca);
        if (!id) return id.error();
        for (const certs::Crl::Entry entry : crl->entries()) {
            if (auto added = add_revoked(add, *id, entry, *number); !added) return added;
        }
        last.number = *number;
        last.at = last.this_update = crl->this_update();
        if (auto kept = add_crl_to(add_crl, *id, last); !kept) return kept;
    }
}

}  // namespace scepgate::server::signer
