#include "policy/grant_record.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "policy/grant_maker.hpp"
#include "tests/certs/support/name_der.hpp"
#include "tests/policy/support/requests.hpp"

namespace scepgate::policy::testing::this_file {
namespace {

using nlohmann::json;

GrantMaker full_maker() {
    GrantMaker maker(request(matching_contents()), "mdm");
    maker.names(claims().subject, claims().subject_alt_name)
        .key_usage(certs::KeyUsage{certs::KeyUsageBit::kDigitalSignature})
        .extended_key_usage(
            certs::ExtendedKeyUsage{certs::extended_key_usage_from_text("clientAuth").value(),
                                    certs::extended_key_usage_from_text("1.2.3.4").value()})
        .template_name("DeviceGeneral")
        .max_validity(86'400)
        .redemption({"scope", Bytes(16, 7), 1'900'000'000})
        .sid("S-1-5-21-1-2-3-500")
        .identities("device \"7\"", "user");
    return maker;
}

json encoded(const Grant& grant) {
    const Bytes octets = GrantRecord::encode(grant);
    return json::parse(octets.begin(), octets.end());
}

std::string outcome(const json& record) {
    const auto grant = GrantRecord::decode(as_bytes(record.dump()));
    return grant ? "ok" : grant.error().detail;
}

TEST(GrantRecordTest, RestoresAllOfAGrantButItsRedemption) {
    const Grant before = full_maker().make();
    const Grant after = GrantRecord::decode(GrantRecord::encode(before)).value();
    EXPECT_EQ(after.subject().der(), before.subject().der());
    EXPECT_EQ(after.subject_alt_name(), before.subject_alt_name());
    EXPECT_EQ(after.public_key(), before.public_key());
    EXPECT_EQ(after.purpose(), before.purpose());
    EXPECT_EQ(after.key_usage(), before.key_usage());
    EXPECT_EQ(after.extended_key_usage(), before.extended_key_usage());
    EXPECT_EQ(after.template_name(), before.template_name());
    EXPECT_EQ(after.max_validity(), before.max_validity());
    EXPECT_EQ(after.sid(), before.sid());
    EXPECT_EQ(after.policy(), before.policy());
    EXPECT_EQ(after.device_id(), before.device_id());
    EXPECT_EQ(after.user_id(), before.user_id());
    EXPECT_EQ(after.stripped(), before.stripped());
    EXPECT_FALSE(after.redemption()) << "it was made when the request was recorded";
    EXPECT_FALSE(after.needs_approval());
}

TEST(GrantRecordTest, N01_ASubjectIsGrantedInTheOrderOfDer) {
    using certs::testing::ava;
    namespace der = certs::der;
    const Bytes first = ava(certs::oid::kCommonName, certs::DerTag::kUtf8String, "z");
    const Bytes second = ava(certs::oid::kOrganizationName, certs::DerTag::kUtf8String, "a");
    const Bytes unsorted = der::sequence({der::set({second, first})});
    const Bytes sorted = der::sequence({der::set({first, second})});
    GrantMaker maker(request(matching_contents()), "open");
    maker.names(certs::Name::from_der(unsorted).value(), {});
    const Grant granted = std::move(maker).make();
    EXPECT_EQ(granted.subject().der(), sorted);
    // Of a version that did not sort.
    json record = encoded(granted);
    record["subject"] = to_base64(unsorted);
    const auto decoded = GrantRecord::decode(as_bytes(record.dump()));
    ASSERT_TRUE(decoded);
    EXPECT_EQ(decoded->subject().der(), sorted);
}

TEST(GrantRecordTest, RestoresWhatWasLeftOut) {
    GrantMaker maker(request(matching_contents()), "open");
    maker.names(matching_contents().subject, {});
    const Grant before = std::move(maker).make();
    ASSERT_EQ(before.stripped(), std::vector<std::string>{"extendedKeyUsage clientAuth"});
    EXPECT_EQ(GrantRecord::decode(GrantRecord::encode(before)).value().stripped(),
              before.stripped());
}

TEST(GrantRecordTest, RestoresWhatIsAbsentAsAbsent) {
    GrantMaker maker(request(matching_contents()), "open");
    maker.names(claims().subject, {});
    const Grant after = GrantRecord::decode(GrantRecord::encode(std::move(maker).make())).value();
    EXPECT_FALSE(after.key_usage());
    EXPECT_FALSE(after.extended_key_usage());
    EXPECT_FALSE(after.template_name());
    EXPECT_FALSE(after.max_validity());
    EXPECT_FALSE(after.sid());
    EXPECT_EQ(after.device_id(), "");
}

TEST(GrantRecordTest, RestoresTheValidityThatTheDeviceAsksFor) {
    GrantMaker maker(request(matching_contents()), "mdm");
    maker.names(matching_contents().subject, {});
    json record = encoded(std::move(maker).make());
    EXPECT_FALSE(record.contains("requested_validity"));
    const auto restored = [&] {
        return GrantRecord::decode(as_bytes(record.dump())).value().requested_validity();
    };
    record["requested_validity"] = 86'400;
    EXPECT_EQ(restored(), certs::RequestedValidity{.seconds = 86'400});
    EXPECT_EQ(encoded(GrantRecord::decode(as_bytes(record.dump())).value()), record);
    record.erase("requested_validity");
    record["requested_not_after"] = 1'900'000'000;
    EXPECT_EQ(restored(), certs::RequestedValidity{.not_after = 1'900'000'000});
    EXPECT_EQ(encoded(GrantRecord::decode(as_bytes(record.dump())).value()), record);
}

TEST(GrantRecordTest, RestoresAGrantWithoutASubject) {
    GrantMaker maker(request(matching_contents()), "mdm");
    maker.names({}, claims().subject_alt_name);
    const Grant after = GrantRecord::decode(GrantRecord::encode(std::move(maker).make())).value();
    EXPECT_TRUE(after.subject().empty());
    EXPECT_EQ(after.subject_alt_name(), claims().subject_alt_name);
}

TEST(GrantRecordTest, RefusesWhatItWouldNotWrite) {
    const json good = encoded(full_maker().make());
    ASSERT_EQ(outcome(good), "ok");
    for (const char* member : {"v", "policy", "subject", "key", "purpose"}) {
        json less = good;
        less.erase(member);
        EXPECT_NE(outcome(less), "ok") << member;
    }
    const std::pair<const char*, json> changes[] = {
        {"v", 2},
        {"v", "1"},
        {"more", 1},
        {"policy", ""},
        {"subject", "AA=="},
        {"key", "AA=="},
        {"key", 5},
        {"purpose", "all"},
        {"san", "dns:a"},
        {"san", json::array({"a.example"})},
        {"san", json::array({"dns:a b"})},
        {"key_usage", json::array()},
        {"key_usage", json::array({"x"})},
        {"extended_key_usage", json::array({"x y"})},
        {"max_validity", -1},
        {"requested_validity", 0},
        {"requested_not_after", "tomorrow"},
        {"stripped", 7},
    };
    for (const auto& [member, value] : changes) {
        json changed = good;
        changed[member] = value;
        EXPECT_NE(outcome(changed), "ok") << member << " " << value;
    }
    EXPECT_FALSE(GrantRecord::decode({}));
    EXPECT_FALSE(GrantRecord::decode(as_bytes("[]")));
    EXPECT_FALSE(GrantRecord::decode(as_bytes(good.dump() + " {}")));
}

TEST(GrantRecordTest, RefusesAGrantWithoutAnyName) {
    json nameless = encoded(full_maker().make());
    nameless["subject"] = to_base64(certs::Name().der());
    nameless["san"] = json::array();
    EXPECT_NE(outcome(nameless), "ok");
}

}  // namespace
}  // namespace scepgate::policy::testing::this_file
