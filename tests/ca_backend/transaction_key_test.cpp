#include <algorithm>
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

/// A certificate of these names; `names` of type dns.
certs::Certificate identified(const std::string& issuer, const certs::Name& subject,
                              const std::vector<std::string>& names) {
    certs::GeneralNames all;
    for (const std::string& name : names)
        all.push_back(testing::general_name(certs::GeneralNameType::kDns, name));
    certs::CertificateContents contents;
    contents.serial = certs::random_serial();
    contents.issuer_der = certs::Name::from_text(issuer).value().der();
    contents.subject_der = subject.der();
    contents.not_before = testing::kNow;
    contents.not_after = testing::kNow + testing::kDay;
    contents.spki = to_bytes(testing::ec_key().public_key().spki());
    if (!all.empty()) contents.extensions = {certs::subject_alt_name_extension(all, false)};
    return certs::build_certificate(contents, testing::ec_key(), certs::Digest::kSha256).value();
}

certs::Certificate identified(const std::string& issuer, const std::string& subject,
                              const std::vector<std::string>& names) {
    return identified(issuer, certs::Name::from_text(subject).value(), names);
}

TEST(IdentityTest, G05_IsOfIssuerSubjectAlternativeNamesAndTemplateAlone) {
    const auto first = identified("CN=CA", "CN=device", {"device.example"});
    const auto renewed = identified("CN=CA", "CN=device", {"device.example"});
    EXPECT_EQ(identity_of(first, "device"), identity_of(renewed, "device"));
    const Identity all[] = {
        identity_of(first, "device"),
        identity_of(first, "other"),
        identity_of(identified("CN=CA 2", "CN=device", {"device.example"}), "device"),
        identity_of(identified("CN=CA", "CN=device 2", {"device.example"}), "device"),
        identity_of(identified("CN=CA", "O=device", {"device.example"}), "device"),
        identity_of(identified("CN=CA", "CN=device", {"device2.example"}), "device"),
        identity_of(identified("CN=CA", "CN=device", {}), "device"),
        identity_of(identified("CN=CA", "CN=device,CN=device.example", {}), "device"),
        identity_of(identified("CN=CA", "", {"device.example"}), "device"),
    };
    std::set<Sha256> hashes;
    for (const Identity& each : all)
        hashes.insert({each.hash, each.by_octets});
    EXPECT_EQ(hashes.size(), 2 * std::size(all)) << "nor is one kind of hash the other";
}

TEST(IdentityTest, G05_NoSpellingOfNamesIsAnother) {
    const auto identity = [](const auto& subject, const std::vector<std::string>& names) {
        return identity_of(identified("CN=CA", subject, names), "device");
    };
    const std::vector<std::string> names{"a.example", "b.example"};
    const Identity first = identity(std::string("CN=My device,O=Example"), names);
    // The same as PrintableStrings (from_text() makes UTF8Strings).
    Bytes printable = certs::Name::from_text("CN=My device,O=Example").value().der();
    std::replace(printable.begin(), printable.end(), std::uint8_t{0x0C}, std::uint8_t{0x13});
    const Identity others[] = {
        identity(certs::Name::from_der(printable).value(), names),
        identity(std::string("CN=MY DEVICE,O=example"), names),
        identity(std::string("CN=My   device\\ ,O=Example"), names),
        identity(std::string("O=Example,CN=My device"), names),
        identity(std::string("CN=My device+O=Example"), names),
        identity(std::string("CN=My device,O=Example,O=Example"), names),
        identity(std::string("CN=My device,O=Example"), {"b.example", "a.example"}),
        identity(std::string("CN=My device,O=Example"), {"a.example", "B.Example"}),
        identity(std::string("CN=My device,O=Example"), {"a.example", "b.example", "a.example"}),
    };
    for (const Identity& other : others) {
        EXPECT_EQ(to_hex(other.hash), to_hex(first.hash)) << &other - others;
        EXPECT_NE(other.by_octets, first.by_octets) << &other - others;
    }
}

}  // namespace
}  // namespace scepgate::ca_backend::this_file
