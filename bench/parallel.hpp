// Work on many independent items with a few threads.
#pragma once

#include <atomic>
#include <cstddef>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "certs/result.hpp"

namespace scepgate::bench {

/// Calls work(0) … work(count - 1), each once, from `threads` threads. After the first failure no
/// more are begun; that failure is given back.
template <class Work>
Result<void> for_each_parallel(std::size_t count, unsigned threads, const Work& work) {
    std::atomic<std::size_t> next{0};
    std::mutex mutex;
    std::optional<Error> failure;
    const auto run = [&] {
        for (std::size_t index = next++; index < count; index = next++) {
            const Result<void> done = work(index);
            if (done) continue;
            next = count;
            const std::lock_guard lock(mutex);
            if (!failure) failure = done.error();
        }
    };
    {
        std::vector<std::jthread> workers;
        for (unsigned i = 1; i < threads; ++i)
            workers.emplace_back(run);
        run();
    }
    if (failure) return *failure;
    return {};
}

}  // namespace scepgate::bench
