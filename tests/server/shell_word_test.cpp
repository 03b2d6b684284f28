#include "server/shell_word.hpp"

#include <array>
#include <cstdio>

#include <gtest/gtest.h>

namespace scepgate::server::this_file {
namespace {

/// What a shell makes of it; '|' ends each argument.
std::string read_by_shell(const std::string& word) {
    std::FILE* shell = ::popen(("printf '%s|' " + word).c_str(), "r");
    if (shell == nullptr) return "no shell";
    std::array<char, 256> buffer{};
    const std::size_t size = std::fread(buffer.data(), 1, buffer.size(), shell);
    ::pclose(shell);
    return {buffer.data(), size};
}

TEST(ShellWordTest, LeavesAPlainPathAsItIs) {
    EXPECT_EQ(shell_word("/etc/scepgate/ca-2027_1.pem"), "/etc/scepgate/ca-2027_1.pem");
}

TEST(ShellWordTest, M04_IsOneArgumentToAShellWhateverItHolds) {
    for (const char* text :
         {"",      "x;touch pwned", "$(touch x)", "`touch x`", "a b", "o'dd", "''", "a\nb", "~",
          "*",     "a\\",           "\"",         "a&b",       "a|b", "<a",   ">a", "!x",   "#x",
          "{a,b}", "A=b",           "-n",         "gr\xC3\xBC"}) {
        EXPECT_EQ(read_by_shell(shell_word(text)), std::string(text) + "|");
    }
}

TEST(ShellWordTest, M04_APathIsNoOption) {
    EXPECT_EQ(shell_path("-R"), "./-R");
    EXPECT_EQ(read_by_shell(shell_path("-R; x")), "./-R; x|");
    EXPECT_EQ(shell_path("/-R"), "/-R");
}

}  // namespace
}  // namespace scepgate::server::this_file
