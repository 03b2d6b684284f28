#include "certs/ber.hpp"

#include <filesystem>
#include <fstream>
#include <iterator>

#include <gtest/gtest.h>

#include "certs/der.hpp"

namespace scepgate::certs::this_file {
namespace {

Bytes hex(std::string_view text) {
    return from_hex(text).value();
}

std::string rewritten(std::string_view text) {
    const auto result = ber_to_der(hex(text));
    return result ? to_hex(*result) : "refused: " + result.error().detail;
}

void expect_refused(ByteView input, BerLimits limits = {}) {
    const auto result = ber_to_der(input, limits);
    ASSERT_FALSE(result) << to_hex(input.first(std::min<std::size_t>(input.size(), 64)));
    EXPECT_EQ(result.error().code, Errc::kMalformed);
}

/// The DER element as BER that is as different as may be: every constructed element of indefinite
/// length, every OCTET STRING in segments, every length in long form.
Bytes loosen(ByteView der) {
    Bytes out;
    DerReader reader(der);
    while (!reader.empty()) {
        const DerElement element = reader.next().value();
        const auto tag = static_cast<std::uint8_t>(element.tag);
        const auto put_primitive = [&out](std::uint8_t with, ByteView content) {
            out.push_back(with);
            out.push_back(0x88);
            for (unsigned shift = 64; shift > 0; shift -= 8) {
                out.push_back(static_cast<std::uint8_t>(content.size() >> (shift - 8)));
            }
            out.insert(out.end(), content.begin(), content.end());
        };
        if ((tag & 0x20U) != 0) {
            const Bytes inner = loosen(element.content);
            out.insert(out.end(), {tag, 0x80});
            out.insert(out.end(), inner.begin(), inner.end());
            out.insert(out.end(), {0x00, 0x00});
        } else if (element.tag == DerTag::kOctetString) {
            out.insert(out.end(), {0x24, 0x80});
            const std::size_t half = element.content.size() / 2;
            put_primitive(tag, element.content.first(half));
            put_primitive(tag, element.content.subspan(half));
            out.insert(out.end(), {0x00, 0x00});
        } else {
            put_primitive(tag, element.content);
        }
    }
    return out;
}

std::vector<std::filesystem::path> recorded_messages() {
    std::vector<std::filesystem::path> found;
    for (const auto& entry :
         std::filesystem::recursive_directory_iterator(SCEPGATE_TEST_DATA "/vectors")) {
        if (entry.path().extension() == ".der") found.push_back(entry.path());
    }
    return found;
}

Bytes read_file(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

TEST(BerTest, DerIsLeftAsItIs) {
    for (const char* text : {"0500", "3000", "30060201050401AA", "3100", "A003020105", "0400"}) {
        EXPECT_EQ(to_hex(hex(text)), rewritten(text));
    }
}

TEST(BerTest, S01_IndefiniteLengthsBecomeDefinite) {
    EXPECT_EQ(rewritten("30800000"), "3000");
    EXPECT_EQ(rewritten("3080020105"
                        "0000"),
              "3003020105");
    EXPECT_EQ(rewritten("3080A080020105"
                        "00000000"),
              "3005a003020105");
    EXPECT_EQ(rewritten("300730800201050000"), "30053003020105");  // inside definite
    EXPECT_EQ(rewritten("308030030201050000"), "30053003020105");  // definite inside
    EXPECT_EQ(rewritten("300830800000308000"
                        "00"),
              "300430003000");
}

TEST(BerTest, S01_LengthsBecomeMinimal) {
    EXPECT_EQ(rewritten("0482000"
                        "1AA"),
              "0401aa");
    EXPECT_EQ(rewritten("3084000000030201"
                        "05"),
              "3003020105");
    EXPECT_EQ(rewritten("04880000000000000001AA"), "0401aa");
    EXPECT_EQ(rewritten("048A0000000000000000000"
                        "1AA"),
              "0401aa");
}

TEST(BerTest, S01_SegmentsOfOctetStringsAreJoined) {
    EXPECT_EQ(rewritten("24800401AA0402BBCC0000"), "0403aabbcc");
    EXPECT_EQ(rewritten("24070401AA0402BBCC"), "0403aabbcc");
    EXPECT_EQ(rewritten("2400"), "0400");
    EXPECT_EQ(rewritten("248024800401AA000024030401BB04000401CC0000"), "0403aabbcc");
    EXPECT_EQ(rewritten("308024800401AA000002010500"
                        "00"),
              "30060401aa020105");
}

TEST(BerTest, ASegmentedStringGrowsItsParentsLength) {
    Bytes input{0x30, 0x80, 0x24, 0x80};
    for (int i = 0; i < 3; ++i) {
        const Bytes segment = der::octet_string(Bytes(100, static_cast<std::uint8_t>(i)));
        input.insert(input.end(), segment.begin(), segment.end());
    }
    input.insert(input.end(), 4, 0x00);
    Bytes joined(300);
    for (std::size_t i = 0; i < joined.size(); ++i)
        joined[i] = static_cast<std::uint8_t>(i / 100);
    EXPECT_EQ(ber_to_der(input).value(), der::sequence({der::octet_string(joined)}));
}

TEST(BerTest, SegmentsOfAnotherTypeAreRefused) {
    for (const char* text : {"2403020105", "24800C01410000",
                             "248030800000"
                             "0000",
                             "2480A0030401AA0000"}) {
        expect_refused(hex(text));
    }
}

TEST(BerTest, PrimitiveContentAndTheOrderOfSetsAreLeftAlone) {
    EXPECT_EQ(rewritten("308004063080020105"
                        "00"
                        "0000"),
              "3008040630800201"
              "0500");
    EXPECT_EQ(rewritten("31800201050201010000"), "3106020105020101");
}

TEST(BerTest, S01_PrimitiveOfIndefiniteLengthIsRefused) {
    for (const char* text : {"04800000", "02800000", "3080048000000000"})
        expect_refused(hex(text));
}

TEST(BerTest, S01_EndOfContentsOutOfPlaceIsRefused) {
    for (const char* text :
         {"2000",      // constructed
          "0000",      // as the element itself
          "30020000",  // in a definite length
          "308030020000"
          "0000",  // the same further in
          "308000010"
          "0"
          "0000",            // with content
          "30040201050000",  // after the end
          "3080", "308000", "3080020105", "300430800201", "30043080020105", "3004308000000000"}) {
        expect_refused(hex(text));
    }
}

TEST(BerTest, OctetsAfterTheElementAreRefused) {
    for (const char* text : {"050000", "3080000000", "05000500"})
        expect_refused(hex(text));
    expect_refused({});
}

TEST(BerTest, S03_HugeLengthsAreRefused) {
    for (const char* text : {"30887FFFFFFFFFFFFFFF", "04887FFFFFFFFFFFFFFF", "0488FFFFFFFFFFFFFFFF",
                             "30890100000000000000000500", "0484FFFFFFFF", "30FF", "30FE00",
                             "3080048401000000"
                             "0000",
                             "300404887FFF"}) {
        expect_refused(hex(text));
    }
}

TEST(BerTest, AChildDoesNotReachBeyondItsParent) {
    expect_refused(
        hex("3005300302010504"
            "00"));  // octets after
    expect_refused(
        hex("30053003"
            "0402AABB"));  // octet string longer than both
    expect_refused(
        hex("3006300204020000"
            "0500"));
}

TEST(BerTest, TagsOfSeveralOctetsAreRefused) {
    expect_refused(hex("3F810100"));
}

TEST(BerTest, S03_NestingIsLimited) {
    const auto nested = [](std::size_t depth) {
        Bytes input;
        for (std::size_t i = 0; i < depth; ++i)
            input.insert(input.end(), {0x30, 0x80});
        input.insert(input.end(), 2 * depth, 0x00);
        return input;
    };
    EXPECT_TRUE(ber_to_der(nested(31)));
    EXPECT_TRUE(ber_to_der(nested(32)));
    expect_refused(nested(33));
    expect_refused(nested(1000));
    expect_refused(nested(200'000));
    // Without the limit it costs no call stack either.
    EXPECT_TRUE(ber_to_der(nested(200'000), {400'000, 400'000}));
}

TEST(BerTest, Z15_NestedConstructedOctetStringsAreLimited) {
    Bytes input;
    for (int i = 0; i < 200'000; ++i)
        input.insert(input.end(), {0x24, 0x80});
    expect_refused(input);
    expect_refused(Bytes(200'000, 0x30));
}

TEST(BerTest, TheNumberOfElementsIsLimited) {
    Bytes content;
    for (int i = 0; i < 100; ++i)
        content.insert(content.end(), {0x05, 0x00});
    const Bytes input = der::sequence({content});
    EXPECT_TRUE(ber_to_der(input, {32, 101}));
    expect_refused(input, {32, 100});
}

TEST(BerTest, RecordedMessagesComeOutAsDer) {
    const auto paths = recorded_messages();
    ASSERT_GE(paths.size(), 28U);
    for (const auto& path : paths) {
        const Bytes message = read_file(path);
        const auto once = ber_to_der(message);
        ASSERT_TRUE(once) << path << once.error().detail;
        EXPECT_TRUE(DerReader(*once).next()) << path;
        EXPECT_EQ(ber_to_der(*once).value(), *once) << path;
    }
}

TEST(BerTest, S01_RecordedMessagesSurviveTheLoosestEncoding) {
    for (const auto& path : recorded_messages()) {
        const Bytes message = ber_to_der(read_file(path)).value();
        EXPECT_EQ(ber_to_der(loosen(message)).value(), message) << path;
    }
}

TEST(BerTest, S03_EveryTruncationIsRefused) {
    const Bytes message =
        ber_to_der(read_file(SCEPGATE_TEST_DATA "/vectors/micromdm/PKCSReq.der")).value();
    const Bytes loose = loosen(message);
    for (const Bytes& input : {message, loose}) {
        for (std::size_t length = 0; length < input.size(); ++length) {
            EXPECT_FALSE(ber_to_der(ByteView(input).first(length))) << length;
        }
    }
}

}  // namespace
}  // namespace scepgate::certs::this_file
