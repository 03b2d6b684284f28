#include "bench/http_response.hpp"

#include <gtest/gtest.h>

namespace scepgate::bench::this_file {
namespace {

constexpr std::string_view kWithLength =
    "HTTP/1.1 200 OK\r\ncontent-length: 5\r\nX: y\r\n\r\nhello";
constexpr std::string_view kChunked =
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    "4\r\nhell\r\n1;name=value\r\no\r\n0\r\nTrailer: x\r\n\r\n";

/// Feeds one octet at a time; true when the response is whole with the last one and not before.
bool whole_at_the_last_octet(HttpResponse& response, std::string_view text) {
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto complete = response.append(text.substr(i, 1));
        if (!complete || *complete != (i + 1 == text.size())) return false;
    }
    return true;
}

Errc failure_of(std::string_view text) {
    HttpResponse response;
    const auto complete = response.append(text);
    return complete ? Errc::kInternal : complete.error().code;
}

TEST(HttpResponseTest, ReadsABodyWithALength) {
    HttpResponse response;
    const auto complete = response.append(kWithLength);
    ASSERT_TRUE(complete && *complete);
    EXPECT_EQ(response.status(), 200);
    EXPECT_EQ(response.body(), "hello");
    EXPECT_TRUE(response.keep_alive());
}

TEST(HttpResponseTest, ReadsAChunkedBodyWithExtensionAndTrailer) {
    HttpResponse response;
    const auto complete = response.append(kChunked);
    ASSERT_TRUE(complete && *complete);
    EXPECT_EQ(response.body(), "hello");
}

TEST(HttpResponseTest, IsWholeOnlyWithTheLastOctet) {
    HttpResponse response;
    EXPECT_TRUE(whole_at_the_last_octet(response, kWithLength));
    EXPECT_EQ(response.body(), "hello");
    response.reset();
    EXPECT_TRUE(whole_at_the_last_octet(response, kChunked));
    EXPECT_EQ(response.body(), "hello");
}

TEST(HttpResponseTest, ReadsTheNextResponseAfterReset) {
    HttpResponse response;
    ASSERT_TRUE(response.append(kChunked));
    response.reset();
    EXPECT_FALSE(response.begun());
    const auto complete = response.append("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n");
    ASSERT_TRUE(complete && *complete);
    EXPECT_EQ(response.status(), 503);
    EXPECT_EQ(response.body(), "");
}

TEST(HttpResponseTest, EndsABodyWithoutALengthWhenTheConnectionCloses) {
    HttpResponse response;
    const auto complete = response.append("HTTP/1.0 200 OK\r\n\r\nhel");
    ASSERT_TRUE(complete);
    EXPECT_FALSE(*complete);
    ASSERT_TRUE(response.append("lo"));
    EXPECT_TRUE(response.end_of_stream());
    EXPECT_EQ(response.body(), "hello");
    EXPECT_FALSE(response.keep_alive());
}

TEST(HttpResponseTest, RefusesAConnectionThatClosesTooEarly) {
    HttpResponse silent;
    EXPECT_FALSE(silent.end_of_stream());
    HttpResponse cut;
    ASSERT_TRUE(cut.append(kWithLength.substr(0, kWithLength.size() - 1)));
    EXPECT_FALSE(cut.end_of_stream());
}

TEST(HttpResponseTest, KnowsWhetherTheConnectionStays) {
    const auto stays = [](std::string_view head) {
        HttpResponse response;
        const auto complete = response.append(head);
        return complete && *complete && response.keep_alive();
    };
    EXPECT_TRUE(stays("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
    EXPECT_FALSE(stays("HTTP/1.1 200 OK\r\nConnection: Close\r\nContent-Length: 0\r\n\r\n"));
    EXPECT_FALSE(stays("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n"));
    EXPECT_TRUE(stays("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n"));
}

TEST(HttpResponseTest, RefusesWhatItCannotFrame) {
    EXPECT_EQ(failure_of("SSH-2.0-OpenSSH\r\n\r\n"), Errc::kMalformed);
    EXPECT_EQ(failure_of("HTTP/1.1 2x0 OK\r\n\r\n"), Errc::kMalformed);
    EXPECT_EQ(failure_of("HTTP/1.1 100 Continue\r\n\r\n"), Errc::kMalformed);
    EXPECT_EQ(failure_of("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"), Errc::kMalformed);
    EXPECT_EQ(failure_of("HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n"),
              Errc::kMalformed);
    EXPECT_EQ(failure_of("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nx"), Errc::kMalformed);
    EXPECT_EQ(failure_of("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n"), Errc::kUnsupported);
    EXPECT_EQ(failure_of("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n"),
              Errc::kMalformed);
    EXPECT_EQ(failure_of("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n"),
              Errc::kMalformed);
    EXPECT_EQ(failure_of("HTTP/1.1 200 OK\r\nno colon\r\n\r\n"), Errc::kMalformed);
}

TEST(HttpResponseTest, RefusesAHeadWithoutEnd) {
    EXPECT_EQ(failure_of("HTTP/1.1 200 OK\r\nX: " + std::string(HttpResponse::kMaximumHead, 'x')),
              Errc::kMalformed);
}

}  // namespace
}  // namespace scepgate::bench::this_file
