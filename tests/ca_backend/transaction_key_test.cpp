#include <functional>
#include <set>

#include <gtest/gtest.h>

#include "ca_backend/store.hpp"
#include "tests/ca_backend/support/grants.hpp"

namespace scepgate::ca_backend {
namespace {

using testing::make_request;

EnrollmentRequest request() {
    return make_request(testing::ec_key(), {}, certs::Purpose::kGeneralPurpose);
}

TEST(TransactionKeyTest, IsTheSameForARetryWhereverItComesFrom) {
    const EnrollmentRequest first = request();
    EnrollmentRequest retry = first;
    retry.client_address = "198.51.100.7";
    EXPECT_EQ(transaction_key(first), transaction_key(retry));
}

TEST(TransactionKeyTest, T01_DiffersInEachPart) {
    const EnrollmentRequest first = request();
    const std::function<void(EnrollmentRequest&)> changes[] = {
        [](auto& changed) { changed.endpoint = "/other"; },
        [](auto& changed) { changed.message_type = 17; },
        [](auto& changed) { changed.transaction_id += "0"; },
        [](auto& changed) {
            changed.signer = testing::make_ca_certificate({.subject = "CN=somebody else"});
        },
        [](auto& changed) {
            changed.csr = make_request(testing::rsa_key(), {}, changed.purpose).csr;
        },
    };
    std::set<TransactionKey> keys{transaction_key(first)};
    for (const auto& change : changes) {
        EnrollmentRequest changed = first;
        change(changed);
        keys.insert(transaction_key(changed));
    }
    EXPECT_EQ(keys.size(), 1 + std::size(changes));
}

TEST(TransactionKeyTest, DoesNotConfuseNeighbouringParts) {
    EnrollmentRequest left = request();
    EnrollmentRequest right = left;
    left.endpoint = "/scep1";
    left.message_type = 9;
    right.endpoint = "/scep";
    right.message_type = 19;
    EXPECT_NE(transaction_key(left), transaction_key(right));
}

}  // namespace
}  // namespace scepgate::ca_backend
