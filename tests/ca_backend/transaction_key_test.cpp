#include <functional>
#include <set>

#include <gtest/gtest.h>

#include "ca_backend/store.hpp"
#include "certs/certificate_builder.hpp"
#include "tests/ca_backend/support/grants.hpp"

namespace scepgate::ca_backend::this_file {
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

/// Of the same device, but for one thing.
certs::Certificate identified(const std::string& issuer, const std::string& subject,
                              const std::string& host) {
    certs::CertificateContents contents;
    contents.serial = certs::random_serial();
    contents.issuer_der = certs::Name::from_text(issuer).value().der();
    contents.subject_der = certs::Name::from_text(subject).value().der();
    contents.not_before = testing::kNow;
    contents.not_after = testing::kNow + testing::kDay;
    contents.spki = to_bytes(testing::ec_key().public_key().spki());
    contents.extensions = {certs::subject_alt_name_extension(
        {testing::general_name(certs::GeneralNameType::kDns, host)}, false)};
    return certs::build_certificate(contents, testing::ec_key(), certs::Digest::kSha256).value();
}

TEST(IdentityHashTest, G05_IsOfIssuerSubjectAlternativeNamesAndTemplateAlone) {
    const auto first = identified("CN=CA", "CN=device", "device.example");
    const auto renewed = identified("CN=CA", "CN=device", "device.example");
    EXPECT_EQ(identity_hash(first, "device"), identity_hash(renewed, "device"));
    const std::set<Sha256> all = {
        identity_hash(first, "device"),
        identity_hash(first, "other"),
        identity_hash(identified("CN=CA 2", "CN=device", "device.example"), "device"),
        identity_hash(identified("CN=CA", "CN=device 2", "device.example"), "device"),
        identity_hash(identified("CN=CA", "CN=device", "device2.example"), "device"),
    };
    EXPECT_EQ(all.size(), 5U);
}

}  // namespace
}  // namespace scepgate::ca_backend::this_file
