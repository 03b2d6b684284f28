#include <gtest/gtest.h>

#include "tests/server/support/service_lab.hpp"

namespace scepgate::server::testing::this_file {
namespace {

TEST(RolloverServiceTest, C05_ACertificateComesWithTheChainOfTheCaThatIssuedIt) {
    ServiceLab lab;
    lab.endpoint.shape.cert_rep = CertRepShape::kChain;
    const auto request = lab.request();
    const auto before = lab.certificates;
    ASSERT_EQ(lab.ask(request).cert->others, std::vector{before.ca});
    lab.succeed();
    const auto next = lab.certificates;
    lab.certificates = before;  // the device knows no others yet
    const Asked retry = lab.ask(request);
    ASSERT_EQ(retry.outcome(), "success");
    EXPECT_EQ(retry.cert->others, std::vector{before.ca});
    auto later = request;
    later.transaction_id = "later";
    EXPECT_EQ(lab.ask(later).cert->others, std::vector{next.ca});
}

// A device that has not fetched the certificates anew takes no other signature, and after its end
// not that one either.
TEST(RolloverServiceTest, R_C16_TheRaBeforeSignsForWhoWroteToItUntilItExpires) {
    ServiceLab lab;
    const auto before = lab.certificates;
    const auto to_the_old_ra = lab.request();
    lab.succeed();
    const auto next = lab.certificates;
    lab.certificates = before;
    EXPECT_EQ(lab.ask(to_the_old_ra).outcome(), "success");
    lab.clock->set(before.signing.not_after());
    lab.certificates = next;
    auto late = lab.request();
    late.transaction_id = "late";
    late.recipient = before.encryption;
    EXPECT_EQ(lab.ask(late).outcome(), "success");
}

// sscep takes the signer of the replies for the issuer, others the CA itself.
TEST(RolloverServiceTest, C12_WhoeverNamesTheRaBeforeMeansTheCaBefore) {
    ServiceLab lab;
    const auto before = lab.certificates;
    lab.succeed();
    for (const auto& named : {before.ca, before.signing}) {
        auto request = lab.request();
        request.type = scep::MessageType::kGetCrl;
        request.content =
            certs::der::sequence({to_bytes(named.subject_der()), certs::der::integer(1)});
        const Asked asked = lab.ask(request);
        ASSERT_EQ(asked.record.code, "Success");
        EXPECT_TRUE(
            scep::decode_get_crl_reply(asked.reply.body, request, lab.certificates, &before.ca));
    }
}

}  // namespace
}  // namespace scepgate::server::testing::this_file
