#include "policy/one_time_password.hpp"

#include <algorithm>
#include <map>

#include <gtest/gtest.h>

#include "certs/certificate_builder.hpp"
#include "certs/oids.hpp"
#include "policy/simple_modules.hpp"
#include "tests/policy/support/requests.hpp"

namespace scepgate::policy::testing::this_file {
namespace {

constexpr std::int64_t kNow = 1'800'000'000;

/// Records what it is told to.
class FakeLookup final : public PasswordLookup {
public:
    std::map<std::pair<std::string, Bytes>, RecordedPassword> passwords;
    bool down = false;

    Result<std::optional<RecordedPassword>> find(std::string_view scope, ByteView token,
                                                 std::int64_t) override {
        if (down) return Error{Errc::kUnavailable, "the store is down"};
        const auto found = passwords.find({std::string(scope), to_bytes(token)});
        if (found == passwords.end()) return std::optional<RecordedPassword>();
        return std::optional(found->second);
    }
};

OneTimePasswordSettings settings(std::string name = "mdm") {
    OneTimePasswordSettings made;
    made.name = std::move(name);
    return made;
}

class OneTimePasswordTest : public ::testing::Test {
protected:
    std::unique_ptr<OneTimePasswordModule> make(OneTimePasswordSettings from) {
        return std::make_unique<OneTimePasswordModule>(std::move(from), lookup_, clock_);
    }
    /// A password that is recorded, as Minting does it.
    std::string password(const ChallengeParameters& parameters = {}) {
        auto challenge = minted(*module_, parameters).value();
        lookup_->passwords[{challenge.scope, challenge.token}] = {challenge.recorded_claims.value(),
                                                                  challenge.expires, false};
        return std::string(challenge.text.text());
    }
    Result<Grant, Refusal> ask(const certs::CsrContents& contents) {
        return verify(*module_, request(contents));
    }
    RecordedPassword& recorded() { return lookup_->passwords.begin()->second; }

    std::shared_ptr<FakeLookup> lookup_ = std::make_shared<FakeLookup>();
    std::shared_ptr<certs::FixedClock> clock_ = std::make_shared<certs::FixedClock>(kNow);
    std::unique_ptr<OneTimePasswordModule> module_ = make(settings());
};

/// Bound to what matching_contents() asks for.
ChallengeParameters matching_parameters() {
    const certs::CsrContents contents = matching_contents();
    ChallengeParameters parameters;
    parameters.subject = contents.subject;
    parameters.subject_alt_name = contents.subject_alt_name;
    return parameters;
}

TEST_F(OneTimePasswordTest, MakesUpperCaseHexadecimalOfTheConfiguredLength) {
    for (const std::size_t octets : {8U, 16U, 64U}) {
        OneTimePasswordSettings longer = settings();
        longer.length = octets;
        const auto challenge = minted(*make(std::move(longer)), {}).value();
        const std::string_view text = challenge.text.text();
        EXPECT_EQ(text.size(), 2 * octets);
        EXPECT_EQ(text.find_first_not_of("0123456789ABCDEF"), std::string_view::npos) << text;
    }
}

TEST_F(OneTimePasswordTest, MakesNoTwoAlike) {
    EXPECT_NE(password(), password());
}

TEST_F(OneTimePasswordTest, IsGoodOnlyWhenRecordedAndTellsTheStoreNoMoreThanItsHash) {
    const auto challenge = minted(*module_, {}).value();
    EXPECT_EQ(challenge.recorded_claims, "{}");
    EXPECT_EQ(challenge.scope, "one_time_password:mdm");
    EXPECT_EQ(challenge.token.size(), 32U);
    EXPECT_EQ(challenge.expires, kNow + 3600);
    EXPECT_EQ(challenge.maximum_outstanding, 5U);
    EXPECT_EQ(outcome(ask(matching_contents(challenge.text.text()))), "ChallengeUnknown");
}

TEST_F(OneTimePasswordTest, WithoutBindingsGrantsTheNamesOfTheCsrAndLeavesUsagesToTheTemplate) {
    const auto text = password();
    const EnrollmentRequest asked = request(matching_contents(text));
    const auto grant = verify(*module_, asked);
    ASSERT_TRUE(grant) << grant.error().text;
    EXPECT_EQ(grant->subject().der(), asked.csr.subject().der());
    EXPECT_EQ(grant->subject_alt_name(), asked.csr.requested().subject_alt_name);
    EXPECT_FALSE(grant->key_usage());
    EXPECT_FALSE(grant->extended_key_usage());
    EXPECT_FALSE(grant->template_name());
    EXPECT_FALSE(grant->sid());
    EXPECT_EQ(grant->policy(), "mdm");
    ASSERT_TRUE(grant->redemption());
    EXPECT_EQ(grant->redemption()->policy, "one_time_password:mdm");
    EXPECT_EQ(grant->redemption()->token, lookup_->passwords.begin()->first.second);
    EXPECT_EQ(grant->redemption()->expires, kNow + 3600);
}

TEST_F(OneTimePasswordTest, TakesThePasswordInEitherCase) {
    std::string text = password();
    std::transform(text.begin(), text.end(), text.begin(),
                   [](char c) { return static_cast<char>(std::tolower(c)); });
    EXPECT_EQ(outcome(ask(matching_contents(text))), "ok");
}

TEST_F(OneTimePasswordTest, TakesNoNoticeOfWhiteSpaceAroundThePassword) {
    for (const auto& [before, after] : {std::pair{"", "\n"}, {"  ", ""}, {"\t", " \r\n"}}) {
        const std::string text = password();
        EXPECT_EQ(outcome(ask(matching_contents(before + text + after))), "ok");
    }
    const std::string text = password();
    EXPECT_EQ(outcome(ask(matching_contents(text.substr(0, 8) + " " + text.substr(8)))),
              "ChallengeUnknown")
        << "only around it";
    EXPECT_EQ(outcome(ask(matching_contents("  \n"))), "ChallengeUnknown");
}

TEST_F(OneTimePasswordTest, C12_C13_AllThatIsWrongWithAPasswordIsOneFailInfo) {
    const auto text = password();
    const auto refused = [&](std::string_view challenge) {
        const auto refusal = ask(matching_contents(challenge));
        EXPECT_FALSE(refusal);
        EXPECT_EQ(refusal.error().fail_info, FailInfo::kBadMessageCheck);
        EXPECT_FALSE(refusal.error().temporary);
        EXPECT_EQ(refusal.error().text.find(text), std::string::npos);
        return refusal.error().code;
    };
    EXPECT_EQ(refused(""), "ChallengePasswordMissing");
    EXPECT_EQ(refused("0123456789ABCDEF"), "ChallengeUnknown");
    EXPECT_EQ(refused(text + "0"), "ChallengeUnknown");
    EXPECT_EQ(refused(text.substr(1)), "ChallengeUnknown");
    recorded().withdrawn = true;
    EXPECT_EQ(refused(text), "ChallengeWithdrawn");
    recorded().withdrawn = false;
    clock_->set(kNow + 3600);
    EXPECT_EQ(refused(text), "ChallengeExpired");
    clock_->set(kNow + 3599);
    EXPECT_EQ(outcome(ask(matching_contents(text))), "ok");
}

TEST_F(OneTimePasswordTest, IsOfOnePolicyAlone) {
    const auto text = password();
    auto entry = lookup_->passwords.extract(lookup_->passwords.begin());
    entry.key().first = "one_time_password:other";
    lookup_->passwords.insert(std::move(entry));
    module_ = make(settings("other"));
    EXPECT_EQ(outcome(ask(matching_contents(text))), "ChallengeUnknown");
}

TEST_F(OneTimePasswordTest, IsRecordedAsAnHmacUnderTheConfiguredKey) {
    const auto keyed = [this](std::string_view key) {
        OneTimePasswordSettings with_key = settings();
        with_key.hash_key = Secret(key);
        return make(std::move(with_key));
    };
    module_ = keyed("the first key's octets");
    const auto text = password();
    EXPECT_EQ(outcome(ask(matching_contents(text))), "ok");
    module_ = keyed("another key's octets");
    EXPECT_EQ(outcome(ask(matching_contents(text))), "ChallengeUnknown");
    module_ = make(settings());
    EXPECT_EQ(outcome(ask(matching_contents(text))), "ChallengeUnknown");
}

TEST_F(OneTimePasswordTest, AStoreThatIsDownIsNoAnswer) {
    const auto text = password();
    lookup_->down = true;
    const auto refused = ask(matching_contents(text));
    ASSERT_FALSE(refused);
    EXPECT_TRUE(refused.error().temporary);
    EXPECT_EQ(refused.error().code, "StoreUnavailable");
}

TEST_F(OneTimePasswordTest, ARecordThatCannotBeReadIsNoAnswer) {
    const auto text = password();
    for (const char* damaged : {"", "[]", "{\"v\":1}", "{\"purpose\":\"all\"}", "{\"crit\":[]}"}) {
        recorded().bindings = damaged;
        const auto refused = ask(matching_contents(text));
        ASSERT_FALSE(refused) << damaged;
        EXPECT_TRUE(refused.error().temporary);
    }
}

TEST_F(OneTimePasswordTest, BoundToNamesGrantsExactlyThese) {
    const ChallengeParameters parameters = matching_parameters();
    const auto text = password(parameters);
    certs::CsrContents contents = matching_contents(text);
    contents.subject = certs::Name::from_text("CN=DEVICE-0001,O=example  ltd").value();
    const auto grant = ask(contents);
    ASSERT_TRUE(grant) << grant.error().text;
    EXPECT_EQ(grant->subject().der(), parameters.subject.der()) << "as bound, not as asked";
    EXPECT_EQ(grant->subject_alt_name(), parameters.subject_alt_name);
}

struct Changed {
    const char* name;
    void (*bind)(ChallengeParameters&);
    void (*change)(certs::CsrContents&);
    const char* code;
};

using certs::GeneralName;
using certs::GeneralNameType;
using enum certs::KeyUsageBit;

const Changed kMismatches[] = {
    {"AnotherSubject", [](ChallengeParameters&) {},
     [](certs::CsrContents& contents) {
         contents.subject = certs::Name::from_text("CN=other").value();
     },
     "SubjectNameMismatch"},
    {"NoSubject", [](ChallengeParameters&) {},
     [](certs::CsrContents& contents) { contents.subject = {}; }, "SubjectNameMissing"},
    {"OneAlternativeNameMore", [](ChallengeParameters&) {},
     [](certs::CsrContents& contents) {
         contents.subject_alt_name.push_back(
             GeneralName::make(GeneralNameType::kDns, "more.example").value());
     },
     "SubjectAltNameMismatch"},
    {"AlternativeNamesThatNobodyBound",
     [](ChallengeParameters& parameters) { parameters.subject_alt_name.clear(); },
     [](certs::CsrContents&) {}, "SubjectAltNameMismatch"},
    {"ASubjectThatNobodyBound", [](ChallengeParameters& parameters) { parameters.subject = {}; },
     [](certs::CsrContents&) {}, "SubjectNameMismatch"},
    {"AnotherPurpose",
     [](ChallengeParameters& parameters) { parameters.purpose = certs::Purpose::kSignature; },
     [](certs::CsrContents&) {}, "PurposeMismatch"},
    {"AnotherPurposeWithoutNames",
     [](ChallengeParameters& parameters) {
         parameters = {};
         parameters.purpose = certs::Purpose::kSignature;
     },
     [](certs::CsrContents&) {}, "PurposeMismatch"},
    {"AnotherKeyUsage",
     [](ChallengeParameters& parameters) {
         parameters.key_usage = certs::KeyUsage{kDigitalSignature};
     },
     [](certs::CsrContents&) {}, "KeyUsageMismatch"},
    {"AnotherExtendedKeyUsage",
     [](ChallengeParameters& parameters) {
         parameters.extended_key_usage = {
             certs::extended_key_usage_from_text("serverAuth").value()};
     },
     [](certs::CsrContents&) {}, "EnhancedKeyUsageMismatch"},
    {"N09_ASidThatNobodyBound", [](ChallengeParameters&) {},
     [](certs::CsrContents& contents) {
         contents.more_extensions = {
             certs::encode_extension(certs::oid::kNtdsCaSecurity, false,
                                     certs::encode_sid_extension("S-1-5-21-1-2-3-500"))};
     },
     "SidMismatch"},
    {"N09_ASidWithoutNames", [](ChallengeParameters& parameters) { parameters = {}; },
     [](certs::CsrContents& contents) {
         contents.subject_alt_name.push_back(
             GeneralName::make(GeneralNameType::kUri,
                               "tag:microsoft.com,2022-09-14:sid:S-1-5-21-1-2-3-500")
                 .value());
     },
     "SidNotGranted"},
    {"N05_ANameOverItsBoundWithoutNames", [](ChallengeParameters& parameters) { parameters = {}; },
     [](certs::CsrContents& contents) {
         contents.subject = certs::Name::from_text("CN=" + std::string(65, 'a')).value();
     },
     "SubjectNameInvalid"},
};

class OneTimePasswordMismatchTest : public OneTimePasswordTest,
                                    public ::testing::WithParamInterface<Changed> {};

INSTANTIATE_TEST_SUITE_P(Requests, OneTimePasswordMismatchTest, ::testing::ValuesIn(kMismatches),
                         [](const auto& tested) { return std::string(tested.param.name); });

TEST_P(OneTimePasswordMismatchTest, IsRefusedAsABadRequest) {
    ChallengeParameters parameters = matching_parameters();
    GetParam().bind(parameters);
    certs::CsrContents contents = matching_contents();
    GetParam().change(contents);
    const std::string text = password(parameters);
    contents.challenge = text;
    const auto refused = ask(contents);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, GetParam().code) << refused.error().text;
    EXPECT_EQ(refused.error().fail_info, FailInfo::kBadRequest);
    EXPECT_EQ(refused.error().text.find(text), std::string::npos);
}

TEST_F(OneTimePasswordTest, C03_BoundToAnEndpointItIsUnknownElsewhere) {
    for (ChallengeParameters parameters : {ChallengeParameters(), matching_parameters()}) {
        parameters.endpoints = {"/guest", "laptops"};
        const std::string text = password(parameters);
        EnrollmentRequest asked = request(matching_contents(text));
        for (std::size_t i = 0; i <= FailedMatches::kMost; ++i) {
            // Whatever the names are: nothing is learnt of them there, and nothing locked.
            certs::CsrContents guess = matching_contents(text);
            guess.subject =
                i == 0 ? certs::Name() : certs::Name::from_text("CN=" + std::to_string(i)).value();
            guess.subject_alt_name.clear();
            const auto refused = ask(guess);
            ASSERT_FALSE(refused);
            EXPECT_EQ(refused.error().code, "EndpointMismatch") << refused.error().text;
            EXPECT_EQ(refused.error().fail_info, FailInfo::kBadMessageCheck);
            EXPECT_NE(refused.error().text.find("/guest, laptops"), std::string::npos);
        }
        asked.endpoint = "laptops";
        EXPECT_EQ(outcome(verify(*module_, asked)), "ok");
        const auto explained = run(module_->explain(asked, Reach::kOffline));
        EXPECT_TRUE(explained.outcome->has_value());
        asked.endpoint = "/scep";
        EXPECT_EQ(outcome(*run(module_->explain(asked, Reach::kOffline)).outcome),
                  "EndpointMismatch");
    }
}

TEST_F(OneTimePasswordTest, GrantsAllThatItIsBoundTo) {
    ChallengeParameters parameters = matching_parameters();
    parameters.key_usage = certs::KeyUsage{kDigitalSignature, kKeyEncipherment};
    parameters.extended_key_usage = {certs::extended_key_usage_from_text("clientAuth").value()};
    parameters.template_name = "DeviceGeneral";
    parameters.purpose = certs::Purpose::kGeneralPurpose;
    parameters.max_validity = 86'400;
    parameters.device_id = "d7";
    parameters.user_id = "u7";
    parameters.sid = "S-1-5-21-1-2-3-500";
    parameters.lifetime = 600;
    const auto grant = ask(matching_contents(password(parameters)));
    ASSERT_TRUE(grant) << grant.error().text;
    EXPECT_EQ(grant->key_usage(), parameters.key_usage);
    EXPECT_EQ(grant->extended_key_usage(), parameters.extended_key_usage);
    EXPECT_EQ(grant->template_name(), "DeviceGeneral");
    EXPECT_EQ(grant->max_validity(), 86'400);
    EXPECT_EQ(grant->device_id(), "d7");
    EXPECT_EQ(grant->user_id(), "u7");
    EXPECT_EQ(grant->sid(), parameters.sid);
    EXPECT_EQ(grant->redemption()->expires, kNow + 600);
}

TEST_F(OneTimePasswordTest, C14_ManyNamesThatDoNotMatchLockIt) {
    const std::string text = password(matching_parameters());
    for (std::size_t i = 0; i < FailedMatches::kMost; ++i) {
        certs::CsrContents guess = matching_contents(text);
        guess.subject = certs::Name::from_text("CN=guess-" + std::to_string(i)).value();
        EXPECT_EQ(outcome(ask(guess)), "SubjectNameMismatch");
    }
    const auto locked = ask(matching_contents(text));
    ASSERT_FALSE(locked);
    EXPECT_EQ(locked.error().code, "ChallengeLocked");
    EXPECT_EQ(locked.error().fail_info, FailInfo::kBadRequest) << "as a mismatch";
    clock_->set(kNow + FailedMatches::kFirstLock);
    EXPECT_EQ(outcome(ask(matching_contents(text))), "ok");
}

TEST_F(OneTimePasswordTest, C14_SpacesBeforeAGuessHideNoOtherGuess) {
    ChallengeParameters bound;
    bound.subject = certs::Name::from_text("UID=secret").value();
    const std::string text = password(bound);
    certs::CsrContents asked = matching_contents(text);
    asked.subject_alt_name.clear();
    asked.key_usage.reset();
    asked.extended_key_usage.clear();
    const auto name_of = [](const std::string& guess) {
        return certs::Name::from_text("/UID=" + std::string(600, ' ') + guess).value();
    };
    for (std::size_t i = 0; i < FailedMatches::kMost; ++i) {
        asked.subject = name_of("guess-" + std::to_string(i));
        EXPECT_EQ(outcome(ask(asked)), "SubjectNameMismatch");
    }
    asked.subject = name_of("secret");
    EXPECT_EQ(outcome(ask(asked)), "ChallengeLocked");
    clock_->set(kNow + FailedMatches::kFirstLock);
    EXPECT_EQ(outcome(ask(asked)), "ok");
}

TEST_F(OneTimePasswordTest, C14_BoundNamesOverTheirBoundAreRefusedAsSuch) {
    const std::string text = password(matching_parameters());
    certs::CsrContents padded = matching_contents(text);
    padded.subject =
        certs::Name::from_text("/O=Example Ltd/CN=" + std::string(64, ' ') + "device-0001").value();
    EXPECT_EQ(outcome(ask(padded)), "SubjectNameInvalid");
}

TEST_F(OneTimePasswordTest, MakesNothingThatCouldNotBeUsed) {
    const auto error = [this](const ChallengeParameters& parameters) {
        const auto made = minted(*module_, parameters);
        return made ? std::optional<Errc>() : made.error().code;
    };
    ChallengeParameters asked;
    asked.lifetime = 0;
    EXPECT_EQ(error(asked), Errc::kDenied);
    asked.lifetime = 3601;
    EXPECT_EQ(error(asked), Errc::kDenied) << "over PasswordValidity";
    asked = {};
    asked.sid = "S-1-5-21-1-2-3-500";
    EXPECT_EQ(error(asked), Errc::kDenied) << "a SID without the account's names";
    asked = matching_parameters();
    asked.sid = "administrator";
    EXPECT_EQ(error(asked), Errc::kDenied);
    asked = {};
    asked.device_id = "\xFF";
    EXPECT_EQ(error(asked), Errc::kMalformed);
    asked = {};
    asked.max_validity = 0;
    EXPECT_EQ(error(asked), Errc::kDenied);
}

TEST_F(OneTimePasswordTest, AnExplanationHasEachCheckAndDecidesAsTheModuleDoes) {
    ChallengeParameters bound;
    bound.subject = certs::Name::from_text("CN=other").value();
    bound.purpose = certs::Purpose::kSignature;
    auto asked = request(matching_contents(password(bound)));
    auto told = run(module_->explain(asked, Reach::kOffline));
    ASSERT_TRUE(told.outcome && !*told.outcome);
    EXPECT_EQ(told.outcome->error().code, "SubjectNameMismatch");
    std::string failures;
    for (const Verdict& verdict : told.verdicts) {
        EXPECT_NE(verdict.check, "audience") << "a password has none";
        failures += verdict.code + " ";
    }
    EXPECT_NE(failures.find("SubjectAltNameMismatch"), std::string::npos) << failures;
    EXPECT_NE(failures.find("PurposeMismatch"), std::string::npos) << failures;

    asked = request(matching_contents(password()));
    told = run(module_->explain(asked, Reach::kOffline));
    ASSERT_TRUE(told.outcome && *told.outcome);
    EXPECT_EQ((*told.outcome)->redemption()->token, verify(*module_, asked)->redemption()->token);
    for (const Verdict& verdict : told.verdicts) {
        const bool unbound = verdict.check == "subject" || verdict.check == "subjectAltName" ||
                             verdict.check == "key usage" || verdict.check == "purpose";
        if (unbound) {
            EXPECT_EQ(verdict.expected, "any") << verdict.check;
        }
    }
    told = run(module_->explain(request(matching_contents("unknown")), Reach::kOffline));
    EXPECT_EQ(told.outcome->error().code, "ChallengeUnknown");
    EXPECT_TRUE(module_->uses_up_challenges());
}

TEST(SinglePasswordTest, IsToldToWhoeverAsksAndUsesUpNothing) {
    StaticPasswordModule module("mdm", Secret(std::string_view("0123456789ABCDEF")),
                                StaticPasswordModule::Told::kToWhoeverAsks);
    for (int i = 0; i < 2; ++i) {
        const auto challenge = minted(module, {}).value();
        EXPECT_EQ(challenge.text.text(), "0123456789ABCDEF");
        EXPECT_TRUE(challenge.token.empty());
        EXPECT_EQ(challenge.expires, 0);
        EXPECT_FALSE(challenge.recorded_claims);
    }
    ChallengeParameters bound;
    bound.subject = certs::Name::from_text("CN=device").value();
    EXPECT_EQ(minted(module, bound).error().code, Errc::kDenied);
    ChallengeParameters ending;
    ending.lifetime = 60;
    EXPECT_EQ(minted(module, ending).error().code, Errc::kDenied);
}

}  // namespace
}  // namespace scepgate::policy::testing::this_file
