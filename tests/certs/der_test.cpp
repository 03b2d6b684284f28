#include "certs/der.hpp"

#include <limits>

#include <gtest/gtest.h>

#include "certs/clock.hpp"
#include "certs/oids.hpp"

namespace scepgate::certs::this_file {
namespace {

Bytes hex(std::string_view text) {
    return from_hex(text).value();
}

TEST(DerReaderTest, ReadsElementsInOrder) {
    const Bytes input =
        hex("0101FF"
            "020105"
            "0500");
    DerReader reader(input);
    EXPECT_TRUE(reader.at(DerTag::kBoolean));
    EXPECT_TRUE(reader.read_boolean().value());
    EXPECT_EQ(reader.read_small_integer().value(), 5);
    const auto null = reader.next();
    ASSERT_TRUE(null);
    EXPECT_EQ(null->tag, DerTag::kNull);
    EXPECT_EQ(to_hex(null->whole), "0500");
    EXPECT_TRUE(reader.empty());
    EXPECT_TRUE(reader.finish("all"));
    EXPECT_FALSE(reader.next());
}

TEST(DerReaderTest, S03_RefusesTruncationAtEveryOffset) {
    const Bytes whole = der::octet_string(Bytes(300, 0xAA));
    for (std::size_t length = 0; length < whole.size(); ++length) {
        DerReader reader(ByteView(whole).first(length));
        const auto result = reader.next();
        ASSERT_FALSE(result) << length;
        EXPECT_EQ(result.error().code, Errc::kMalformed);
    }
    DerReader reader(whole);
    EXPECT_EQ(reader.next()->content.size(), 300U);
}

TEST(DerReaderTest, RefusesLengthsThatAreNotDer) {
    for (const char* text : {
             "30800000",              // indefinite
             "048101AA",              // long form where the short one does
             "0482007F",              // leading zero octet
             "0483000080",            //
             "04FF",                  // reserved
             "0485000000000100",      // five octets
             "04887FFFFFFFFFFFFFFF",  // 2^63-1
             "0484FFFFFFFF",          // beyond the input
         }) {
        const Bytes input = hex(text);
        DerReader reader(input);
        EXPECT_FALSE(reader.next()) << text;
        EXPECT_EQ(reader.rest().size(), input.size()) << "a failed read moved the cursor: " << text;
    }
}

TEST(DerReaderTest, RefusesTagsOfSeveralOctets) {
    const Bytes input =
        hex("1F8101"
            "00");
    EXPECT_FALSE(DerReader(input).next());
}

TEST(DerReaderTest, RefusesEndOfContents) {
    for (const char* text : {"0000", "000101", "2000"}) {
        const Bytes input = from_hex(text).value();
        EXPECT_FALSE(DerReader(input).next()) << text;
    }
}

TEST(DerReaderTest, AFailedReadDoesNotMove) {
    for (const char* text :
         {"010101", "0100", "02020001", "0201FF", "0200", "020900FFFFFFFFFFFFFFFF", "0600",
          "060180", "06022A80", "03020100", "0300", "0400"}) {
        const Bytes input = hex(text);
        DerReader reader(input);
        EXPECT_FALSE(reader.read_boolean()) << text;
        EXPECT_FALSE(reader.read_small_integer()) << text;
        EXPECT_FALSE(reader.read_oid()) << text;
        EXPECT_FALSE(reader.read_octet_bits()) << text;
        EXPECT_FALSE(reader.read(DerTag::kSequence)) << text;
        EXPECT_FALSE(reader.read_whole(DerTag::kSequence)) << text;
        EXPECT_EQ(reader.rest().size(), input.size()) << text;
    }
}

TEST(DerReaderTest, SmallIntegersReachSixtyThreeBits) {
    for (const std::int64_t value :
         {std::int64_t{0}, std::int64_t{127}, std::int64_t{128}, std::int64_t{65537},
          std::numeric_limits<std::int64_t>::max()}) {
        const Bytes encoded = der::integer(value);
        EXPECT_EQ(DerReader(encoded).read_small_integer().value(), value);
    }
}

TEST(DerReaderTest, OptionalElements) {
    const Bytes input = hex("A0020500");
    DerReader reader(input);
    EXPECT_FALSE(reader.read_optional(context_constructed(1)).value());
    EXPECT_EQ(to_hex(*reader.read_optional(context_constructed(0)).value()), "0500");
    EXPECT_FALSE(reader.read_optional(context_constructed(0)).value());

    const Bytes broken = hex("A00205");
    EXPECT_FALSE(DerReader(broken).read_optional(context_constructed(0)));
}

TEST(DerReaderTest, FinishTellsWhatIsLeft) {
    const Bytes input = hex("05000500");
    DerReader reader(input);
    ASSERT_TRUE(reader.next());
    const auto end = reader.finish("Thing");
    ASSERT_FALSE(end);
    EXPECT_EQ(end.error().detail, "Thing: 2 octets too many");
}

TEST(DerWriterTest, WritesLengthsOfEverySize) {
    EXPECT_EQ(to_hex(ByteView(der::octet_string(Bytes(127))).first(2)), "047f");
    EXPECT_EQ(to_hex(ByteView(der::octet_string(Bytes(128))).first(3)), "048180");
    EXPECT_EQ(to_hex(ByteView(der::octet_string(Bytes(256))).first(4)), "04820100");
    EXPECT_EQ(to_hex(ByteView(der::octet_string(Bytes(65536))).first(5)), "0483010000");
    for (const std::size_t size : {0U, 127U, 128U, 255U, 256U, 65535U, 65536U}) {
        const Bytes encoded = der::octet_string(Bytes(size));
        EXPECT_EQ(DerReader(encoded).read(DerTag::kOctetString)->size(), size);
    }
    Bytes out;
    EXPECT_THROW(der::append_header(out, DerTag::kSequence, std::size_t{1} << 31U),
                 std::length_error);
}

TEST(DerWriterTest, WritesMinimalIntegers) {
    EXPECT_EQ(to_hex(der::integer(0)), "020100");
    EXPECT_EQ(to_hex(der::integer(127)), "02017f");
    EXPECT_EQ(to_hex(der::integer(128)), "02020080");
    EXPECT_EQ(to_hex(der::integer(-1)), "0201ff");
    EXPECT_EQ(to_hex(der::integer(-128)), "020180");
    EXPECT_EQ(to_hex(der::integer(-129)), "0202ff7f");
    EXPECT_EQ(to_hex(der::unsigned_integer({})), "020100");
    EXPECT_EQ(to_hex(der::unsigned_integer(hex("000000"))), "020100");
    EXPECT_EQ(to_hex(der::unsigned_integer(hex("00007F"))), "02017f");
    EXPECT_EQ(to_hex(der::unsigned_integer(hex("80"))), "02020080");
}

TEST(DerWriterTest, SetOfSortsItsElements) {
    EXPECT_EQ(to_hex(der::set_of({der::integer(300), der::integer(5), der::integer(4)})),
              "310a"
              "020104"
              "020105"
              "0202012c");
    EXPECT_EQ(to_hex(der::set_of({})), "3100");
}

TEST(DerWriterTest, WritesTheOtherTypes) {
    EXPECT_EQ(to_hex(der::sequence({der::null(), der::boolean(true), der::boolean(false)})),
              "3008"
              "0500"
              "0101ff"
              "010100");
    EXPECT_EQ(to_hex(der::bit_string(hex("A0"))), "030200a0");
    EXPECT_EQ(to_hex(der::oid(oid::kCommonName)), "0603550403");
    EXPECT_EQ(
        to_hex(der::set({der::printable_string("a"), der::utf8_string("b"), der::ia5_string("c")})),
        "3109"
        "130161"
        "0c0162"
        "160163");
    EXPECT_EQ(to_hex(der::concat({der::null(), der::null()})), "05000500");
}

TEST(DerTimeTest, ChangesFromUtcTimeToGeneralizedTimeIn2050) {
    EXPECT_EQ(as_text(ByteView(der::time(0)).subspan(2)), "700101000000Z");
    EXPECT_EQ(der::time(2524607999)[0], 0x17);
    EXPECT_EQ(as_text(ByteView(der::time(2524607999)).subspan(2)), "491231235959Z");
    EXPECT_EQ(der::time(2524608000)[0], 0x18);
    EXPECT_EQ(as_text(ByteView(der::time(2524608000)).subspan(2)), "20500101000000Z");
    EXPECT_EQ(as_text(ByteView(der::time(253402300799)).subspan(2)), "99991231235959Z");
    EXPECT_EQ(as_text(ByteView(der::time(-631152001)).subspan(2)), "19491231235959Z");
    EXPECT_THROW((void)der::time(253402300800), std::out_of_range);
}

TEST(DerTimeTest, ReadsWhatItWrites) {
    for (const std::int64_t time :
         {std::int64_t{-631152001}, std::int64_t{-631152000}, std::int64_t{-1}, std::int64_t{0},
          std::int64_t{951827696}, std::int64_t{2524607999}, std::int64_t{2524608000},
          std::int64_t{253402300799}}) {
        const Bytes encoded = der::time(time);
        EXPECT_EQ(read_time(*DerReader(encoded).next()).value(), time);
    }
}

TEST(DerTimeTest, RefusesTimesThatAreNotDer) {
    const auto read = [](DerTag tag, std::string_view text) {
        const Bytes encoded = der::element(tag, as_bytes(text));
        return read_time(*DerReader(encoded).next());
    };
    for (const char* text :
         {"", "Z", "7001010000Z", "700101000000", "700101000000+0000", "700101000000z",
          "701301000000Z", "700230000000Z", "700101240000Z", "700101006000Z", "700101000060Z",
          "70 101000000Z", "-00101000000Z", "7001010000.0Z", "700001000000Z", "700100000000Z"}) {
        EXPECT_FALSE(read(DerTag::kUtcTime, text)) << text;
    }
    for (const char* text : {"20500101000000", "205001010000Z", "20500101000000.5Z",
                             "20500229000000Z", "2050010100000/Z", "700101000000Z"}) {
        EXPECT_FALSE(read(DerTag::kGeneralizedTime, text)) << text;
    }
    EXPECT_TRUE(read(DerTag::kGeneralizedTime, "20520229000000Z"));
    EXPECT_FALSE(read(DerTag::kIa5String, "700101000000Z"));
}

TEST(ClockTest, UtcTextIsIso8601) {
    EXPECT_EQ(utc_text(0), "1970-01-01T00:00:00Z");
    EXPECT_EQ(utc_text(1795235167), "2026-11-21T04:26:07Z");
    EXPECT_EQ(utc_text(-1), "1969-12-31T23:59:59Z");
    EXPECT_EQ(utc_text(std::numeric_limits<std::int64_t>::max()), "@9223372036854775807");
    EXPECT_EQ(utc_text(std::numeric_limits<std::int64_t>::min()), "@-9223372036854775808");
}

TEST(ClockTest, FixedClockSaysWhatItWasSetTo) {
    FixedClock clock(5);
    EXPECT_EQ(clock.now(), 5);
    clock.set(7);
    EXPECT_EQ(clock.now(), 7);
    EXPECT_GT(SystemClock().now(), 1'700'000'000);
}

}  // namespace
}  // namespace scepgate::certs::this_file
