#include "server/notifier.hpp"

#include <algorithm>
#include <cmath>
#include <random>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace scepgate::server {

namespace asio = boost::asio;
using ca_backend::OutboxResult;
using ca_backend::OutboxRow;
using std::chrono::milliseconds;

namespace {

/// How soon one learns of messages that another process has added.
constexpr milliseconds kPoll{5'000};
constexpr milliseconds kAtOnce{0};
constexpr std::size_t kMostRefusals = 1000;  ///< of a target, in the store; and of all, in memory
constexpr std::size_t kClaim = 16;

/// Long enough for two calls; whoever dies in between holds its target up for so long.
std::chrono::seconds lease_for(const NotifierTarget& target) {
    return std::chrono::ceil<std::chrono::seconds>(2 * target.timeout) + std::chrono::seconds(30);
}

double random_fraction() {
    thread_local std::minstd_rand generator(std::random_device{}());
    return std::uniform_real_distribution<>(0, 1)(generator);
}

}  // namespace

/// One target's coroutine.
struct Notifier::Delivery {
    Delivery(std::shared_ptr<const NotifierSet> of, const NotifierTarget& to,
             asio::io_context& context)
        : set(std::move(of)), target(to), timer(context) {}

    const std::shared_ptr<const NotifierSet> set;
    const NotifierTarget& target;  ///< of the set
    asio::steady_timer timer;
    asio::cancellation_signal cancel;
    bool woken = false;    ///< look again before waiting
    bool stopped = false;  ///< end after what is being sent
    bool ended = false;
};

std::int64_t retry_delay(std::int64_t attempts, double random) {
    const auto doublings = std::clamp<std::int64_t>(attempts - 1, 0, 12);
    const std::int64_t full = std::min(ca_backend::kLongestPause, std::int64_t{1} << doublings);
    const auto off = static_cast<std::int64_t>(std::floor(random * static_cast<double>(full) / 2));
    return std::max<std::int64_t>(1, full - off);
}

Notifier::Notifier(ServiceParts parts)
    : parts_(std::move(parts)), work_(asio::make_work_guard(context_)) {}

Notifier::~Notifier() {
    stop(kAtOnce);
}

void Notifier::use(std::shared_ptr<const NotifierSet> set) {
    const bool any = set && !set->targets.empty();
    std::shared_ptr<const Notices> notices;
    if (any) {
        notices = std::make_shared<Notices>(set->subscriptions, [self = weak_from_this()] {
            if (const auto notifier = self.lock()) notifier->wake();
        });
    }
    {
        const std::lock_guard lock(mutex_);
        notices_ = notices;
    }
    parts_.store->outbox().announce_by(notices);
    warn_of_orphans(set.get());
    if (!any && !thread_.joinable()) return;
    asio::post(context_, [this, set] { start(set); });
    if (!thread_.joinable()) thread_ = std::thread([this] { context_.run(); });
}

/// Somebody is to be told who is not in the configuration any more.
void Notifier::warn_of_orphans(const NotifierSet* set) {
    const auto counts = parts_.store->outbox().count();
    if (!counts) return parts_.log->warn("outbox: " + counts.error().detail);
    for (const auto& count : *counts) {
        const bool known = set != nullptr && std::any_of(set->targets.begin(), set->targets.end(),
                                                         [&](const NotifierTarget& target) {
                                                             return target.name == count.target;
                                                         });
        if (known || count.waiting == 0) continue;
        parts_.log->warn("messages wait for a notifier that is not configured",
                         LogFields()
                             .add("notifier", count.target)
                             .add("waiting", static_cast<std::uint64_t>(count.waiting))
                             .add("remedy",
                                  "configure it again, or forget them: scepgate notify "
                                  "drop NOTIFIER --config FILE"));
    }
}

void Notifier::start(const std::shared_ptr<const NotifierSet>& set) {
    for (const auto& delivery : deliveries_) {
        delivery->stopped = true;
        delivery->timer.cancel();
    }
    std::erase_if(deliveries_, [](const auto& delivery) { return delivery->ended; });
    if (!set) return;
    for (const NotifierTarget& target : set->targets)
        watch_over(deliveries_.emplace_back(std::make_shared<Delivery>(set, target, context_)));
}

void Notifier::watch_over(const std::shared_ptr<Delivery>& delivery) {
    const auto ended = [this, delivery](const std::exception_ptr&) {
        delivery->ended = true;
        const bool all = std::all_of(deliveries_.begin(), deliveries_.end(),
                                     [](const auto& each) { return each->ended; });
        if (draining_ && all) drained_.cancel();
    };
    asio::co_spawn(context_, run(delivery),
                   asio::bind_cancellation_slot(delivery->cancel.slot(), ended));
}

void Notifier::wake() {
    if (woken_.exchange(true)) return;
    asio::post(context_, [this] {
        woken_ = false;
        for (const auto& delivery : deliveries_) {
            delivery->woken = true;
            delivery->timer.cancel();
        }
    });
}

asio::awaitable<void> Notifier::run(std::shared_ptr<Delivery> delivery) {
    // A call that is cancelled says so; what became of the others is still to be written.
    co_await asio::this_coro::throw_if_cancelled(false);
    while (!delivery->stopped) {
        delivery->woken = false;
        const milliseconds wait = co_await guarded_round(*delivery);
        if (draining_ && wait > kAtOnce) break;
        if (delivery->stopped || delivery->woken || wait == kAtOnce) continue;
        delivery->timer.expires_after(wait);
        boost::system::error_code ignored;
        co_await delivery->timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    }
}

/// A fault must not end a target: it goes on, after the longest pause.
asio::awaitable<milliseconds> Notifier::guarded_round(Delivery& delivery) {
    std::string what;
    try {
        co_return co_await round(delivery);
    } catch (const std::exception& error) {
        what = error.what();
    }
    parts_.log->error("notifier failed",
                      LogFields().add("notifier", delivery.target.name).add("reason", what));
    co_return std::chrono::seconds(ca_backend::kLongestPause);
}

/// Sends what is due. Returns how long nothing more will be.
asio::awaitable<milliseconds> Notifier::round(Delivery& delivery) {
    ca_backend::Outbox& outbox = parts_.store->outbox();
    const NotifierTarget& target = delivery.target;
    const std::int64_t now = parts_.clock->now();
    const auto due = outbox.next_due(target.name, now);
    if (!due) {
        parts_.log->error("outbox: " + due.error().detail);
        co_return kPoll;
    }
    if (!*due) co_return kPoll;
    if (**due > now) co_return std::min<milliseconds>(std::chrono::seconds(**due - now), kPoll);

    const auto lease = lease_for(target);
    const auto until = Clock::now() + lease - target.timeout - std::chrono::seconds(5);
    // Named: GCC 12 destroys a temporary aggregate in a co_await twice.
    ca_backend::OutboxClaim claim{target.name, now, lease.count(), kClaim};
    auto rows = co_await outbox.claim(std::move(claim));
    if (!rows) {
        parts_.log->error("outbox: " + rows.error().detail);
        co_return kPoll;
    }
    if (rows->empty()) co_return std::chrono::seconds(1);  // another process was faster
    auto result = co_await send_all(delivery, std::move(*rows), until);
    const bool failed = result.failed.has_value();
    // When this fails, they are sent once more after the lease.
    const auto settled = co_await outbox.settle(std::move(result));
    if (!settled) {
        parts_.log->error("outbox: " + settled.error().detail);
        co_return kPoll;
    }
    co_return failed ? milliseconds(1) : kAtOnce;
}

asio::awaitable<OutboxResult> Notifier::send_all(Delivery& delivery, std::vector<OutboxRow> rows,
                                                 Clock::time_point until) {
    OutboxResult result;
    for (OutboxRow& row : rows) {
        if (result.failed || delivery.stopped || Clock::now() > until) {
            result.untried.push_back(std::move(row));
            continue;
        }
        const auto sent = co_await send(delivery.target, row);
        if (sent || give_up(delivery.target, row, sent.error().detail)) {
            result.gone.push_back(std::move(row));
            continue;
        }
        const std::int64_t delay = retry_delay(row.attempts, random_fraction());
        parts_.log->warn("not notified",
                         LogFields()
                             .add("notifier", delivery.target.name)
                             .add("id", row.event.id)
                             .add("reason", sent.error().detail)
                             .add("attempts", static_cast<std::uint64_t>(row.attempts))
                             .add("again_in", static_cast<std::uint64_t>(delay)));
        result.failed = {std::move(row), parts_.clock->now() + delay, sent.error().detail};
    }
    co_return result;
}

asio::awaitable<Result<void>> Notifier::send(const NotifierTarget& target, const OutboxRow& row) {
    const std::int64_t now = parts_.clock->now();
    policy::HttpCall call;
    call.url = target.url;
    call.fields = {{"Content-Type", "application/json"},
                   {"X-Scepgate-Id", row.event.id},
                   {"X-Scepgate-Timestamp", std::to_string(now)},
                   {"X-Scepgate-Signature", target.keys.sign(now, row.event.body)}};
    call.body = Secret(row.event.body);
    call.timeout = target.timeout;
    const auto answer = co_await target.client->send(std::move(call));
    if (!answer) co_return answer.error();
    if (answer->ok()) co_return Result<void>();
    co_return Error{Errc::kUnavailable, "status " + std::to_string(answer->status)};
}

/// Too old to be of use. False: it is not, or that could not be written down.
bool Notifier::give_up(const NotifierTarget& target, const OutboxRow& row,
                       const std::string& error) {
    const std::int64_t now = parts_.clock->now();
    if (now - row.created < target.give_up_after) return false;
    AuditRecord line("notify_given_up", now);
    line.add("notifier", target.name)
        .add("id", row.event.id)
        .add("kind", row.event.kind)
        .add("created", certs::utc_text(row.created))
        .add("attempts", row.attempts)
        .add("error", error)
        .add("body", row.event.body);
    const auto written = parts_.audit->write(line);
    if (!written) parts_.log->error(written.error().detail);
    return written.has_value();
}

void Notifier::refused(const RefusedRequest& request) {
    std::shared_ptr<const Notices> notices;
    {
        const std::lock_guard lock(mutex_);
        notices = notices_;
    }
    if (!notices) return;
    auto events = notices->refused(request, parts_.clock->now());
    if (events.empty()) return;
    const std::lock_guard lock(mutex_);
    std::move(events.begin(), events.end(), std::back_inserter(refusals_));
    if (refusals_.size() > kMostRefusals) {
        const auto over = refusals_.size() - kMostRefusals;
        refusals_.erase(refusals_.begin(), refusals_.begin() + static_cast<std::ptrdiff_t>(over));
        lost_ += over;
    }
    if (writing_) return;
    writing_ = true;
    asio::post(context_, [this] {
        asio::co_spawn(context_, write_refusals(), [this](const std::exception_ptr& thrown) {
            if (thrown) parts_.log->error("refusals could not be noted for the notifiers");
        });
    });
}

asio::awaitable<void> Notifier::write_refusals() {
    for (;;) {
        std::vector<ca_backend::OutboxEvent> events;
        std::size_t lost = 0;
        {
            const std::lock_guard lock(mutex_);
            events.swap(refusals_);
            std::swap(lost, lost_);
            writing_ = !events.empty();
        }
        if (lost != 0) {
            parts_.log->warn("refusals come faster than they can be noted for the notifiers",
                             LogFields().add("lost", lost));
        }
        if (events.empty()) co_return;
        const auto added = co_await parts_.store->outbox().add_bounded(
            std::move(events), kMostRefusals, parts_.clock->now());
        if (!added) {
            parts_.log->error("refusals are not told to the notifiers: " + added.error().detail);
        } else if (*added != 0) {
            parts_.log->warn("the oldest refusals made room for new ones, unheard by a notifier",
                             LogFields().add("dropped", *added));
        }
        wake();
    }
}

void Notifier::stop(milliseconds drain) {
    if (!thread_.joinable()) return;
    asio::post(context_, [this, drain] {
        draining_ = true;
        const auto all_ended = [this] {
            return std::all_of(deliveries_.begin(), deliveries_.end(),
                               [](const auto& each) { return each->ended; });
        };
        if (all_ended()) return;
        for (const auto& delivery : deliveries_)
            delivery->timer.cancel();
        drained_.expires_after(drain);
        drained_.async_wait([this](const boost::system::error_code& ended) {
            if (ended) return;
            for (const auto& delivery : deliveries_) {
                delivery->stopped = true;
                delivery->timer.cancel();
                delivery->cancel.emit(asio::cancellation_type::terminal);
            }
        });
    });
    work_.reset();
    thread_.join();
}

}  // namespace scepgate::server
