#include "server/accept_loop.hpp"

#include <boost/asio/error.hpp>
#include <gtest/gtest.h>

namespace scepgate::server::this_file {
namespace {

using boost::system::error_code;

/// A listener without a socket: what its system calls give is in the test's hand.
class Loop final : public AcceptLoop {
public:
    using AcceptLoop::accept_waiting;
    using AcceptLoop::wait;

    void on_drain() noexcept override {}
    void on_cut() noexcept override {}

    bool open = true;
    bool can_wait = true;
    bool can_complain = true;
    bool can_admit = true;
    error_code accepted = boost::asio::error::would_block;
    int waits = 0;
    std::vector<std::string> complaints;

private:
    [[nodiscard]] bool listening() const noexcept override { return open; }
    void begin_wait() override {
        if (!can_wait) throw std::bad_alloc();
        ++waits;
    }
    error_code accept_some() override {
        if (!can_admit) throw std::bad_alloc();
        return accepted;
    }
    void complain_of_shortage(std::string_view why) override {
        if (!can_complain) throw std::bad_alloc();
        complaints.emplace_back(why);
    }
};

/// How long it pauses; as the sweeper does, the deadline is then over.
std::chrono::milliseconds pause_of(Loop& loop) {
    const auto left = loop.deadline - std::chrono::steady_clock::now();
    loop.deadline = Watched::kNever;
    return std::chrono::ceil<std::chrono::milliseconds>(left);
}

TEST(AcceptLoopTest, WaitsAgainAfterWhatWaitedWasAccepted) {
    Loop loop;
    loop.wait();
    loop.accept_waiting();
    EXPECT_EQ(loop.waits, 2);
    EXPECT_EQ(loop.deadline, Watched::kNever);
}

TEST(AcceptLoopTest, A_H05_WithoutDescriptorsItPausesLongerAndLongerAndSaysWhatToDo) {
    Loop loop;
    loop.accepted = boost::asio::error::no_descriptors;
    for (const int expected : {50, 100, 200, 400, 800, 1000, 1000}) {
        loop.accept_waiting();
        EXPECT_NEAR(static_cast<double>(pause_of(loop).count()), expected, 20);
    }
    EXPECT_EQ(loop.waits, 0);
    EXPECT_NE(loop.complaints.at(0).find("raise LimitNOFILE"), std::string::npos);
    loop.on_deadline();
    EXPECT_EQ(loop.waits, 1);
    loop.accepted = {};
    loop.accept_waiting();
    loop.accepted = boost::asio::error::no_descriptors;
    loop.accept_waiting();
    EXPECT_NEAR(static_cast<double>(pause_of(loop).count()), 50, 20) << "as the first time";
}

TEST(AcceptLoopTest, A_H05_WhateverThrowsForWantOfMemoryItGoesOn) {
    for (bool Loop::*lacking : {&Loop::can_admit, &Loop::can_wait}) {
        Loop loop;
        loop.*lacking = false;
        loop.can_complain = false;
        loop.accept_waiting();
        EXPECT_GT(pause_of(loop).count(), 0);
        loop.*lacking = true;
        loop.on_deadline();
        EXPECT_EQ(loop.waits, 1);
    }
}

TEST(AcceptLoopTest, EndsWithItsSocket) {
    Loop loop;
    loop.open = false;
    loop.on_deadline();
    EXPECT_EQ(loop.waits, 0);
}

TEST(OnceASecondTest, TellsHowManyWereNotTold) {
    OnceASecond lines;
    EXPECT_EQ(lines.pass(), "");
    EXPECT_EQ(lines.pass(), std::nullopt);
    EXPECT_EQ(lines.pass(), std::nullopt);
    std::this_thread::sleep_for(std::chrono::milliseconds(1010));
    EXPECT_EQ(lines.pass(), " (and 2 times more before)");
    EXPECT_EQ(lines.pass(), std::nullopt);
}

}  // namespace
}  // namespace scepgate::server::this_file
