// A part of a test in a process of its own, which may die or lose its rights.
#pragma once

#include <functional>
#include <sys/types.h>

namespace scepgate::ca_backend::testing {

/// Forks; the child runs `body`, which gets the writing end of a pipe, and exits with what it
/// returns. The parent must not have threads at this time.
class Child {
public:
    explicit Child(const std::function<int(int pipe)>& body);
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;
    /// Kills it when it still runs.
    ~Child();

    /// The reading end of its pipe.
    [[nodiscard]] int pipe() const noexcept { return pipe_; }
    void kill();
    /// Its exit status, or -1 when a signal ended it.
    int wait();

private:
    pid_t pid_ = -1;
    int pipe_ = -1;
};

}  // namespace scepgate::ca_backend::testing
