#include "server/crl_publisher.hpp"

#include <atomic>
#include <condition_variable>
#include <functional>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <thread>
#include <unistd.h>

#include "ca_backend/wait_for.hpp"
#include "server/published_file.hpp"

namespace scepgate::server {
namespace {

using ca_backend::CrlDemand;

constexpr std::chrono::seconds kLookEvery{1};

/// Enrolments come first.
void lower_own_priority() {
    constexpr int kNice = 10;
    const sched_param no_priority{};
    (void)::pthread_setschedparam(::pthread_self(), SCHED_BATCH, &no_priority);
    // On Linux of this thread alone.
    (void)::setpriority(PRIO_PROCESS, static_cast<id_t>(::syscall(SYS_gettid)), kNice);
}

/// One file, written when its content is another or when it is gone.
class File {
public:
    explicit File(std::filesystem::path path) : path_(std::move(path)) {}

    /// `mark`: which content.
    Result<void> show(ByteView content, const std::string& mark) {
        std::error_code ignored;
        if (mark == shown_ && std::filesystem::exists(path_, ignored)) return {};
        shown_.clear();
        if (auto written = publish_file(path_, content); !written) return written;
        shown_ = mark;
        return {};
    }

private:
    std::filesystem::path path_;
    std::string shown_;
};

std::vector<File> to_files(const std::vector<std::filesystem::path>& paths) {
    return {paths.begin(), paths.end()};
}

Result<void> show_in(std::vector<File>& files, ByteView content, const std::string& mark) {
    Result<void> outcome(boost::system::in_place_value);
    // One that fails must not keep it out of the others.
    for (File& file : files) {
        auto shown = file.show(content, mark);
        if (!shown && outcome) outcome = std::move(shown);
    }
    return outcome;
}

}  // namespace

/// Whoever looks after one duty, on a thread of their own.
class CrlPublisher::Clerk {
public:
    using Look = std::function<Result<void>()>;

    Clerk(std::string what, std::shared_ptr<Log> log, Look look)
        : what_(std::move(what)), log_(std::move(log)), look_(std::move(look)) {
        thread_ = std::thread([this] { run(); });
    }
    Clerk(const Clerk&) = delete;
    Clerk& operator=(const Clerk&) = delete;
    ~Clerk() {
        leave();
        thread_.join();
    }

    void leave() {
        {
            const std::lock_guard lock(mutex_);
            leaving_ = true;
        }
        woken_.notify_one();
    }
    [[nodiscard]] bool has_left() const noexcept { return left_; }

private:
    void run() {
        lower_own_priority();
        std::unique_lock lock(mutex_);
        while (!leaving_) {
            lock.unlock();
            tell(look());
            lock.lock();
            woken_.wait_for(lock, kLookEvery, [this] { return leaving_; });
        }
        left_ = true;
    }

    Result<void> look() {
        try {
            return look_();
        } catch (const std::exception& fault) {
            return Error{Errc::kInternal, fault.what()};
        }
    }

    /// Once when it begins, once when it is another fault, and once when it is over.
    void tell(const Result<void>& outcome) {
        const std::string fault = outcome ? std::string() : outcome.error().detail;
        if (fault == fault_) return;
        if (fault.empty()) {
            log_->info("published again", LogFields().add("what", what_));
        } else {
            log_->error("not published; tried again each second",
                        LogFields().add("what", what_).add("reason", fault));
        }
        fault_ = fault;
    }

    const std::string what_;
    const std::shared_ptr<Log> log_;
    const Look look_;
    std::string fault_;  ///< the thread's
    std::mutex mutex_;
    std::condition_variable woken_;
    bool leaving_ = false;  ///< guarded by mutex_
    std::atomic<bool> left_{false};
    std::thread thread_;
};

CrlPublisher::CrlPublisher(std::shared_ptr<StoreLink> store, std::shared_ptr<Log> log)
    : store_(std::move(store)), log_(std::move(log)) {}

CrlPublisher::~CrlPublisher() {
    stop();
}

void CrlPublisher::start(PublisherDuties duties) {
    for (auto& clerk : clerks_) {
        clerk->leave();
        leaving_.push_back(std::move(clerk));
    }
    clerks_.clear();
    std::erase_if(leaving_, [](const auto& clerk) { return clerk->has_left(); });
    for (CrlDuty& duty : duties.crls) {
        const std::string what = std::string(to_text(duty.kind)) + " CRL of " + duty.ca_name;
        // The store's writer may let go of it a moment after it has answered.
        auto context = std::make_shared<boost::asio::io_context>();
        auto look = [context, store = store_, duty,
                     files = to_files(duty.files)]() mutable -> Result<void> {
            const auto open = store->get();
            if (!open) return Error{Errc::kUnavailable, "the store is not open"};
            context->restart();
            const auto crl =
                ca_backend::wait_for(*context, duty.ca->crl(*open, {duty.kind, CrlDemand::kPaced}));
            if (!crl) return crl.error();
            return show_in(files, crl->der(),
                           to_hex(crl->number()) + "-" + std::to_string(crl->this_update()));
        };
        clerks_.push_back(std::make_unique<Clerk>(what, log_, std::move(look)));
    }
    for (CertificateDuty& duty : duties.certificates) {
        const std::string what = "certificate of " + duty.ca_name;
        auto look = [certificate = duty.certificate, files = to_files(duty.files)]() mutable {
            return show_in(files, certificate.der(), "certificate");
        };
        clerks_.push_back(std::make_unique<Clerk>(what, log_, std::move(look)));
    }
}

void CrlPublisher::stop() {
    for (auto& clerk : clerks_)
        clerk->leave();
    clerks_.clear();
    leaving_.clear();
}

}  // namespace scepgate::server
