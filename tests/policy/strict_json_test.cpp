#include "policy/strict_json.hpp"

#include <gtest/gtest.h>

namespace scepgate::policy::this_file {
namespace {

struct Row {
    const char* name;
    std::string_view text;
    bool good;
};

using namespace std::string_view_literals;

const Row kRows[] = {
    {"AnObject", R"({"a":1,"b":[true,null,"x"]})", true},
    {"SameNameInDifferentObjects", R"({"a":{"x":1},"b":{"x":1},"c":[{"x":1},{"x":2}]})", true},
    {"EightLevels", R"([[[[[[[[1]]]]]]]])", true},
    {"NineLevels", R"([[[[[[[[[1]]]]]]]]])", false},
    {"NineLevelsOfObjects", R"({"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{}}}}}}}}})", false},
    {"DuplicateName", R"({"a":1,"a":1})", false},
    {"DuplicateNameBelow", R"({"a":[{"x":1,"y":2,"x":3}]})", false},
    {"DuplicateNameByEscape", R"({"a":1,"\u0061":2})", false},
    {"DuplicateNameAfterAnObject", R"({"a":{"b":1},"a":2})", false},
    {"ByteOrderMark", "\xEF\xBB\xBF{}", false},
    {"Empty", "", false},
    {"TrailingValue", "{} {}", false},
    {"TrailingNul", "{}\0"sv, false},
    {"OctetsAfterNul", "{}\0{}"sv, false},
    {"NulInAString", "{\"a\":\"\0\"}"sv, false},
    {"Comment", "{/*x*/}", false},
    {"TrailingComma", R"({"a":1,})", false},
    {"SingleQuotes", "{'a':1}", false},
    {"NotANumber", R"({"a":NaN})", false},
    {"Infinity", R"({"a":-Infinity})", false},
    {"NumberBeyondDouble", R"({"a":1e400})", false},
    {"LeadingZero", R"({"a":01})", false},
    {"OverlongUtf8", "{\"a\":\"\xC0\x80\"}", false},
    {"BareContinuation", "{\"a\":\"\x80\"}", false},
    {"LoneSurrogate", R"({"a":"\ud800"})", false},
    {"RawControlCharacter", "{\"a\":\"\x01\"}", false},
    {"Truncated", R"({"a":)", false},
};

class StrictJsonTest : public ::testing::TestWithParam<Row> {};

INSTANTIATE_TEST_SUITE_P(C10, StrictJsonTest, ::testing::ValuesIn(kRows),
                         [](const auto& tested) { return std::string(tested.param.name); });

TEST_P(StrictJsonTest, TakesOnlyWhatTheStandardSays) {
    const auto parsed = parse_strict_json(GetParam().text);
    EXPECT_EQ(parsed.has_value(), GetParam().good);
    if (!GetParam().good) {
        EXPECT_EQ(parsed.error().code, Errc::kMalformed);
    }
}

TEST(StrictJsonTest, C10_SurvivesDeepNesting) {
    const std::string deep(60'000, '[');
    EXPECT_FALSE(parse_strict_json(deep));
    std::string objects;
    for (int i = 0; i < 10'000; ++i)
        objects += R"({"a":)";
    EXPECT_FALSE(parse_strict_json(objects));
}

}  // namespace
}  // namespace scepgate::policy::this_file
