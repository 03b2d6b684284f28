#include "tests/ca_backend/support/child.hpp"

#include <signal.h>
#include <stdexcept>
#include <sys/wait.h>
#include <unistd.h>

namespace scepgate::ca_backend::testing {

Child::Child(const std::function<int(int pipe)>& body) {
    int ends[2];
    if (::pipe(ends) != 0) throw std::runtime_error("pipe");
    pid_ = ::fork();
    if (pid_ < 0) throw std::runtime_error("fork");
    if (pid_ == 0) {
        ::close(ends[0]);
        ::_exit(body(ends[1]));
    }
    ::close(ends[1]);
    pipe_ = ends[0];
}

Child::~Child() {
    if (pid_ > 0) {
        kill();
        wait();
    }
    ::close(pipe_);
}

void Child::kill() {
    ::kill(pid_, SIGKILL);
}

int Child::wait() {
    int status = 0;
    ::waitpid(pid_, &status, 0);
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace scepgate::ca_backend::testing
