// Names that are longer than an index of PostgreSQL takes.
#include "ca_backend/certificate_plan.hpp"
#include "tests/ca_backend/support/listing.hpp"

namespace scepgate::ca_backend::this_file {
namespace {

using certs::GeneralNameType;
using testing::general_name;
using Subjects = testing::Listing::Subjects;

class LongNamesTest : public testing::Listing {};

SCEPGATE_ON_EACH_ENGINE(LongNamesTest);

/// Which no compression makes shorter.
std::string unlike_any_other(std::size_t length) {
    std::string text;
    for (const std::uint8_t octet : random_bytes(length))
        text += "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"[octet % 64];
    return text;
}

TEST_P(LongNamesTest, AreFoundWholeAndByTheirBeginning) {
    const std::string uri = "https://host.example/" + unlike_any_other(4075);
    std::string subject = "CN=long";
    for (int i = 0; i < 60; ++i)
        subject += ",OU=" + unlike_any_other(60);
    const auto with_uri = [&uri](auto& made) {
        made.subject_alt_name = {general_name(GeneralNameType::kUri, uri)};
    };
    const auto made = add(subject, with_uri);
    add(subject.substr(0, subject.size() - 1) + "!");
    EXPECT_EQ(list({.alt_name = uri}), Subjects{subject});
    EXPECT_EQ(list({.alt_name = "uri:" + uri}), Subjects{subject});
    EXPECT_EQ(list({.alt_name = uri + "x"}), Subjects{});
    EXPECT_EQ(list({.alt_name_contains = uri.substr(4000)}), Subjects{subject});
    EXPECT_EQ(list({.subject = subject}), Subjects{subject});
    EXPECT_EQ(list({.subject = subject, .alt_name = uri}), Subjects{subject});
    EXPECT_EQ(list({.subject = sql::folded(subject)}), Subjects{subject}) << "in any case";
    EXPECT_EQ(list({.subject = subject.substr(0, 3000)}), Subjects{});
    EXPECT_EQ(list({.subject_begins = subject.substr(0, 1000)}).size(), 2U);
    EXPECT_EQ(list({.subject_begins = subject}).size(), 2U) << "as far as it is indexed";
    const auto retried = testing::stored(*store_, made);
    ASSERT_TRUE(retried);
    EXPECT_EQ(retried->subject, subject);
    const auto row = store_->find_certificate(certificate_id(made.certificate)).value();
    ASSERT_TRUE(row);
    EXPECT_EQ(row->issuer, made.certificate.issuer_text());
}

TEST(IndexedTest, ShortensNoTextWithinACharacter) {
    std::string name;
    for (int i = 0; i < 700; ++i)
        name += "\xE2\x82\xAC";
    for (int shift = 0; shift < 3; ++shift, name.insert(0, "a")) {
        const std::string kept = sql::indexed(name);
        EXPECT_TRUE(sql::was_shortened(kept));
        EXPECT_LT(kept.size(), 2000U);
        EXPECT_EQ((sql::indexed_beginning(name).size() - static_cast<std::size_t>(shift)) % 3, 0U);
    }
    EXPECT_FALSE(sql::was_shortened("CN=device"));
    EXPECT_FALSE(sql::was_shortened(std::string(2000, 'a')));
}

}  // namespace
}  // namespace scepgate::ca_backend::this_file
