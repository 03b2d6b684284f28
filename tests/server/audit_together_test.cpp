// Records of coroutines that are ready together.
#include <algorithm>
#include <array>
#include <atomic>
#include <csignal>
#include <fcntl.h>
#include <fstream>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <gtest/gtest.h>

#include "server/audit_files.hpp"
#include "server/audit_log.hpp"

namespace scepgate::server::this_file {
namespace {

namespace asio = boost::asio;
namespace fs = std::filesystem;

/// Counts the changes of files. Two in a row to one file are one to the kernel, so what is between
/// them is watched too.
class Changes {
public:
    explicit Changes(const std::vector<fs::path>& files) {
        for (const auto& file : files)
            watches_.push_back(::inotify_add_watch(descriptor_, file.c_str(), IN_MODIFY));
    }
    ~Changes() { ::close(descriptor_); }
    Changes(const Changes&) = delete;
    Changes& operator=(const Changes&) = delete;

    /// Of the files, in their order, since the last call.
    std::vector<int> count() {
        std::vector<int> counts(watches_.size());
        alignas(inotify_event) std::array<char, 65536> buffer{};
        const ssize_t got = ::read(descriptor_, buffer.data(), buffer.size());
        for (ssize_t at = 0; at + static_cast<ssize_t>(sizeof(inotify_event)) <= got;) {
            const auto* event = reinterpret_cast<const inotify_event*>(buffer.data() + at);
            for (std::size_t i = 0; i < watches_.size(); ++i)
                counts[i] += event->wd == watches_[i] ? 1 : 0;
            at += static_cast<ssize_t>(sizeof(inotify_event) + event->len);
        }
        return counts;
    }

private:
    int descriptor_ = ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    std::vector<int> watches_;
};

/// Files of this process cannot grow over so many octets.
class SizeLimit {
public:
    explicit SizeLimit(std::uint64_t octets) {
        ::getrlimit(RLIMIT_FSIZE, &before_);
        rlimit now = before_;
        now.rlim_cur = octets;
        ::setrlimit(RLIMIT_FSIZE, &now);
    }
    ~SizeLimit() {
        ::setrlimit(RLIMIT_FSIZE, &before_);
        std::signal(SIGXFSZ, handler_);
    }
    SizeLimit(const SizeLimit&) = delete;
    SizeLimit& operator=(const SizeLimit&) = delete;

private:
    rlimit before_{};
    void (*handler_)(int) = std::signal(SIGXFSZ, SIG_IGN);
};

/// Another process has the head file, as while it writes.
class OthersLock {
public:
    explicit OthersLock(const fs::path& head) : descriptor_(::open(head.c_str(), O_RDWR)) {
        ::flock(descriptor_, LOCK_EX);
    }
    ~OthersLock() { ::close(descriptor_); }
    OthersLock(const OthersLock&) = delete;
    OthersLock& operator=(const OthersLock&) = delete;

    /// Until somebody is kept waiting.
    void wait_for_another() const {
        struct stat status {};
        ::fstat(descriptor_, &status);
        const std::string inode = ':' + std::to_string(status.st_ino) + ' ';
        for (;;) {
            std::ifstream locks("/proc/locks");
            for (std::string line; std::getline(locks, line);) {
                if (line.find("-> FLOCK") != std::string::npos &&
                    line.find(inode) != std::string::npos)
                    return;
            }
            std::this_thread::yield();
        }
    }

private:
    int descriptor_;
};

class AuditTogetherTest : public ::testing::Test {
protected:
    AuditTogetherTest() {
        fs::remove_all(directory_);
        fs::create_directories(directory_);
        log_ = AuditLog::open(file_).value();
    }
    ~AuditTogetherTest() override { fs::remove_all(directory_); }

    static AuditRecord numbered(int number) {
        return AuditRecord("issue", 0).add("number", number);
    }

    /// As a request of which nothing is left to do but this.
    static asio::awaitable<void> write_numbered(std::shared_ptr<AuditLog> log, int number,
                                                std::vector<std::string>& told) {
        auto writing = log->write_with_others(numbered(number));
        const auto written = co_await std::move(writing);
        told.push_back(std::to_string(number) + (written ? "" : ": " + written.error().detail));
    }
    template <class Executor>
    void spawn(Executor executor, int number) {
        asio::co_spawn(executor, write_numbered(log_, number, told_), asio::detached);
    }

    /// Those of the records in the file, in order.
    std::vector<int> numbers() const {
        constexpr std::string_view kMember = "\"number\":";
        std::ifstream stream(file_);
        std::vector<int> all;
        for (std::string line; std::getline(stream, line);) {
            const std::size_t at = line.find(kMember);
            if (at != std::string::npos) all.push_back(std::stoi(line.substr(at + kMember.size())));
        }
        return all;
    }
    AuditReport verify() const { return verify_audit_files({{file_}, {}}, AuditDigest()).value(); }

    fs::path directory_ =
        fs::temp_directory_path() / ("audit-together-" + std::to_string(::getpid()));
    fs::path file_ = directory_ / "audit.jsonl";
    std::shared_ptr<AuditLog> log_;
    std::vector<std::string> told_;
};

constexpr int kMost = static_cast<int>(AuditLog::kMostTogether);

TEST_F(AuditTogetherTest, ThoseThatAreReadyTogetherAreOneAppendAndOneHead) {
    Changes changes({file_, audit_head_file(file_)});
    asio::io_context context{1};
    for (int i = 1; i <= 3; ++i)
        spawn(context.get_executor(), i);
    context.run();
    EXPECT_EQ(changes.count(), (std::vector{1, 1}));
    EXPECT_EQ(numbers(), (std::vector{1, 2, 3}));
    EXPECT_EQ(told_, (std::vector<std::string>{"1", "2", "3"}));
    EXPECT_EQ(verify().fault_count, 0U);
}

TEST_F(AuditTogetherTest, EachAloneIsAnAppendOfItsOwn) {
    Changes changes({file_, audit_head_file(file_)});
    asio::io_context context{1};
    for (int i = 1; i <= 3; ++i) {
        spawn(context.get_executor(), i);
        context.run();
        context.restart();
    }
    EXPECT_EQ(changes.count(), (std::vector{3, 3}));
    EXPECT_EQ(verify().fault_count, 0U);
}

// A request that computes for a millisecond stands between two of them.
TEST_F(AuditTogetherTest, NobodyWaitsForMoreThanAFewOthersHoweverManyAreReady) {
    Changes changes({file_, audit_head_file(file_)});
    asio::io_context context{1};
    std::vector<std::size_t> told_before;
    for (int i = 0; i < 2 * kMost; ++i) {
        asio::post(context, [&] { told_before.push_back(told_.size()); });
        spawn(context.get_executor(), i);
    }
    context.run();
    std::vector<std::size_t> expected(kMost, 0);
    expected.resize(2 * kMost, kMost);
    EXPECT_EQ(told_before, expected);
    EXPECT_EQ(told_.size(), 2U * kMost);
    EXPECT_EQ(changes.count(), (std::vector{2, 2}));
    EXPECT_EQ(verify().fault_count, 0U);
}

TEST_F(AuditTogetherTest, EachGoesOnInItsOwnExecutorWhoeverWroteItsRecord) {
    asio::io_context own{1}, other{1};
    spawn(own.get_executor(), 0);
    own.poll_one();
    for (int i = 1; i < kMost; ++i)
        spawn(other.get_executor(), i);
    other.run();
    EXPECT_EQ(numbers().size(), static_cast<std::size_t>(kMost));
    EXPECT_EQ(told_.size(), static_cast<std::size_t>(kMost) - 1);
    EXPECT_EQ(std::count(told_.begin(), told_.end(), "0"), 0);
    own.run();
    EXPECT_EQ(told_.back(), "0");
}

TEST_F(AuditTogetherTest, AThreadThatWritesTakesThoseAlongThatWaitInTheirOrder) {
    asio::io_context context{1};
    spawn(context.get_executor(), 1);
    asio::post(context, [&] { log_->write(numbered(2)).value(); });
    spawn(context.get_executor(), 3);
    context.run();
    EXPECT_EQ(numbers(), (std::vector{1, 2, 3}));
    EXPECT_EQ(told_, (std::vector<std::string>{"1", "3"}));
}

TEST_F(AuditTogetherTest, WhoComesWhileAnotherWritesIsWrittenNextAndKeepsNoThread) {
    auto held = std::make_optional<OthersLock>(audit_head_file(file_));
    std::thread writer([&] { log_->write(numbered(1)).value(); });
    held->wait_for_another();
    asio::io_context context{1};
    spawn(context.get_executor(), 2);
    spawn(context.get_executor(), 3);
    context.poll();
    EXPECT_TRUE(told_.empty());
    held.reset();
    context.run_for(std::chrono::minutes(1));
    writer.join();
    EXPECT_EQ(told_, (std::vector<std::string>{"2", "3"}));
    EXPECT_EQ(numbers(), (std::vector{1, 2, 3}));
}

TEST_F(AuditTogetherTest, AFullDiskInTheMiddleFailsExactlyThoseThatAreNotWhole) {
    log_->write(numbered(10)).value();
    log_->write(numbered(11)).value();
    const std::uint64_t size = fs::file_size(file_);
    {
        // Lines are of the same length: two more, and half of a third.
        const SizeLimit limit(size + size + size / 4);
        asio::io_context context{1};
        for (int i = 12; i < 12 + kMost; ++i)
            spawn(context.get_executor(), i);
        context.run();
    }
    std::sort(told_.begin(), told_.end());
    const std::string why =
        ": cannot write the audit file " + file_.string() + ": the disk is full";
    std::vector<std::string> expected{"12", "13"};
    for (int i = 14; i < 12 + kMost; ++i)
        expected.push_back(std::to_string(i) + why);
    EXPECT_EQ(told_, expected);
    EXPECT_EQ(verify().fault_count, 0U);
    log_->write(numbered(40)).value();
    EXPECT_EQ(numbers(), (std::vector{10, 11, 12, 13, 40}));
    EXPECT_EQ(verify().fault_count, 0U);
}

TEST_F(AuditTogetherTest, AnAuditFileThatIsGoneFailsAllThatWait) {
    fs::remove_all(directory_);
    asio::io_context context{1};
    for (int i = 0; i < 2 * kMost; ++i)
        spawn(context.get_executor(), i);
    context.run();
    ASSERT_EQ(told_.size(), 2U * kMost);
    for (const auto& told : told_)
        EXPECT_NE(told.find(": cannot write"), std::string::npos) << told;
}

TEST_F(AuditTogetherTest, ARecordIsWrittenThoughItsCoroutineIsCancelledMeanwhile) {
    asio::io_context context{1};
    asio::cancellation_signal cancel;
    bool ended = false;
    asio::co_spawn(context, write_numbered(log_, 1, told_),
                   asio::bind_cancellation_slot(cancel.slot(),
                                                [&](const std::exception_ptr&) { ended = true; }));
    asio::post(context, [&] { cancel.emit(asio::cancellation_type::terminal); });
    context.run();
    EXPECT_TRUE(ended);
    EXPECT_EQ(numbers(), std::vector{1});
}

TEST_F(AuditTogetherTest, TooLongARecordIsRefusedAndKeepsNobodyElse) {
    asio::io_context context{1};
    Result<void> outcome;
    const auto write_long = [](std::shared_ptr<AuditLog> log,
                               Result<void>& told) -> asio::awaitable<void> {
        AuditRecord record("issue", 0);
        record.add("list", std::vector<std::string>(400, std::string(4096, 'a')));
        auto writing = log->write_with_others(std::move(record));
        told = co_await std::move(writing);
    };
    spawn(context.get_executor(), 1);
    asio::co_spawn(context, write_long(log_, outcome), asio::detached);
    context.run();
    EXPECT_FALSE(outcome);
    EXPECT_EQ(told_, std::vector<std::string>{"1"});
}

/// As the server has them: requests on two threads, commands beside them, another server on the
/// same file, and logrotate.
TEST_F(AuditTogetherTest, ThreadsAndProcessesMakeOneChainWithEachRecordOnce) {
    constexpr int kRequests = 200, kThreads = 2;
    const std::vector<std::shared_ptr<AuditLog>> logs{log_, AuditLog::open(file_).value()};
    std::atomic<int> written{0};
    const auto request = [](std::shared_ptr<AuditLog> log, int number,
                            std::atomic<int>& count) -> asio::awaitable<void> {
        for (int step = 0; step < 2; ++step) {
            auto writing = log->write_with_others(numbered(2 * number + step));
            const auto outcome = co_await std::move(writing);
            count += outcome ? 1 : 0;
        }
    };
    {
        asio::thread_pool first(kThreads), second(kThreads);
        for (int i = 0; i < kRequests; ++i) {
            asio::co_spawn(i % 2 == 0 ? first : second,
                           request(logs[static_cast<std::size_t>(i % 2)], i, written),
                           asio::detached);
        }
        std::thread command([&] {
            for (int i = 0; i < kRequests; ++i)
                log_->write(numbered(2 * kRequests + i)).value();
        });
        command.join();
        first.join();
        second.join();
    }
    EXPECT_EQ(written, 2 * kRequests);
    auto all = numbers();
    const std::vector<int> in_file = all;
    std::sort(all.begin(), all.end());
    ASSERT_EQ(all.size(), 3U * kRequests);
    for (std::size_t i = 0; i < all.size(); ++i)
        EXPECT_EQ(all[i], static_cast<int>(i));
    const auto place = [&](int number) {
        return std::find(in_file.begin(), in_file.end(), number);
    };
    for (int i = 0; i < kRequests; ++i)
        EXPECT_LT(place(2 * i), place(2 * i + 1)) << "records of one request, in its order";
    EXPECT_EQ(verify().fault_count, 0U);
}

}  // namespace
}  // namespace scepgate::server::this_file
