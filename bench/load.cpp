#include "bench/load.hpp"

#include <atomic>
#include <barrier>
#include <memory>
#include <random>
#include <sys/resource.h>
#include <thread>
#include <vector>

#include <boost/asio.hpp>

namespace scepgate::bench {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using Clock = std::chrono::steady_clock;

// The io_context's own executor type spares the type erasure of any_io_executor at each operation.
using Executor = asio::io_context::executor_type;
using Socket = asio::basic_stream_socket<tcp, Executor>;
template <class T>
using Task = asio::awaitable<T, Executor>;
constexpr asio::use_awaitable_t<Executor> kAwait;
using Timer = asio::basic_waitable_timer<Clock, asio::wait_traits<Clock>, Executor>;

double cpu_seconds_of_this_process() {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    const auto seconds = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
    };
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

/// What all threads of a run share.
struct Run {
    const LoadSettings& settings;
    Workload& workload;
    std::vector<tcp::endpoint> endpoints;
    std::atomic<std::size_t> next;
    std::size_t last;
    Clock::time_point deadline = Clock::time_point::max();
    Clock::time_point start{};
    std::size_t first = 0;
    std::vector<Clock::duration> arrivals{};  ///< after the start; empty: a closed loop

    /// When this request is to be sent.
    [[nodiscard]] Clock::time_point due(std::size_t index) const {
        return arrivals.empty() || index >= last ? Clock::now() : start + arrivals[index - first];
    }
};

std::vector<Clock::duration> poisson(double rate, std::size_t count) {
    std::mt19937_64 random(8894);  // the same arrivals in each run
    std::exponential_distribution<double> gap(rate);
    std::vector<Clock::duration> arrivals;
    arrivals.reserve(count);
    std::chrono::duration<double> at(0);
    for (std::size_t i = 0; i < count; ++i) {
        at += std::chrono::duration<double>(gap(random));
        arrivals.push_back(std::chrono::duration_cast<Clock::duration>(at));
    }
    return arrivals;
}

/// What one thread counts; put together after the run.
struct Tally {
    std::size_t answered = 0;
    std::size_t reconnects = 0;
    std::map<std::string, std::size_t> errors;
    std::vector<std::uint64_t> latencies;
    Clock::time_point last_answer{};
};

/// One keep-alive connection.
class Client {
public:
    Client(asio::io_context& io, Run& run, Tally& tally)
        : run_(run), tally_(tally), socket_(io), timer_(io) {}

    Task<void> open() {
        error_code failure;
        co_await asio::async_connect(socket_, run_.endpoints,
                                     asio::redirect_error(kAwait, failure));
        if (failure) {
            socket_.close(failure);
            co_return;
        }
        socket_.set_option(tcp::no_delay(true), failure);
        socket_.non_blocking(true, failure);
    }

    Task<void> send_all() {
        int failed_in_a_row = 0;
        while (failed_in_a_row < 3) {
            const std::size_t index = run_.next++;
            const Clock::time_point started = run_.due(index);
            if (index >= run_.last || started >= run_.deadline) break;
            if (started > Clock::now()) {
                error_code ignored;
                timer_.expires_at(started);
                co_await timer_.async_wait(asio::redirect_error(kAwait, ignored));
            }
            started_ = Clock::now();
            busy_ = true;
            Result<void> done = co_await exchange(run_.workload.request(index));
            busy_ = false;
            if (done) done = run_.workload.answer(index, response_);
            tally_.last_answer = Clock::now();
            if (done) {
                const auto latency = std::chrono::nanoseconds(tally_.last_answer - started).count();
                tally_.latencies.push_back(static_cast<std::uint64_t>(latency));
                ++tally_.answered;
            } else {
                ++tally_.errors[done.error().detail];
            }
            // An answer that says no is an answer; only a lost connection counts against the
            // server.
            failed_in_a_row = socket_.is_open() || done ? 0 : failed_in_a_row + 1;
        }
        close();
    }

    void abort_if_late(Clock::time_point now) {
        if (!busy_ || now - started_ < run_.settings.timeout) return;
        timed_out_ = true;
        close();
    }

    [[nodiscard]] bool is_open() const { return socket_.is_open(); }

private:
    void close() {
        error_code ignored;
        socket_.close(ignored);
    }

    Error broken(error_code failure) {
        close();
        if (timed_out_) return {Errc::kUnavailable, "timeout"};
        return {Errc::kUnavailable, "connection: " + failure.message()};
    }

    Task<Result<void>> exchange(std::string_view request) {
        timed_out_ = false;
        response_.reset();
        if (!socket_.is_open()) {
            ++tally_.reconnects;
            co_await open();
            if (!socket_.is_open()) co_return Error{Errc::kUnavailable, "cannot connect"};
        }
        // The socket's buffer takes nearly every request at once: no turn through the reactor.
        error_code failure;
        const std::size_t sent = socket_.write_some(asio::buffer(request), failure);
        if (failure == asio::error::would_block) failure = {};
        if (!failure && sent < request.size()) {
            co_await asio::async_write(socket_, asio::buffer(request.substr(sent)),
                                       asio::redirect_error(kAwait, failure));
        }
        if (failure) co_return broken(failure);
        co_return co_await receive();
    }

    Task<Result<void>> receive() {
        for (;;) {
            error_code failure;
            const std::size_t count = co_await socket_.async_read_some(
                asio::buffer(buffer_), asio::redirect_error(kAwait, failure));
            if (failure == asio::error::eof) {
                close();
                auto ended = response_.end_of_stream();
                if (!ended) co_return in_context("connection", ended.error());
                co_return ended;
            }
            if (failure) co_return broken(failure);
            const auto complete = response_.append({buffer_.data(), count});
            if (!complete) {
                close();
                co_return in_context("HTTP", complete.error());
            }
            if (!*complete) continue;
            if (!response_.keep_alive()) close();
            co_return Result<void>();
        }
    }

    Run& run_;
    Tally& tally_;
    Socket socket_;
    Timer timer_;
    HttpResponse response_;
    std::array<char, 16 * 1024> buffer_;
    Clock::time_point started_{};
    bool busy_ = false;
    bool timed_out_ = false;
};

/// One thread with its share of the connections.
class Worker {
public:
    Worker(Run& run, std::size_t connections) : timer_(io_) {
        for (std::size_t i = 0; i < connections; ++i) {
            clients_.push_back(std::make_unique<Client>(io_, run, tally_));
        }
        constexpr std::size_t kReserve = 1'000'000;
        tally_.latencies.reserve(std::min(run.last - run.next, kReserve));
    }

    void connect() {
        for (const auto& client : clients_)
            asio::co_spawn(io_, client->open(), asio::detached);
        io_.run();
        io_.restart();
    }

    [[nodiscard]] bool connected() const {
        return std::all_of(clients_.begin(), clients_.end(),
                           [](const auto& client) { return client->is_open(); });
    }

    void send() {
        active_ = clients_.size();
        for (const auto& client : clients_) {
            asio::co_spawn(io_, client->send_all(), [this](const std::exception_ptr& failure) {
                if (failure) std::rethrow_exception(failure);
                if (--active_ == 0) timer_.cancel();
            });
        }
        asio::co_spawn(io_, watch(), asio::detached);
        io_.run();
    }

    [[nodiscard]] Tally& tally() noexcept { return tally_; }

private:
    Task<void> watch() {
        while (active_ > 0) {
            error_code stopped;
            timer_.expires_after(std::chrono::milliseconds(200));
            co_await timer_.async_wait(asio::redirect_error(kAwait, stopped));
            for (const auto& client : clients_)
                client->abort_if_late(Clock::now());
        }
    }

    asio::io_context io_{1};
    Timer timer_;
    Tally tally_;
    std::vector<std::unique_ptr<Client>> clients_;
    std::size_t active_ = 0;
};

Result<std::vector<tcp::endpoint>> resolve(const Url& url) {
    asio::io_context io;
    tcp::resolver resolver(io);
    std::string host = url.host;
    if (host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
    error_code failure;
    const auto found = resolver.resolve(host, url.port, failure);
    if (failure) return Error{Errc::kUnavailable, url.authority() + ": " + failure.message()};
    return std::vector<tcp::endpoint>(found.begin(), found.end());
}

/// The server's and our own use at one moment.
struct Sample {
    Clock::time_point time{};
    ProcessUsage server;
    double own_cpu_seconds = 0;

    static Sample take(const LoadSettings& settings) {
        Sample sample;
        if (settings.server) {
            if (const auto usage = process_usage(*settings.server)) sample.server = *usage;
        }
        sample.own_cpu_seconds = cpu_seconds_of_this_process();
        sample.time = Clock::now();
        return sample;
    }
};

LoadResult put_together(const std::vector<std::unique_ptr<Worker>>& workers, const Sample& before,
                        const Sample& after) {
    LoadResult result;
    Clock::time_point end = before.time;
    for (const auto& worker : workers) {
        const Tally& tally = worker->tally();
        result.answered += tally.answered;
        result.reconnects += tally.reconnects;
        for (const auto& [kind, count] : tally.errors)
            result.errors[kind] += count;
        result.latencies.insert(result.latencies.end(), tally.latencies.begin(),
                                tally.latencies.end());
        end = std::max(end, tally.last_answer);
    }
    result.seconds = std::chrono::duration<double>(end - before.time).count();
    result.generator_cpu_seconds = after.own_cpu_seconds - before.own_cpu_seconds;
    result.server_cpu_seconds = after.server.cpu_seconds - before.server.cpu_seconds;
    result.server = after.server;
    return result;
}

}  // namespace

Result<LoadResult> run_load(const LoadSettings& settings, Workload& workload, std::size_t first,
                            std::size_t last) {
    auto endpoints = resolve(settings.url);
    if (!endpoints) return endpoints.error();
    if (settings.server) {
        if (const auto usage = process_usage(*settings.server); !usage) return usage.error();
    }
    Run run{settings, workload, std::move(*endpoints), first, last};
    run.first = first;
    if (settings.rate) run.arrivals = poisson(*settings.rate, last - first);
    std::vector<std::unique_ptr<Worker>> workers;
    for (unsigned i = 0; i < settings.threads; ++i) {
        const std::size_t share = settings.connections / settings.threads +
                                  (i < settings.connections % settings.threads ? 1 : 0);
        workers.push_back(std::make_unique<Worker>(run, share));
        workers.back()->connect();
        if (!workers.back()->connected()) {
            return Error{Errc::kUnavailable, "cannot connect to " + settings.url.authority()};
        }
    }
    Sample before;
    std::barrier start(static_cast<std::ptrdiff_t>(settings.threads), [&]() noexcept {
        before = Sample::take(settings);
        run.start = before.time;
        if (settings.duration) run.deadline = before.time + *settings.duration;
    });
    {
        std::vector<std::jthread> threads;
        for (const auto& worker : workers) {
            threads.emplace_back([&start, &worker] {
                start.arrive_and_wait();
                worker->send();
            });
        }
    }
    const Sample after = Sample::take(settings);
    LoadResult result = put_together(workers, before, after);
    if (!settings.duration && run.next < last) result.errors["never sent"] = last - run.next;
    return result;
}

Result<std::string> fetch(const Url& url, std::string_view request) {
    const auto endpoints = resolve(url);
    if (!endpoints) return endpoints.error();
    asio::io_context io;
    tcp::socket socket(io);
    error_code failure;
    asio::connect(socket, *endpoints, failure);
    if (!failure) asio::write(socket, asio::buffer(request), failure);
    HttpResponse response;
    std::array<char, 16 * 1024> buffer;
    while (!failure) {
        const std::size_t count = socket.read_some(asio::buffer(buffer), failure);
        const auto complete = response.append({buffer.data(), count});
        if (!complete) return complete.error();
        if (*complete) break;
    }
    if (failure == asio::error::eof) {
        if (auto ended = response.end_of_stream(); !ended) return ended.error();
    } else if (failure) {
        return Error{Errc::kUnavailable, url.authority() + ": " + failure.message()};
    }
    if (response.status() != 200) {
        return Error{Errc::kUnavailable,
                     "the server answers HTTP " + std::to_string(response.status())};
    }
    return std::string(response.body());
}

}  // namespace scepgate::bench
