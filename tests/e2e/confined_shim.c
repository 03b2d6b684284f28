// Lets a test try, inside of a server (LD_PRELOAD), what somebody would who has taken it over. On
// SIGUSR1 it does what the file that SCEPGATE_TEST_ATTEMPT names says, and writes "0" or the errno
// beside it (.result).
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static char attempt_file[4096];
static char result_file[4096];

static void* writable_code(void) {
    return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static int run_what_was_written(void) {
    void* page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return mprotect(page, 4096, PROT_READ | PROT_EXEC);
}

static int attempt(const char* what) {
    static char* const arguments[] = {"true", NULL};
    if (strcmp(what, "execve") == 0) return execve("/bin/true", arguments, NULL);
    if (strcmp(what, "fork") == 0) return (int)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, 0);
    if (strcmp(what, "ptrace") == 0) return (int)syscall(SYS_ptrace, PTRACE_TRACEME, 0, 0, 0);
    if (strcmp(what, "setresuid") == 0) return (int)syscall(SYS_setresuid, 0, 0, 0);
    if (strcmp(what, "mount") == 0) return (int)syscall(SYS_mount, "none", "/", "tmpfs", 0, NULL);
    if (strcmp(what, "bpf") == 0) return (int)syscall(SYS_bpf, 0, NULL, 0);
    if (strcmp(what, "mmap") == 0) return writable_code() == MAP_FAILED ? -1 : 0;
    if (strcmp(what, "mprotect") == 0) return run_what_was_written();
    if (strcmp(what, "socket") == 0) return socket(AF_PACKET, SOCK_RAW, 0);
    if (strcmp(what, "keyctl") == 0) return (int)syscall(SYS_keyctl, 0, -2, 0);
    if (strcmp(what, "listen") == 0) return listen(socket(AF_INET, SOCK_STREAM, 0), 1);
    if (strcmp(what, "getpid") == 0) return getpid() > 0 ? 0 : -1;
    errno = EINVAL;
    return -1;
}

static void write_number(int number) {
    char text[16];
    const int length = snprintf(text, sizeof(text), "%d", number);
    const int fd = open(result_file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, text, (size_t)length) != length) _exit(99);
    close(fd);
}

static void on_signal(int signal) {
    (void)signal;
    char what[32] = {0};
    const int fd = open(attempt_file, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || read(fd, what, sizeof(what) - 1) <= 0) _exit(98);
    close(fd);
    const int result = attempt(what);
    write_number(result < 0 ? errno : 0);
}

__attribute__((constructor)) static void prepare(void) {
    const char* file = getenv("SCEPGATE_TEST_ATTEMPT");
    if (!file) return;
    snprintf(attempt_file, sizeof(attempt_file), "%s", file);
    snprintf(result_file, sizeof(result_file), "%s.result", file);
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigaction(SIGUSR1, &action, NULL);
}
