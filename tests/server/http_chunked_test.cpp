#include "server/http_chunked.hpp"

#include <gtest/gtest.h>

namespace scepgate::server::this_file {
namespace {

using Status = ChunkedDecoder::Status;

struct Outcome {
    Status status = Status::kMore;
    std::string content;
    std::size_t taken = 0;
};

Outcome decode(std::string_view octets, std::size_t limit = 1000, std::size_t step = SIZE_MAX) {
    ChunkedDecoder decoder(limit);
    Bytes body;
    Outcome outcome;
    while (outcome.taken < octets.size() && outcome.status == Status::kMore) {
        std::size_t taken = 0;
        outcome.status = decoder.decode(as_bytes(octets.substr(outcome.taken, step)), body, taken);
        outcome.taken += taken;
    }
    outcome.content = as_text(body);
    return outcome;
}

TEST(ChunkedDecoderTest, ReadsChunksAndLeavesTheNextRequest) {
    const std::string body = "4\r\nWiki\r\n5;x=\"y\"\r\npedia\r\n0\r\n\r\n";
    for (const std::size_t step : {std::size_t{1}, std::size_t{3}, std::size_t{SIZE_MAX}}) {
        const Outcome outcome = decode(body + "GET / HTTP/1.1\r\n", 1000, step);
        EXPECT_EQ(outcome.status, Status::kComplete);
        EXPECT_EQ(outcome.content, "Wikipedia");
        EXPECT_EQ(outcome.taken, body.size());
    }
}

TEST(ChunkedDecoderTest, Z02_DropsTrailers) {
    const Outcome outcome = decode("1\r\nx\r\n0\r\nHost: evil\r\nX-Forwarded-For: 1.2.3.4\r\n\r\n");
    EXPECT_EQ(outcome.status, Status::kComplete);
    EXPECT_EQ(outcome.content, "x");
}

TEST(ChunkedDecoderTest, H09_RefusesWhatIsNotExactlyAChunk) {
    for (const char* octets :
         {"4\nWiki\r\n0\r\n\r\n", "4\r\nWiki\n0\r\n\r\n", "4\r\nWikixx0\r\n\r\n", "\r\n", "x\r\n",
          "-1\r\n", "0x4\r\n", " 4\r\n", "4 \r\n", "00000000000000000000000004\r\n",
          "100000000\r\n", "ffffffffffffffff0\r\n", "4;a\x01\r\n", "4;a\nb\r\n",
          "0\r\nA: b\nC: d\r\n\r\n", "0\r\n\n", "0\r\nA\x7f"}) {
        EXPECT_EQ(decode(octets).status, Status::kBad) << octets;
    }
}

TEST(ChunkedDecoderTest, Z03_CountsContentBeforeItComesAndFramingAsItComes) {
    EXPECT_EQ(decode("a\r\n0123456789\r\n0\r\n\r\n", 10).status, Status::kComplete);
    EXPECT_EQ(decode("b\r\n", 10).status, Status::kTooLarge);
    EXPECT_EQ(decode("a\r\n0123456789\r\n1\r\n", 10).status, Status::kTooLarge);
    EXPECT_EQ(decode("ffffffff\r\n", 10).status, Status::kTooLarge);
    EXPECT_EQ(decode("1;" + std::string(70'000, 'e')).status, Status::kTooLarge);
    EXPECT_EQ(decode("0\r\n" + std::string(70'000, 't')).status, Status::kTooLarge);
    std::string small_chunks;
    for (int i = 0; i < 14'000; ++i)
        small_chunks += "1\r\nx\r\n";
    EXPECT_EQ(decode(small_chunks, 100'000).status, Status::kTooLarge);
}

TEST(ChunkedDecoderTest, Z04_AChunkEndsWithCrAndLf) {
    for (const char* end : {"\n", "\n\n", "x\n", "\rx", "0\n"})
        EXPECT_EQ(decode("4\r\nWiki" + std::string(end) + "0\r\n\r\n").status, Status::kBad) << end;
}

TEST(ChunkedDecoderTest, WaitsForTheEnd) {
    EXPECT_EQ(decode("4\r\nWiki\r\n").status, Status::kMore);
    EXPECT_EQ(decode("0\r\n", 10, 1).status, Status::kMore);
    EXPECT_EQ(decode("0\r\n\r", 10, 1).status, Status::kMore);
}

}  // namespace
}  // namespace scepgate::server::this_file
