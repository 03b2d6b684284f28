// What tests of listings have in common.
#pragma once

#include "tests/ca_backend/support/pending.hpp"
#include "tests/ca_backend/support/place.hpp"

namespace scepgate::ca_backend::testing {

/// A store with certificates, and its listings.
class Listing : public OnEachEngine {
public:
    using Subjects = std::vector<std::string>;

protected:
    IssuanceRecord add(const std::string& subject,
                       const std::function<void(IssuanceRecord&)>& change = {}) {
        auto made = make_record(make_certificate(subject));
        made.transaction_id = "of " + subject;
        made.device_id = made.user_id = "";
        if (change) change(made);
        EXPECT_EQ(describe(record(*store_, made)), "recorded");
        return made;
    }
    void revoke(const IssuanceRecord& made, certs::RevocationReason reason, std::int64_t at) {
        ASSERT_TRUE(wait_for(store_->revoke({certificate_id(made.certificate), reason, at})));
    }
    /// All pages of at most `limit`, and that each but the last is full.
    Subjects list(CertificateFilter filter, std::size_t limit = 1000) {
        filter.limit = limit;
        Subjects found;
        for (;;) {
            const auto page = store_->list(filter);
            EXPECT_TRUE(page) << page.error().detail;
            if (!page) return found;
            EXPECT_LE(page->rows.size(), limit);
            for (const auto& row : page->rows)
                found.push_back(row.subject);
            if (!page->next) return found;
            filter.after = page->next;
        }
    }

    std::unique_ptr<SqlStore> store_ = open_store(place_);
};

}  // namespace scepgate::ca_backend::testing
