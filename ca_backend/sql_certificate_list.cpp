#include "ca_backend/sql_certificate_list.hpp"

#include <algorithm>
#include <charconv>
#include <map>

#include "ca_backend/certificate_plan.hpp"
#include "ca_backend/sql_certificate_walk.hpp"
#include "ca_backend/sql_certificates.hpp"

namespace scepgate::ca_backend::sql {
namespace {

using Key = CertificatePlan::Key;

/// So many are looked at by one statement, so that none takes long, keeps what it reads, or holds
/// up SQLite's log.
constexpr std::size_t kStep = 10'000;

std::string to_cursor(const CertificatePlan& plan, const Position& position) {
    std::string text(1, plan.tag);
    if (plan.key_type == Key::kNumber) text += std::to_string(position.number) + ".";
    if (plan.key_type == Key::kText) text += to_hex(as_bytes(position.text)) + ".";
    return text + std::to_string(position.id);
}

bool read_number(std::string_view text, std::int64_t& number) {
    const auto* end = text.data() + text.size();
    const auto read = std::from_chars(text.data(), end, number);
    return read.ec == std::errc() && read.ptr == end;
}

Result<Position> from_cursor(const CertificatePlan& plan, std::string_view cursor) {
    const Error wrong{Errc::kMalformed,
                      "'" + std::string(cursor.substr(0, 64)) +
                          "' is no place to go on from: give what the page before named as next, "
                          "with the same filters"};
    if (cursor.empty() || cursor.front() != plan.tag) return wrong;
    cursor.remove_prefix(1);
    Position position;
    if (plan.key_type != Key::kNone) {
        const std::size_t dot = cursor.find('.');
        if (dot == std::string_view::npos) return wrong;
        const std::string_view key = cursor.substr(0, dot);
        cursor.remove_prefix(dot + 1);
        if (plan.key_type == Key::kText) {
            const auto octets = from_hex(key);
            if (!octets) return wrong;
            position.text.assign(octets->begin(), octets->end());
        } else if (!read_number(key, position.number)) {
            return wrong;
        }
    }
    if (!read_number(cursor, position.id)) return wrong;
    return position;
}

/// One page in the making.
class Listing {
public:
    explicit Listing(const CertificateFilter& filter) : filter_(filter), plan_(plan_list(filter)) {}

    Result<CertificatePage> run(Connection& connection) {
        if (filter_.after) {
            const auto read = from_cursor(plan_, *filter_.after);
            if (!read) return read.error();
            at_ = *read;
        }
        if (filter_.limit == 0) return std::move(page_);
        const bool one_look = plan_.others.empty();
        const auto done = plan_.in_buckets() ? walk(connection)
                          : one_look         ? take(connection, {})
                                             : step_by_step(connection);
        if (!done) return done.error();
        return std::move(page_);
    }

    /// See statements_of_list(): those of a page that goes on.
    std::vector<std::string> statements() {
        at_ = Position();
        if (plan_.in_buckets()) {
            const CertificateWalk through(plan_, at_);
            return {through.first_of_each(), through.more_of_one(),
                    rows_of({Position{1, 0, {}}, Position{2, 0, {}}})};
        }
        std::vector<Condition> where = conditions();
        std::vector<std::string> all;
        if (!plan_.others.empty() && !plan_.walks_all()) all.push_back(end_of_step(where));
        if (!plan_.others.empty()) where.push_back(beyond(plan_, *at_, up_to()));
        where.insert(where.end(), plan_.others.begin(), plan_.others.end());
        all.push_back(select(where));
        return all;
    }

private:
    [[nodiscard]] const char* behind() const { return plan_.ascending ? " > " : " < "; }
    [[nodiscard]] const char* up_to() const { return plan_.ascending ? " <= " : " >= "; }

    [[nodiscard]] std::vector<Condition> conditions() const {
        std::vector<Condition> all = plan_.leading;
        if (at_) all.push_back(beyond(plan_, *at_, behind()));
        return all;
    }

    [[nodiscard]] std::string rest_of_select(const std::vector<Condition>& where) const {
        std::string sql = " FROM " + plan_.from + " WHERE TRUE" + and_all(where);
        const std::string direction = plan_.ascending ? " ASC" : " DESC";
        sql += " ORDER BY ";
        if (plan_.key_type != Key::kNone) sql += plan_.key + direction + ", ";
        return sql + plan_.id + direction + " LIMIT ?";
    }
    /// The key and the id, as from_row() reads them.
    [[nodiscard]] std::string place_columns() const {
        return (plan_.key_type == Key::kNone ? "" : plan_.key + ", ") + plan_.id;
    }
    [[nodiscard]] std::string select(const std::vector<Condition>& where) const {
        return std::string("SELECT ") + kCertificateColumns + ", " + place_columns() +
               rest_of_select(where);
    }
    [[nodiscard]] std::string end_of_step(const std::vector<Condition>& where) const {
        // Of the index alone: no certificate is read for it.
        return "SELECT " + place_columns() + rest_of_select(where) + " OFFSET ?";
    }

    [[nodiscard]] Position from_row(const Query& query, int column) const {
        Position position;
        if (plan_.key_type == Key::kNumber) position.number = query.integer(column++);
        if (plan_.key_type == Key::kText) position.text = query.text(column++);
        position.id = query.integer(column);
        return position;
    }

    /// Rows from at_ on, up to `until`. Sets page_.next when there are more than the page takes.
    Result<void> take(Connection& connection, const std::optional<Position>& until) {
        std::vector<Condition> where = conditions();
        if (until) where.push_back(beyond(plan_, *until, up_to()));
        where.insert(where.end(), plan_.others.begin(), plan_.others.end());
        auto statement = Statement::prepare(connection, select(where));
        if (!statement) return statement.error();
        Query query = statement->run();
        bind_all(query, where);
        constexpr std::size_t kMost = std::numeric_limits<std::int64_t>::max() - 1;
        const std::size_t room = std::min(filter_.limit, kMost) - page_.rows.size();
        query.bind(static_cast<std::int64_t>(room + 1));
        Position last;
        for (;;) {
            const auto row = query.next();
            if (!row) return row.error();
            if (!*row) return {};
            if (page_.rows.size() == filter_.limit) {
                page_.next = to_cursor(plan_, last);
                return {};
            }
            page_.rows.push_back(read_certificate(query));
            last = from_row(query, kCertificateColumnCount);
        }
    }

    /// The last place of the next step; nothing when it reaches the end.
    Result<std::optional<Position>> next_end(Connection& connection, std::size_t step) {
        if (plan_.walks_all()) {
            // Ids grow by one, but for what was rolled back.
            if (!at_) {
                auto newest = Statement::prepare(connection, "SELECT max(id) FROM certificates");
                if (!newest) return newest.error();
                Query query = newest->run();
                const auto row = query.next();
                if (!row) return row.error();
                at_ = Position{*row && !query.is_null(0) ? query.integer(0) + 1 : 0, 0, {}};
            }
            const std::int64_t end = at_->id - static_cast<std::int64_t>(step);
            if (end <= 1) return std::optional<Position>();
            return std::optional(Position{end, 0, {}});
        }
        const std::vector<Condition> where = conditions();
        auto statement = Statement::prepare(connection, end_of_step(where));
        if (!statement) return statement.error();
        Query query = statement->run();
        bind_all(query, where);
        query.bind(std::int64_t{1}).bind(static_cast<std::int64_t>(step - 1));
        const auto row = query.next();
        if (!row) return row.error();
        if (!*row) return std::optional<Position>();
        return std::optional(from_row(query, 0));
    }

    Result<void> step_by_step(Connection& connection) {
        const std::size_t most = std::max<std::size_t>(filter_.scan_limit, 1);
        for (;;) {
            const std::size_t step = std::min(kStep, most - page_.scanned);
            const auto end = next_end(connection, step);
            if (!end) return end.error();
            if (const auto taken = take(connection, *end); !taken) return taken;
            page_.scanned += step;
            if (page_.next || !*end) return {};
            at_ = *end;
            // A full page looks no further for whether there is one more.
            if (page_.scanned == most || page_.rows.size() == filter_.limit) {
                page_.next = to_cursor(plan_, *at_);
                return {};
            }
        }
    }

    /// Of the places' certificates those that all of the filter holds for, in no order.
    [[nodiscard]] std::string rows_of(const std::vector<Position>& places) const {
        std::string ids;
        for (const Position& one : places)
            ids += (ids.empty() ? "" : ",") + std::to_string(one.id);
        return std::string("SELECT ") + kCertificateColumns +
               ", c.id FROM certificates AS c WHERE c.id IN (" + ids + ")" + and_all(plan_.others);
    }
    using Rows = std::map<std::int64_t, CertificateRow>;
    Result<Rows> read_rows(Connection& connection, const std::vector<Position>& places) {
        Rows rows;
        if (places.empty()) return rows;
        auto statement = Statement::prepare(connection, rows_of(places));
        if (!statement) return statement.error();
        Query query = statement->run();
        bind_all(query, plan_.others);
        for (;;) {
            const auto row = query.next();
            if (!row) return row.error();
            if (!*row) return rows;
            rows.emplace(query.integer(kCertificateColumnCount), read_certificate(query));
        }
    }

    /// Where the index has buckets.
    Result<void> walk(Connection& connection) {
        constexpr std::size_t kAtOnce = 1000;
        const bool searches = !plan_.others.empty();
        const std::size_t most = std::max<std::size_t>(filter_.scan_limit, 1);
        CertificateWalk through(plan_, at_);
        for (;;) {
            // One more than the page takes, to know whether there is one.
            const std::size_t room = filter_.limit - page_.rows.size();
            const std::size_t wanted =
                searches ? std::min(kAtOnce, most - page_.scanned) : std::min(kAtOnce, room) + 1;
            const auto places = through.next(connection, wanted);
            if (!places) return places.error();
            auto rows = read_rows(connection, *places);
            if (!rows) return rows.error();
            if (searches) page_.scanned += places->size();
            for (const Position& place : *places) {
                const auto found = rows->find(place.id);
                if (found != rows->end() && page_.rows.size() == filter_.limit) {
                    page_.next = to_cursor(plan_, *at_);
                    return {};
                }
                at_ = place;
                if (found != rows->end()) page_.rows.push_back(std::move(found->second));
            }
            if (places->size() < wanted) return {};
            if (searches && (page_.scanned == most || page_.rows.size() == filter_.limit)) {
                page_.next = to_cursor(plan_, *at_);
                return {};
            }
        }
    }

    const CertificateFilter& filter_;
    const CertificatePlan plan_;
    std::optional<Position> at_;  ///< what is before and at it is done with
    CertificatePage page_;
};

}  // namespace

Result<CertificatePage> list_certificates(Connection& connection, const CertificateFilter& filter) {
    return Listing(filter).run(connection);
}

std::vector<std::string> statements_of_list(const CertificateFilter& filter) {
    return Listing(filter).statements();
}

}  // namespace scepgate::ca_backend::sql
