#include "policy/composite_module.hpp"

#include <atomic>
#include <mutex>

#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <gtest/gtest.h>

#include "policy/grant_maker.hpp"
#include "policy/renewal.hpp"
#include "policy/signer_limits.hpp"
#include "tests/policy/support/requests.hpp"

namespace scepgate::policy::testing::this_file {
namespace {

namespace asio = boost::asio;
using Answer = Result<Grant, Refusal>;
using Kind = CompositeModule::Kind;

/// Grants what the CSR asks for, with changes, or refuses; keeps what it hears.
class Member final : public PolicyModule {
public:
    explicit Member(std::string name) : name_(std::move(name)) {}

    [[nodiscard]] const std::string& name() const noexcept override { return name_; }
    [[nodiscard]] bool may_wait() const noexcept override { return waits; }
    [[nodiscard]] bool hears_outcomes() const noexcept override { return hears; }
    [[nodiscard]] bool uses_up_challenges() const noexcept override { return uses_up; }

    asio::awaitable<Answer> verify_request(const EnrollmentRequest& request) override {
        ++asked;
        if (elsewhere != nullptr) co_await asio::post(*elsewhere, asio::use_awaitable);
        if (refusal) co_return *refusal;
        GrantMaker maker(request, name_);
        maker.names(request.csr.subject(), request.csr.requested().subject_alt_name);
        change(maker);
        co_return std::move(maker).make();
    }

    asio::awaitable<Result<void>> notify(const TransactionOutcome& outcome) override {
        const std::lock_guard lock(mutex_);
        heard.push_back((outcome.issued ? "issued " : "refused ") +
                        (outcome.granted_by.empty() ? "-" : outcome.granted_by));
        if (failure) co_return *failure;
        co_return Result<void>();
    }

    std::optional<Refusal> refusal;
    std::function<void(GrantMaker&)> change = [](GrantMaker&) {};
    std::optional<Error> failure;
    bool waits = false, hears = true, uses_up = false;
    asio::thread_pool* elsewhere = nullptr;
    std::atomic<int> asked = 0;
    std::vector<std::string> heard;

private:
    std::string name_;
    std::mutex mutex_;
};

const Refusal kWrongPassword{FailInfo::kBadMessageCheck, "ChallengeMismatch", "not the password"};
const Refusal kWrongName{FailInfo::kBadRequest, "SubjectNameMismatch", "not the name"};
const Refusal kDown{FailInfo::kBadRequest, "IntuneUnavailable", "it is down", true};

class CompositeModuleTest : public ::testing::Test {
protected:
    std::shared_ptr<CompositeModule> of(Kind kind,
                                        std::vector<std::shared_ptr<PolicyModule>> members) {
        return std::make_shared<CompositeModule>(kind, std::move(members));
    }
    std::shared_ptr<CompositeModule> any() { return of(Kind::kAny, {a, b, c}); }
    std::shared_ptr<CompositeModule> all() { return of(Kind::kAll, {a, b, c}); }

    void notify(PolicyModule& module, const std::string& granted_by, bool issued = true) {
        TransactionOutcome outcome;
        outcome.request = &asked;
        if (issued) {
            outcome.issued = asked.signer;
        } else {
            outcome.refused = kDown;
        }
        outcome.granted_by = granted_by;
        last = run(module.notify(outcome));
    }

    std::string heard() {
        std::string text;
        for (const auto& member : {a, b, c}) {
            text += member->name() + ":";
            for (const auto& each : member->heard)
                text += each + ",";
            member->heard.clear();
        }
        return text;
    }

    std::shared_ptr<Member> a = std::make_shared<Member>("a");
    std::shared_ptr<Member> b = std::make_shared<Member>("b");
    std::shared_ptr<Member> c = std::make_shared<Member>("c");
    EnrollmentRequest asked = request(matching_contents());
    Result<void> last;
};

TEST_F(CompositeModuleTest, ItIsNamedByItsMembersInOrder) {
    EXPECT_EQ(any()->name(), "a|b|c");
    EXPECT_EQ(all()->name(), "a+b+c");
    EXPECT_EQ(of(Kind::kAll, {of(Kind::kAny, {a, b}), c})->name(), "(a|b)+c");
}

TEST_F(CompositeModuleTest, WithoutMembersOrWithOneTwiceThereIsNone) {
    EXPECT_THROW(of(Kind::kAny, {}), std::invalid_argument);
    EXPECT_THROW(of(Kind::kAll, {a, nullptr}), std::invalid_argument);
    EXPECT_THROW(of(Kind::kAll, {a, a}), std::invalid_argument);
}

TEST_F(CompositeModuleTest, OfAnyTheFirstGrantCountsAndNobodyElseIsAsked) {
    a->refusal = kWrongPassword;
    const auto grant = verify(*any(), asked);
    ASSERT_TRUE(grant);
    EXPECT_EQ(grant->policy(), "b");
    EXPECT_EQ(a->asked, 1);
    EXPECT_EQ(c->asked, 0);
    EXPECT_EQ(heard(), "a:b:c:") << "the request was granted: there is no refusal to hear of";
}

TEST_F(CompositeModuleTest, OfAnyWhenAllRefuseTheOneThatCameFurthestCounts) {
    a->refusal = c->refusal = kWrongPassword;
    b->refusal = kWrongName;
    const auto refused = verify(*any(), asked);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, "SubjectNameMismatch");
    EXPECT_EQ(refused.error().fail_info, FailInfo::kBadRequest);
    EXPECT_EQ(refused.error().text,
              "a: ChallengeMismatch, not the password; b: SubjectNameMismatch, not the name; "
              "c: ChallengeMismatch, not the password");
}

TEST_F(CompositeModuleTest, OfAnyNothingIsFinalWhileOneCannotDecide) {
    a->refusal = c->refusal = kWrongName;
    b->refusal = kDown;
    const auto refused = verify(*any(), asked);
    ASSERT_FALSE(refused);
    EXPECT_TRUE(refused.error().temporary);
    EXPECT_EQ(refused.error().code, "IntuneUnavailable");
    EXPECT_EQ(heard(), "a:b:c:");
}

TEST_F(CompositeModuleTest, OfAnyOneThatCannotDecideDoesNotStopAnotherOne) {
    a->refusal = kDown;
    EXPECT_EQ(outcome(verify(*any(), asked)), "ok");
}

TEST_F(CompositeModuleTest, OfAllEveryOneHasToGrant) {
    const auto grant = verify(*all(), asked);
    ASSERT_TRUE(grant);
    EXPECT_EQ(grant->policy(), "a+b+c");
    b->refusal = kWrongName;
    const auto refused = verify(*all(), asked);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, "SubjectNameMismatch");
    EXPECT_EQ(refused.error().text, "b: not the name");
    EXPECT_EQ(c->asked, 1) << "not asked after the refusal";
}

TEST_F(CompositeModuleTest, OfAllOneThatCannotDecideLeavesItOpen) {
    b->refusal = kDown;
    const auto refused = verify(*all(), asked);
    ASSERT_FALSE(refused);
    EXPECT_TRUE(refused.error().temporary);
    EXPECT_EQ(heard(), "a:refused a,b:c:");
}

TEST_F(CompositeModuleTest, OfAllGrantsThatContradictEachOtherAreNone) {
    using certs::KeyUsage;
    using enum certs::KeyUsageBit;
    const auto other = certs::Name::from_text("CN=other").value();
    const std::pair<const char*, std::function<void(GrantMaker&)>> changes[] = {
        {"subject", [&](GrantMaker& m) { m.names(other, matching_contents().subject_alt_name); }},
        {"subjectAltName", [](GrantMaker& m) { m.names(matching_contents().subject, {}); }},
        {"key usage", [](GrantMaker& m) { m.key_usage(KeyUsage{kDigitalSignature}); }},
        {"extended key usage",
         [](GrantMaker& m) {
             m.extended_key_usage(certs::ExtendedKeyUsage{
                 certs::extended_key_usage_from_text("serverAuth").value()});
         }},
        {"template", [](GrantMaker& m) { m.template_name("other"); }},
        {"SID", [](GrantMaker& m) { m.sid("S-1-5-21-1-2-3-4"); }},
        {"challenge",
         [](GrantMaker& m) {
             m.redemption({"other", Bytes{1}, 1});
         }},
    };
    a->change = [](GrantMaker& m) {
        m.key_usage(KeyUsage{kKeyEncipherment})
            .extended_key_usage(matching_contents().extended_key_usage)
            .template_name("one")
            .sid("S-1-5-21-1-2-3-1")
            .redemption({"one", Bytes{1}, 1});
    };
    EXPECT_EQ(outcome(verify(*all(), asked)), "ok") << "the others give none of it";
    for (const auto& [what, change] : changes) {
        b->change = change;
        heard();
        const auto refused = verify(*all(), asked);
        ASSERT_FALSE(refused) << what;
        EXPECT_EQ(refused.error().code, "PolicyDisagree");
        EXPECT_EQ(refused.error().check, what);
        EXPECT_EQ(refused.error().fail_info, FailInfo::kBadRequest);
        EXPECT_NE(refused.error().text.find(std::string(what) + ":"), std::string::npos)
            << refused.error().text;
        EXPECT_EQ(heard(), "a:refused a,b:refused b,c:refused c,") << what;
    }
}

TEST_F(CompositeModuleTest, OfAllIsGrantedWhatAllOfThemAllow) {
    const auto spelt = certs::Name::from_text("CN=DEVICE-0001,O=example ltd").value();
    a->change = [&](GrantMaker& m) {
        m.names(spelt, matching_contents().subject_alt_name)
            .max_validity(100)
            .identities("device", "");
    };
    b->change = [](GrantMaker& m) {
        m.max_validity(50).needs_approval(true).template_name("one").identities("other", "user");
    };
    const auto limits = std::make_shared<const SignerLimits>();
    c->change = [&](GrantMaker& m) {
        m.redemption({"one", Bytes{1}, 7})
            .signer_limits(limits)
            .extended_key_usage(matching_contents().extended_key_usage);
    };
    const auto grant = verify(*all(), asked);
    ASSERT_TRUE(grant) << grant.error().text;
    EXPECT_EQ(grant->subject().text(), spelt.text()) << "the first one's, as none chose it";
    EXPECT_EQ(grant->max_validity(), 50);
    EXPECT_TRUE(grant->needs_approval());
    EXPECT_EQ(grant->template_name(), "one");
    EXPECT_EQ(grant->device_id(), "device");
    EXPECT_EQ(grant->user_id(), "user");
    ASSERT_TRUE(grant->redemption());
    EXPECT_EQ(grant->redemption()->expires, 7);
    EXPECT_EQ(grant->signer_limits(), limits);
    EXPECT_TRUE(grant->stripped().empty()) << "one of them grants the usages that were asked for";
    a->change = [](GrantMaker& m) { m.redemption({"one", Bytes{1}, 9}); };
    EXPECT_EQ(verify(*all(), asked).value().redemption()->expires, 9);
}

TEST_F(CompositeModuleTest, OfAllNamesAreAsTheFirstGivesThemThatDoesNotTakeTheDevices) {
    const auto one = certs::GeneralName::make(certs::GeneralNameType::kDns, "one.example").value();
    const auto two = certs::GeneralName::make(certs::GeneralNameType::kDns, "two.example").value();
    const auto give = [&](const char* subject, certs::GeneralNames names, NamesBy by) {
        return [=](GrantMaker& m) { m.names(certs::Name::from_text(subject).value(), names, by); };
    };
    a->change = give("CN=DEVICE", {two, one}, NamesBy::kRequest);
    b->change = give("CN=Device", {one, two}, NamesBy::kModule);
    c->change = give("CN=device", {two, one}, NamesBy::kModule);
    auto grant = verify(*all(), asked);
    ASSERT_TRUE(grant) << grant.error().text;
    EXPECT_EQ(grant->subject().text(), "CN=Device");
    EXPECT_EQ(certs::to_text(grant->subject_alt_name()), "dns:one.example, dns:two.example");
    b->change = give("CN=Device", {one, two}, NamesBy::kRequest);
    c->change = give("CN=device", {one, two}, NamesBy::kRequest);
    grant = verify(*all(), asked);
    ASSERT_TRUE(grant) << grant.error().text;
    EXPECT_EQ(grant->subject().text(), "CN=DEVICE") << "none chose them: the first one's";
    EXPECT_EQ(certs::to_text(grant->subject_alt_name()), "dns:two.example, dns:one.example");
}

TEST_F(CompositeModuleTest, OfWhatWasGrantedOnlyThoseHearWhoHadAPartInIt) {
    notify(*any(), "b");
    EXPECT_EQ(heard(), "a:b:issued b,c:");
    notify(*all(), "a+b+c");
    EXPECT_EQ(heard(), "a:issued a,b:issued b,c:issued c,");
    notify(*of(Kind::kAll, {of(Kind::kAny, {a, b}), c}), "b+c", false);
    EXPECT_EQ(heard(), "a:b:refused b,c:refused c,");
    notify(*of(Kind::kAny, {of(Kind::kAll, {a, b}), c}), "a+b");
    EXPECT_EQ(heard(), "a:issued a,b:issued b,c:");
    notify(*any(), "somebody that went away");
    EXPECT_EQ(heard(), "a:b:c:");
    EXPECT_TRUE(last);
}

TEST_F(CompositeModuleTest, RenewalsByTheRuleAloneAreToldToAllWhoHear) {
    b->hears = false;
    notify(*any(), std::string(kRenewalPolicy));
    EXPECT_EQ(heard(), "a:issued renewal,b:c:issued renewal,");
}

TEST_F(CompositeModuleTest, ARefusalByPolicyIsHeardOnceByEachThatWasAsked) {
    b->refusal = kWrongName;
    const auto module = all();
    EXPECT_FALSE(verify(*module, asked));
    notify(*module, "", false);
    EXPECT_EQ(heard(), "a:refused a,b:refused -,c:");
}

TEST_F(CompositeModuleTest, WhoCouldNotBeToldOfARefusalStandsInItsText) {
    b->refusal = kWrongName;
    a->failure = Error{Errc::kUnavailable, "it is down"};
    EXPECT_EQ(verify(*all(), asked).error().text, "b: not the name; notify: it is down");
}

TEST_F(CompositeModuleTest, WhatCannotBeToldKeepsTheCertificateBack) {
    b->failure = Error{Errc::kDenied, "gone"};
    notify(*all(), "a+b+c");
    ASSERT_FALSE(last);
    EXPECT_EQ(last.error().code, Errc::kDenied);
    EXPECT_EQ(heard(), "a:issued a,b:issued b,c:");
    notify(*all(), "a+b+c", false);
    EXPECT_FALSE(last);
    EXPECT_EQ(heard(), "a:refused a,b:refused b,c:refused c,") << "a failure keeps nobody else out";
}

TEST_F(CompositeModuleTest, WhatItNeedsIsWhatItsMembersNeed) {
    EXPECT_FALSE(all()->may_wait());
    EXPECT_FALSE(all()->uses_up_challenges());
    a->hears = b->hears = c->hears = false;
    EXPECT_FALSE(all()->hears_outcomes());
    b->waits = b->uses_up = b->hears = true;
    EXPECT_TRUE(all()->may_wait());
    EXPECT_TRUE(all()->uses_up_challenges());
    EXPECT_TRUE(all()->hears_outcomes());
}

TEST_F(CompositeModuleTest, AnExplanationHasEveryMembersVerdict) {
    b->refusal = kWrongName;
    const auto whole = run(all()->explain(asked, Reach::kOffline));
    ASSERT_EQ(whole.verdicts.size(), 3U);
    EXPECT_EQ(whole.verdicts[0].outcome, Verdict::Outcome::kPassed);
    EXPECT_EQ(whole.verdicts[1].code, "SubjectNameMismatch");
    EXPECT_EQ(whole.verdicts[2].module, "c") << "judged though it would not have been asked";
    ASSERT_TRUE(whole.outcome);
    EXPECT_EQ(whole.outcome->error().code, "SubjectNameMismatch");
    EXPECT_EQ(heard(), "a:b:c:") << "explaining tells nobody anything";
}

TEST_F(CompositeModuleTest, AnExplanationSaysWhereItHangsOnAServiceThatWasNotAsked) {
    a->waits = true;
    auto whole = run(all()->explain(asked, Reach::kOffline));
    EXPECT_EQ(a->asked, 0);
    EXPECT_EQ(whole.verdicts[0].outcome, Verdict::Outcome::kSkipped);
    EXPECT_FALSE(whole.outcome);
    b->refusal = kWrongName;
    whole = run(all()->explain(asked, Reach::kOffline));
    ASSERT_TRUE(whole.outcome) << "whatever the service says";
    EXPECT_EQ(whole.outcome->error().code, "SubjectNameMismatch");
    whole = run(any()->explain(asked, Reach::kOffline));
    ASSERT_TRUE(whole.outcome);
    EXPECT_EQ(whole.outcome->value().policy(), "c");
    whole = run(of(Kind::kAny, {a, b})->explain(asked, Reach::kOffline));
    EXPECT_FALSE(whole.outcome);
    whole = run(all()->explain(asked, Reach::kOnline));
    EXPECT_EQ(a->asked, 1);
    EXPECT_TRUE(whole.outcome);
}

TEST_F(CompositeModuleTest, AnExplanationSaysWhereTheyDisagree) {
    b->change = [](GrantMaker& m) { m.names(matching_contents().subject, {}); };
    const auto whole = run(all()->explain(asked, Reach::kOffline));
    EXPECT_EQ(whole.verdicts.back().module, "a+b+c");
    EXPECT_EQ(whole.verdicts.back().code, "PolicyDisagree");
}

// Two members that wait on other threads, 64 requests at once on one module: each gets its own.
TEST_F(CompositeModuleTest, ManyRequestsAtOnceDoNotSeeEachOther) {
    asio::thread_pool pool(4);
    a->elsewhere = b->elsewhere = &pool;
    a->waits = b->waits = true;
    const auto module = of(Kind::kAll, {a, b, c});
    struct Asked {
        EnrollmentRequest request;
        std::future<Answer> answer;
    };
    std::vector<std::unique_ptr<Asked>> requests;
    for (int i = 0; i < 64; ++i) {
        auto contents = matching_contents();
        contents.subject = certs::Name::from_text("CN=device-" + std::to_string(i)).value();
        requests.push_back(std::make_unique<Asked>(Asked{request(contents), {}}));
        Asked& each = *requests.back();
        each.answer = asio::co_spawn(pool, module->verify_request(each.request), asio::use_future);
    }
    for (std::size_t i = 0; i < requests.size(); ++i) {
        const auto grant = requests[i]->answer.get();
        ASSERT_TRUE(grant) << grant.error().text;
        EXPECT_EQ(grant->subject().text(), "CN=device-" + std::to_string(i));
    }
    pool.join();
    EXPECT_EQ(a->asked, 64);
    EXPECT_EQ(c->asked, 64);
}

}  // namespace
}  // namespace scepgate::policy::testing::this_file
