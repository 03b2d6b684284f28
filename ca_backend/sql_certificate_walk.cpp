#include "ca_backend/sql_certificate_walk.hpp"

#include <algorithm>
#include <limits>
#include <tuple>

namespace scepgate::ca_backend::sql {
namespace {

using Key = CertificatePlan::Key;

/// So many are asked by one statement.
constexpr std::int64_t kBucketsAtOnce = 1024;
constexpr std::size_t kLargestBatch = 1024;

Result<std::int64_t> newest_bucket(Connection& connection) {
    auto newest = Statement::prepare(connection, "SELECT max(id) FROM certificates");
    if (!newest) return newest.error();
    Query query = newest->run();
    const auto row = query.next();
    if (!row) return row.error();
    return *row && !query.is_null(0) ? bucket_of(query.integer(0)) : -1;
}

Position before_all(const CertificatePlan& plan) {
    if (plan.ascending) return {0, std::numeric_limits<std::int64_t>::min(), {}};
    return {std::numeric_limits<std::int64_t>::max(), std::numeric_limits<std::int64_t>::max(), {}};
}

}  // namespace

std::string and_all(const std::vector<Condition>& where) {
    std::string sql;
    for (const Condition& one : where)
        sql += " AND (" + one.sql + ")";
    return sql;
}

void bind_all(Query& query, const std::vector<Condition>& where) {
    for (const Condition& one : where) {
        for (const auto& value : one.values)
            std::visit([&query](const auto& bound) { query.bind(bound); }, value);
    }
}

Condition beyond(const CertificatePlan& plan, const Position& position, const char* how) {
    if (plan.key_type == Key::kNone) return {plan.id + how + "?", {position.id}};
    Condition made{"(" + plan.key + ", " + plan.id + ")" + how + "(?, ?)", {}};
    if (plan.key_type == Key::kText) made.values.emplace_back(position.text);
    if (plan.key_type == Key::kNumber) made.values.emplace_back(position.number);
    made.values.emplace_back(position.id);
    return made;
}

CertificateWalk::CertificateWalk(const CertificatePlan& plan, const std::optional<Position>& from)
    : plan_(plan), from_(from.value_or(before_all(plan))) {}

auto CertificateWalk::later() const {
    return [ascending = plan_.ascending](const Bucket& one, const Bucket& other) {
        const auto place = [](const Bucket& bucket) {
            const Position& first = bucket.known.front();
            return std::tie(first.text, first.number, first.id);
        };
        return ascending ? place(other) < place(one) : place(one) < place(other);
    };
}

std::string CertificateWalk::match(const std::string& bucket) const {
    const std::string direction = plan_.ascending ? " ASC" : " DESC";
    return " FROM " + plan_.from + " WHERE " + plan_.bucket + " = " + bucket +
           and_all(plan_.leading) +
           and_all({beyond(plan_, from_, plan_.ascending ? " > " : " < ")}) + " ORDER BY " +
           (by_key() ? plan_.key + direction + ", " : "") + plan_.id + direction;
}

std::string CertificateWalk::first_of_each() const {
    // One value for each bucket can only be looked up bucket by bucket, by any engine. "+": an
    // INTEGER of its own would have SQLite convert what stands in the index.
    const auto first = [this](const std::string& column) {
        return ", (SELECT " + column + match("+b") + " LIMIT 1)";
    };
    return "WITH RECURSIVE buckets(b) AS (SELECT CAST(? AS BIGINT) UNION ALL SELECT b - 1 FROM "
           "buckets WHERE b > ?) SELECT b" +
           first(plan_.id) + (by_key() ? first(plan_.key) : "") + " FROM buckets";
}

std::string CertificateWalk::more_of_one() const {
    return "SELECT " + plan_.id + (by_key() ? ", " + plan_.key : "") + match("?") + " LIMIT ?";
}

void CertificateWalk::bind_match(Query& query, const Position& after) const {
    bind_all(query, plan_.leading);
    if (plan_.key_type == Key::kText) query.bind(after.text);
    if (plan_.key_type == Key::kNumber) query.bind(after.number);
    query.bind(after.id);
}

namespace {

Position read_place(const Query& query, Key type, int column) {
    Position place;
    place.id = query.integer(column);
    if (type == Key::kText) place.text = query.text(column + 1);
    if (type == Key::kNumber) place.number = query.integer(column + 1);
    return place;
}

}  // namespace

Result<void> CertificateWalk::open_buckets(Connection& connection) {
    const std::int64_t newest = *unopened_;
    const std::int64_t oldest = std::max<std::int64_t>(newest - kBucketsAtOnce + 1, 0);
    auto statement = Statement::prepare(connection, first_of_each());
    if (!statement) return statement.error();
    Query query = statement->run();
    query.bind(newest).bind(oldest);
    bind_match(query, from_);
    if (by_key()) bind_match(query, from_);
    for (;;) {
        const auto row = query.next();
        if (!row) return row.error();
        if (!*row) break;
        if (query.is_null(1)) continue;
        Bucket bucket;
        bucket.number = query.integer(0);
        bucket.known.push_back(read_place(query, plan_.key_type, 1));
        open_.push_back(std::move(bucket));
        std::push_heap(open_.begin(), open_.end(), later());
    }
    unopened_ = oldest - 1;
    return {};
}

Result<void> CertificateWalk::read_more(Connection& connection, Bucket& bucket,
                                        const Position& after) {
    auto statement = Statement::prepare(connection, more_of_one());
    if (!statement) return statement.error();
    Query query = statement->run();
    query.bind(bucket.number);
    bind_match(query, after);
    query.bind(static_cast<std::int64_t>(bucket.batch));
    for (;;) {
        const auto row = query.next();
        if (!row) return row.error();
        if (!*row) break;
        bucket.known.push_back(read_place(query, plan_.key_type, 0));
    }
    const bool all = bucket.known.size() < bucket.batch;
    bucket.batch = all ? 0 : std::min(bucket.batch * 4, kLargestBatch);
    return {};
}

Result<std::vector<Position>> CertificateWalk::next(Connection& connection, std::size_t most) {
    std::vector<Position> places;
    if (!unopened_) {
        const auto newest = newest_bucket(connection);
        if (!newest) return newest.error();
        unopened_ = by_key() ? *newest : std::min(*newest, bucket_of(from_.id));
    }
    while (places.size() < most) {
        // In the order of a key the next may be in any of them.
        if (*unopened_ >= 0 && (by_key() || open_.empty())) {
            if (const auto opened = open_buckets(connection); !opened) return opened.error();
            continue;
        }
        if (open_.empty()) break;
        std::pop_heap(open_.begin(), open_.end(), later());
        Bucket& bucket = open_.back();
        places.push_back(std::move(bucket.known.front()));
        bucket.known.pop_front();
        if (bucket.known.empty() && bucket.batch != 0) {
            const auto read = read_more(connection, bucket, places.back());
            if (!read) return read.error();
        }
        if (bucket.known.empty()) {
            open_.pop_back();
        } else {
            std::push_heap(open_.begin(), open_.end(), later());
        }
    }
    return places;
}

}  // namespace scepgate::ca_backend::sql
