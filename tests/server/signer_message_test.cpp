#include <gtest/gtest.h>

#include "server/signer/message.hpp"

namespace scepgate::server::signer::this_file {
namespace {

IssueOrder issue_order() {
    IssueOrder order;
    order.id.fill(7);
    order.ca = "lab";
    order.template_name = "DeviceGeneral";
    order.endpoint = "/scep";
    order.transaction_id = "T1";
    order.csr = {0x30, 0x00};
    order.grant = to_bytes(as_bytes("{}"));
    return order;
}

Refusal refusal() {
    Refusal made;
    made.fail_info = FailInfo::kBadTime;
    made.code = "SignerRateLimited";
    made.text = "rate: expected '1', found '2'";
    made.temporary = true;
    made.expected = "1";
    made.found = "2";
    made.hint = "wait";
    made.check = "rate";
    return made;
}

/// One frame by hand.
Bytes frame(std::uint8_t kind, std::initializer_list<std::uint8_t> fields) {
    Bytes out{'S', 'G', 1, kind, 0, 0, 0, static_cast<std::uint8_t>(fields.size())};
    for (const std::uint8_t octet : fields)
        out.push_back(octet);
    return out;
}

TEST(SignerMessageTest, BringsEveryOrderAcross) {
    for (const Order& order : {Order(DescribeOrder{"lab"}), Order(issue_order()),
                               Order(CrlOrder{"lab", Bytes(100'000, 0x30)}),
                               Order(ResponderOrder{"lab", {0x30, 0x01, 0x00}})}) {
        const Bytes octets = encode(order);
        const auto decoded = decode_order(octets);
        ASSERT_TRUE(decoded) << decoded.error().detail;
        EXPECT_TRUE(*decoded == order);
        EXPECT_EQ(read_order_header(octets)->length, octets.size() - kHeaderSize);
        EXPECT_FALSE(decode_answer(octets)) << "an order is no answer";
    }
}

TEST(SignerMessageTest, BringsEveryAnswerAcross) {
    const Description description{
        {1, 2}, {"A", "B"}, {"http://a.example/c"}, {"http://a.example/d"}, 0x0102030405060708};
    const Description without_base{{1, 2}, {"A"}, {}, {}, 0};
    const IssuedAnswer issued{{3}, {"note", "another"}};
    const SignatureAnswer signature{{4, 5}};
    EXPECT_TRUE(std::get<Description>(*decode_answer(encode(Answer(description)))) == description);
    EXPECT_TRUE(std::get<Description>(*decode_answer(encode(Answer(without_base)))) ==
                without_base);
    EXPECT_TRUE(std::get<IssuedAnswer>(*decode_answer(encode(Answer(issued)))) == issued);
    EXPECT_TRUE(std::get<SignatureAnswer>(*decode_answer(encode(Answer(signature)))) == signature);
    const Bytes octets = encode(Answer(refusal()));
    const Refusal back = std::get<Refusal>(*decode_answer(octets));
    EXPECT_EQ(encode(Answer(back)), octets);
    EXPECT_EQ(back.fail_info, FailInfo::kBadTime);
    EXPECT_TRUE(back.temporary);
    EXPECT_EQ(back.code, "SignerRateLimited");
    EXPECT_EQ(back.text, refusal().text);
    EXPECT_EQ(back.hint, "wait");
    EXPECT_FALSE(decode_order(octets)) << "an answer is no order";
}

TEST(SignerMessageTest, CutsTextsOfARefusalThatAreTooLong) {
    Refusal longest = refusal();
    longest.text = std::string(100'000, 'x');
    const auto back = decode_answer(encode(Answer(longest)));
    ASSERT_TRUE(back);
    EXPECT_EQ(std::get<Refusal>(*back).text.size(), 4096U);
}

TEST(SignerMessageTest, RefusesEveryTruncationAndEveryTrailingOctet) {
    const Bytes octets = encode(Order(issue_order()));
    for (std::size_t length = 0; length < octets.size(); ++length)
        EXPECT_FALSE(decode_order(ByteView(octets).first(length))) << length;
    Bytes longer = octets;
    longer.push_back(0);
    EXPECT_FALSE(decode_order(longer));
}

TEST(SignerMessageTest, KnowsAHeaderBeforeAnythingIsReadBehindIt) {
    Bytes header = encode(Order(DescribeOrder{"lab"}));
    header.resize(kHeaderSize);
    ASSERT_TRUE(read_order_header(header));
    Bytes later = header;
    later[2] = 2;
    EXPECT_EQ(read_order_header(later).error().code, Errc::kUnsupported);
    Bytes stranger = header;
    stranger[0] = 'G';
    EXPECT_EQ(read_order_header(stranger).error().code, Errc::kMalformed);
    Bytes unknown = header;
    unknown[3] = 0x40;
    EXPECT_EQ(read_order_header(unknown).error().code, Errc::kMalformed);
    Bytes long_one = header;
    long_one[4] = 0x7F;
    EXPECT_EQ(read_order_header(long_one).error().code, Errc::kMalformed);
    EXPECT_EQ(read_order_header(ByteView(header).first(7)).error().code, Errc::kMalformed);
}

struct BadFrame {
    const char* name;
    Bytes octets;
};

TEST(SignerMessageTest, RefusesFramesThatTheEncoderDoesNotWrite) {
    const std::vector<BadFrame> bad{
        {"EmptyField", frame(1, {1, 0, 0, 0, 0})},
        {"NoField", frame(1, {})},
        {"UnknownTag", frame(1, {1, 0, 0, 0, 1, 'x', 9, 0, 0, 0, 1, 'y'})},
        {"TagTwice", frame(1, {1, 0, 0, 0, 1, 'x', 1, 0, 0, 0, 1, 'y'})},
        {"OutOfOrder", frame(3, {2, 0, 0, 0, 1, 'x', 1, 0, 0, 0, 1, 'y'})},
        {"LengthBeyondTheFrame", frame(1, {1, 0, 0, 0, 9, 'x'})},
        {"LengthThatWraps", frame(1, {1, 0xFF, 0xFF, 0xFF, 0xFF, 'x'})},
        {"ShortId", frame(2, {1, 0, 0, 0, 1, 'x'})},
    };
    for (const BadFrame& each : bad)
        EXPECT_FALSE(decode_order(each.octets)) << each.name;
    EXPECT_FALSE(decode_answer(frame(0xFF, {1, 0, 0, 0, 1, '9'}))) << "a failInfo that is none";
    EXPECT_FALSE(decode_answer(frame(0xFF, {1, 0, 0, 0, 1, '2', 2, 0, 0, 0, 1, 'x'})));
}

TEST(SignerMessageTest, DoesNotWriteAnOrderThatTheSignerWouldNotRead) {
    IssueOrder order = issue_order();
    order.grant = Bytes(300 * 1024, 'x');
    EXPECT_THROW((void)encode(Order(order)), std::length_error);
}

}  // namespace
}  // namespace scepgate::server::signer::this_file
