// Through the certificates that an index in buckets leads to, in the order of a list.
#pragma once

#include <deque>
#include <optional>
#include <span>

#include "ca_backend/certificate_plan.hpp"
#include "ca_backend/sql.hpp"

namespace scepgate::ca_backend::sql {

/// Asks each bucket for its first match, which costs one look into the index, and reads on in those
/// that have one: newest first, some buckets at a time; or by the plan's key, from all buckets.
class CertificateWalk {
public:
    /// Of a plan that is in_buckets(); it must outlive this. Begins behind `from`.
    CertificateWalk(const CertificatePlan& plan, const std::optional<Position>& from);

    /// The next places, at most so many; fewer: these were the last.
    Result<std::vector<Position>> next(Connection& connection, std::size_t most);

    /// What it runs. Parameters: the newest and the oldest bucket, the match.
    [[nodiscard]] std::string first_of_each() const;
    /// Parameters: the bucket, the match, how many.
    [[nodiscard]] std::string more_of_one() const;

private:
    /// One that has matches.
    struct Bucket {
        std::int64_t number = 0;
        std::deque<Position> known;  ///< the next ones; never empty
        std::size_t batch = 16;      ///< to read when `known` is used up; 0: there are no more
    };

    [[nodiscard]] bool by_key() const noexcept {
        return plan_.key_type != CertificatePlan::Key::kNone;
    }
    /// For std::push_heap(): whose first place comes later.
    [[nodiscard]] auto later() const;
    [[nodiscard]] std::string match(const std::string& bucket) const;
    void bind_match(Query& query, const Position& after) const;
    Result<void> open_buckets(Connection& connection);
    Result<void> read_more(Connection& connection, Bucket& bucket, const Position& after);

    const CertificatePlan& plan_;
    const Position from_;
    std::optional<std::int64_t> unopened_;  ///< this and all below it were not asked yet
    std::vector<Bucket> open_;              ///< a heap
};

/// Statements end with the conditions that all of `where` hold; values are bound in that order.
[[nodiscard]] std::string and_all(const std::vector<Condition>& where);
void bind_all(Query& query, const std::vector<Condition>& where);
/// On one side of a place: `how` compares with it.
[[nodiscard]] Condition beyond(const CertificatePlan& plan, const Position& position,
                               const char* how);

}  // namespace scepgate::ca_backend::sql
