#include <gtest/gtest.h>

#include "server/intune_revocation.hpp"

namespace scepgate::server::this_file {
namespace {

TEST(IntuneSerialTest, EverySpellingOfANumberIsTheSame) {
    for (const char* text : {"1ab2", "1AB2", "01ab2", "001AB2", "0001ab2"}) {
        const auto read = read_intune_serial(text);
        ASSERT_TRUE(read) << text;
        EXPECT_EQ(*read, "1ab2") << text;
    }
    EXPECT_EQ(read_intune_serial("f").value(), "0f");
    EXPECT_EQ(read_intune_serial("0").value(), "00");
}

TEST(IntuneSerialTest, WhatIsNoNumberIsRefused) {
    const std::string longest(81, '1');
    for (const char* text : {"", "0x1a", "1a 2b", "1a:2b", "-1", "xyz", longest.c_str()})
        EXPECT_FALSE(read_intune_serial(text)) << text;
}

}  // namespace
}  // namespace scepgate::server::this_file
