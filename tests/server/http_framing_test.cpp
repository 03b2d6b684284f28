#include "server/http_framing.hpp"

#include <gtest/gtest.h>

#include "server/http_head_scanner.hpp"

namespace scepgate::server::this_file {
namespace {

/// Scanner, parser and checks one after the other, as a session runs them; 200 when all pass.
unsigned judge(std::string_view octets, Framing* framing = nullptr) {
    HeadScanner scanner;
    const auto status = scanner.scan(octets, HttpLimits());
    if (status == HeadScanner::Status::kBad) return 400;
    if (status == HeadScanner::Status::kMore) return 0;
    if (status != HeadScanner::Status::kComplete) return 431;
    ParsedHeader header;
    const auto parsed = parse_header(octets.substr(0, scanner.size()), header);
    if (!parsed) return parsed.error().status;
    const auto checked = check_framing(header);
    if (!checked) return checked.error().status;
    if (framing) *framing = *checked;
    return 200;
}

struct Case {
    const char* what;
    std::string octets;
    unsigned status;
};

void expect_all(const std::vector<Case>& cases) {
    for (const Case& c : cases)
        EXPECT_EQ(judge(c.octets), c.status) << c.what;
}

std::string post(const std::string& fields, const std::string& version = "1.1") {
    return "POST /scep HTTP/" + version + "\r\nHost: a\r\n" + fields + "\r\n";
}

TEST(HttpFramingTest, Z01_TakesTransferEncodingOnlyAsTheSingleTokenChunked) {
    expect_all({
        {"chunked", post("Transfer-Encoding: chunked\r\n"), 200},
        {"case", post("transfer-encoding:ChUnKeD \r\n"), 200},
        {"gzip with a length", post("Transfer-Encoding: gzip\r\nContent-Length: 3\r\n"), 400},
        {"gzip", post("Transfer-Encoding: gzip\r\n"), 400},
        {"chunked then gzip", post("Transfer-Encoding: chunked, gzip\r\n"), 400},
        {"gzip then chunked", post("Transfer-Encoding: gzip, chunked\r\n"), 400},
        {"quoted", post("Transfer-Encoding: \"chunked\"\r\n"), 400},
        {"parameter", post("Transfer-Encoding: chunked;q=1\r\n"), 400},
        {"vertical tab",
         post("Transfer-Encoding: \x0b"
              "chunked\r\n"),
         400},
        {"empty", post("Transfer-Encoding:\r\n"), 400},
        {"identity", post("Transfer-Encoding: identity\r\n"), 400},
        {"twice", post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), 400},
        {"identity and chunked", post("Transfer-Encoding: x\r\nTransfer-Encoding: chunked\r\n"),
         400},
        {"HTTP/1.0", post("Transfer-Encoding: chunked\r\n", "1.0"), 400},
        {"length after", post("Transfer-Encoding: chunked\r\nContent-Length: 3\r\n"), 400},
        {"length before", post("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n"), 400},
        {"folded", post("Transfer-Encoding:\r\n chunked\r\n"), 400},
        {"space before the colon", post("Transfer-Encoding : chunked\r\n"), 400},
    });
}

TEST(HttpFramingTest, H08_TakesContentLengthOnlyOnceAndOnlyAsDigits) {
    expect_all({
        {"plain", post("Content-Length: 5\r\n"), 200},
        {"zero", post("Content-Length: 0\r\n"), 200},
        {"identical repeat", post("Content-Length: 5\r\nContent-Length: 5\r\n"), 400},
        {"conflict", post("Content-Length: 5\r\nContent-Length: 6\r\n"), 400},
        {"list", post("Content-Length: 5, 5\r\n"), 400},
        {"plus", post("Content-Length: +5\r\n"), 400},
        {"minus", post("Content-Length: -1\r\n"), 400},
        {"hexadecimal", post("Content-Length: 0x5\r\n"), 400},
        {"inner space", post("Content-Length: 5 5\r\n"), 400},
        {"2^64", post("Content-Length: 18446744073709551616\r\n"), 400},
        {"empty", post("Content-Length:\r\n"), 400},
        {"NUL", post(std::string("Content-Length: 5\0\r\n", 20)), 400},
    });
}

TEST(HttpFramingTest, H11_UsesThePathOfAnAbsoluteTargetAndRefusesOtherForms) {
    expect_all({
        {"authority", "GET host:80 HTTP/1.1\r\n\r\n", 400},
        {"asterisk", "GET * HTTP/1.1\r\n\r\n", 400},
        {"other scheme", "GET ftp://host/x HTTP/1.1\r\n\r\n", 400},
        {"no authority", "GET http:///x HTTP/1.1\r\n\r\n", 400},
        {"relative", "GET scep HTTP/1.1\r\n\r\n", 400},
        {"raw UTF-8", "GET /\xc3\xa4 HTTP/1.1\r\n\r\n", 400},
        {"DEL", "GET /\x7f HTTP/1.1\r\n\r\n", 400},
        {"tab", "GET /\tx HTTP/1.1\r\n\r\n", 400},
        {"two spaces", "GET  / HTTP/1.1\r\n\r\n", 400},
        {"space in the target", "GET /a b HTTP/1.1\r\n\r\n", 400},
        {"no version", "GET /\r\n\r\n", 400},
        {"HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400},
        {"lower-case version", "GET / http/1.1\r\n\r\n", 400},
        {"dots stay what they are", "GET /../%2e%2e/%00\\ HTTP/1.1\r\n\r\n", 200},
    });
    Framing framing;
    ASSERT_EQ(judge("GET HTTP://u@evil:1/scep?operation=GetCACert HTTP/1.1\r\n\r\n", &framing),
              200U);
    EXPECT_EQ(framing.path, "/scep");
    EXPECT_EQ(framing.query, "operation=GetCACert");
    ASSERT_EQ(judge("GET http://h?a=b?c HTTP/1.1\r\n\r\n", &framing), 200U);
    EXPECT_EQ(framing.path, "/");
    EXPECT_EQ(framing.query, "a=b?c");
    ASSERT_EQ(judge("GET https://h HTTP/1.1\r\n\r\n", &framing), 200U);
    EXPECT_EQ(framing.path, "/");
}

TEST(HttpFramingTest, H12_TakesNoHostOrOneButNotTwo) {
    expect_all({
        {"none on 1.1 (strongSwan 6)", "GET / HTTP/1.1\r\n\r\n", 200},
        {"none on 1.0", "GET / HTTP/1.0\r\n\r\n", 200},
        {"one", "GET / HTTP/1.1\r\nHost: [2001:db8::1]:80\r\n\r\n", 200},
        {"empty", "GET / HTTP/1.1\r\nHost:\r\n\r\n", 200},
        {"two", "GET / HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n", 400},
        {"user info", "GET / HTTP/1.1\r\nHost: a@b\r\n\r\n", 400},
        {"space", "GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400},
        {"merged", "GET / HTTP/1.1\r\nHost: a,b\r\n\r\n", 400},
        {"slash", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400},
        {"control", "GET / HTTP/1.1\r\nHost: a\x01\r\n\r\n", 400},
    });
}

TEST(HttpFramingTest, H13_AnswersOtherMethodsWith405) {
    for (const std::string method :
         {"TRACE", "CONNECT", "PUT", "OPTIONS", "get", "Post", "M-SEARCH"}) {
        EXPECT_EQ(judge(method + " /scep HTTP/1.1\r\n\r\n"), 405U) << method;
    }
    EXPECT_EQ(judge(std::string(5000, 'A') + " / HTTP/1.1\r\n\r\n"), 405U);
    EXPECT_EQ(judge("CONNECT host:80 HTTP/1.1\r\n\r\n"), 405U);
    EXPECT_EQ(judge("OPTIONS * HTTP/1.1\r\n\r\n"), 405U);
    EXPECT_EQ(judge("HEAD / HTTP/1.1\r\n\r\n"), 200U);
}

TEST(HttpFramingTest, Z04_RefusesFoldedFieldsAndLooseLineEnds) {
    expect_all({
        {"folded", "GET / HTTP/1.1\r\nX: a\r\n b\r\n\r\n", 400},
        {"folded with a tab", "GET / HTTP/1.1\r\nX: a\r\n\tb\r\n\r\n", 400},
        {"first line indented", "GET / HTTP/1.1\r\n X: a\r\n\r\n", 400},
        {"LF after the request line", "GET / HTTP/1.1\nX: a\r\n\r\n", 400},
        {"LF after a field", "GET / HTTP/1.1\r\nX: a\nY: b\r\n\r\n", 400},
        {"LF alone at the end", "GET / HTTP/1.1\r\nX: a\r\n\n", 400},
        {"CR in a field", "GET / HTTP/1.1\r\nX: a\rb\r\n\r\n", 400},
        {"CR in the request line", "GET /\ra HTTP/1.1\r\n\r\n", 400},
        {"CR alone after the request line", "GET / HTTP/1.1\rX: a\r\n\r\n", 400},
        {"CR and another after the request line", "GET / HTTP/1.1\r\r\n\r\n", 400},
        {"no colon", "GET / HTTP/1.1\r\nX\r\n\r\n", 400},
        {"empty name", "GET / HTTP/1.1\r\n: a\r\n\r\n", 400},
        {"NUL in a value", std::string("GET / HTTP/1.1\r\nX: a\0b\r\n\r\n", 26), 400},
        {"obs-text in a value", "GET / HTTP/1.1\r\nX: \xe4\r\n\r\n", 200},
    });
}

TEST(HttpFramingTest, H19_RefusesEncodedBodiesAndIgnoresUpgradeAndRange) {
    EXPECT_EQ(judge(post("Content-Encoding: gzip\r\nContent-Length: 5\r\n")), 415U);
    EXPECT_EQ(judge(post("Content-Encoding: identity, gzip\r\nContent-Length: 5\r\n")), 415U);
    EXPECT_EQ(judge(post("Content-Encoding: identity\r\nContent-Length: 5\r\n")), 200U);
    EXPECT_EQ(judge("GET / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nRange: bytes=0-1\r\n"
                    "If-None-Match: *\r\n\r\n"),
              200U);
}

TEST(HttpFramingTest, ADateIsNoConditionBesideATag) {
    const std::string date = "If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n";
    const auto conditions = [](const std::string& fields) {
        const std::string octets = "GET / HTTP/1.1\r\nHost: x\r\n" + fields + "\r\n";
        ParsedHeader header;  // a view of them
        EXPECT_TRUE(parse_header(octets, header));
        std::string tag = "before", since = "before";
        copy_conditions(header, tag, since);
        return tag + "|" + since;
    };
    EXPECT_EQ(conditions(""), "|");
    EXPECT_EQ(conditions(date), "|Sun, 06 Nov 1994 08:49:37 GMT");
    EXPECT_EQ(conditions("If-None-Match: \"a\"\r\n" + date), "\"a\"|");
    EXPECT_EQ(conditions(date + "If-None-Match: " + std::string(257, 'a') + "\r\n"), "|");
    EXPECT_EQ(conditions(date + date), "|") << "which of them?";
    EXPECT_EQ(conditions("If-Modified-Since: " + std::string(65, '1') + "\r\n"), "|");
}

TEST(HttpFramingTest, ReadsBodyAndExpectation) {
    Framing framing;
    ASSERT_EQ(judge(post("Content-Length: 7\r\nExpect: 100-Continue\r\n"), &framing), 200U);
    EXPECT_EQ(framing.body, Framing::Body::kSized);
    EXPECT_EQ(framing.length, 7U);
    EXPECT_TRUE(framing.expect_continue);
    ASSERT_EQ(judge(post("Content-Length: 7\r\nExpect: 100-continue\r\n", "1.0"), &framing), 200U);
    EXPECT_FALSE(framing.expect_continue) << "HTTP/1.0 has no interim replies";
    ASSERT_EQ(judge(post("Expect: 100-continue\r\n"), &framing), 200U);
    EXPECT_EQ(framing.body, Framing::Body::kNone);
    EXPECT_FALSE(framing.expect_continue) << "there is nothing to wait for";
}

TEST(HttpFramingTest, KeepsOnlyPrintableAsciiOfTheUserAgent) {
    const std::string octets =
        "GET / HTTP/1.1\r\nUser-Agent: a\tb\xff" + std::string(400, 'x') + "\r\n\r\n";
    ParsedHeader header;
    ASSERT_TRUE(parse_header(octets, header));
    std::string agent;
    copy_user_agent(header, agent);
    EXPECT_EQ(agent, "a?b?" + std::string(252, 'x'));
}

TEST(HeadScannerTest, JudgesTheSameWhetherOctetsComeOneByOneOrAtOnce) {
    for (const std::string octets :
         {"GET / HTTP/1.1\r\nHost: a\r\nX: b\r\n\r\nrest", "GET / HTTP/1.1\r\n\r\n",
          "GET / HTTP/1.1\r\nX: a\r\n b\r\n\r\n", "GET / HTTP/1.1\nX: a\r\n\r\n"}) {
        HeadScanner at_once;
        const auto expected = at_once.scan(octets, HttpLimits());
        HeadScanner slow;
        auto status = HeadScanner::Status::kMore;
        for (std::size_t n = 1; n <= octets.size() && status == HeadScanner::Status::kMore; ++n) {
            status = slow.scan(std::string_view(octets).substr(0, n), HttpLimits());
        }
        EXPECT_EQ(status, expected) << octets;
        EXPECT_EQ(slow.size(), at_once.size()) << octets;
    }
}

TEST(HeadScannerTest, H14_RefusesATlsClientHelloAtItsFirstOctet) {
    HeadScanner scanner;
    EXPECT_EQ(scanner.scan("\x16", HttpLimits()), HeadScanner::Status::kBad);
}

TEST(HeadScannerTest, H02_CountsFieldsAndTheirOctets) {
    HttpLimits limits;
    limits.header_count = 3;
    limits.header_fields = 30;
    const std::string line = "GET / HTTP/1.1\r\n";
    const auto scan = [&](const std::string& fields) {
        return HeadScanner().scan(line + fields, limits);
    };
    EXPECT_EQ(scan("A:1\r\nB:1\r\nC:1\r\n\r\n"), HeadScanner::Status::kComplete);
    EXPECT_EQ(scan("A:1\r\nB:1\r\nC:1\r\nD:1\r\n\r\n"), HeadScanner::Status::kTooManyFields);
    EXPECT_EQ(scan("A:" + std::string(26, 'x') + "\r\n\r\n"), HeadScanner::Status::kComplete);
    EXPECT_EQ(scan("A:" + std::string(27, 'x') + "\r\n\r\n"), HeadScanner::Status::kFieldsTooLong);
    EXPECT_EQ(scan("A:" + std::string(100, 'x')), HeadScanner::Status::kFieldsTooLong)
        << "refused without waiting for the field's end";
}

TEST(HeadScannerTest, H01_CountsTheRequestLine) {
    HttpLimits limits;
    limits.request_line = 20;
    const auto scan = [&](std::string_view octets) { return HeadScanner().scan(octets, limits); };
    EXPECT_EQ(scan("GET /1234567 HTTP/1.\r\n\r\n"), HeadScanner::Status::kComplete);
    EXPECT_EQ(scan("GET /1234567 HTTP/1.1\r\n\r\n"), HeadScanner::Status::kLineTooLong);
    EXPECT_EQ(scan("GET /12345671234567890"), HeadScanner::Status::kLineTooLong);
}

}  // namespace
}  // namespace scepgate::server::this_file
