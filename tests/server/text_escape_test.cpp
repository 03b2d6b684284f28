#include "server/text_escape.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace scepgate::server::this_file {
namespace {

std::string escaped(std::string_view text, std::size_t limit = 1024) {
    std::string out;
    append_json_string(out, text, limit);
    return out;
}

TEST(TextEscapeTest, M04_NothingThatForgesALineOrATerminalGetsThrough) {
    EXPECT_EQ(escaped("a\r\nb"), R"("a\u000d\u000ab")");
    EXPECT_EQ(escaped("\x1b[31m"), R"("\u001b[31m")");
    EXPECT_EQ(escaped("\x7f"), R"("\u007f")");
    EXPECT_EQ(escaped("\xE2\x80\xAE"), R"("\u202e")");
    EXPECT_EQ(escaped("\"\\"), R"("\"\\")");
    EXPECT_EQ(escaped(std::string_view("\0", 1)), R"("\u0000")");
}

TEST(TextEscapeTest, ValidUtf8ReadsBackAsJson) {
    for (const std::string text : {"plain", "Zoë", "日本", "\xF0\x9F\x94\x91", "a\tb"}) {
        EXPECT_EQ(nlohmann::json::parse(escaped(text)).get<std::string>(), text);
    }
}

TEST(TextEscapeTest, InvalidUtf8BecomesTheReplacementCharacter) {
    for (const std::string_view text :
         {"\x80", "\xC0\xAF", "\xE0\x80\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80",
          "\xF5\x80\x80\x80", "\xC3", "\xE2\x82"}) {
        const auto parsed = nlohmann::json::parse(escaped(text)).get<std::string>();
        EXPECT_EQ(parsed.substr(0, 3), "\xEF\xBF\xBD") << ::testing::PrintToString(text);
    }
}

TEST(TextEscapeTest, LongTextIsCut) {
    EXPECT_EQ(escaped(std::string(5000, 'x'), 8), "\"xxxxxxxx...\"");
}

TEST(PrintableTest, M04_KeepsTextAndEscapesWhatSteersATerminal) {
    EXPECT_EQ(printable("plain text, gerät …"), "plain text, gerät …");
    EXPECT_EQ(printable("a\x1b[2Jb"), "a\\u001b[2Jb");
    EXPECT_EQ(printable("a\r\nb\tc\x7f"), "a\\u000d\\u000ab\\u0009c\\u007f");
    EXPECT_EQ(printable("\xC2\x9B"), "\\u009b");
    EXPECT_EQ(printable("\xE2\x80\xAEx"), "\\u202ex");
    EXPECT_EQ(printable("\xFFx"), "\\ufffdx");
}

}  // namespace
}  // namespace scepgate::server::this_file
