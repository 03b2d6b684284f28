// Lets a test try, inside of a server (LD_PRELOAD), what somebody would who has taken it over. On
// SIGUSR1 it does what the file that SCEPGATE_TEST_ATTEMPT names says (a word, and what it is done to),
// and writes "0" or the errno to the file beside it (.result), which it has open from its beginning.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

static char attempt_file[4096];
static int result = -1;

static void* writable_code(void) {
    return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static int run_what_was_written(void) {
    void* page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return mprotect(page, 4096, PROT_READ | PROT_EXEC);
}

static int open_it(const char* file, int flags) {
    const int fd = open(file, flags | O_CLOEXEC, 0600);
    if (fd >= 0) close(fd);
    return fd < 0 ? -1 : 0;
}

static int bind_it(int family, const void* address, socklen_t size) {
    const int fd = socket(family, SOCK_STREAM, 0);
    const int bound = bind(fd, address, size), error = errno;
    close(fd);
    errno = error;
    return bound;
}

static int bind_port(const char* number) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    address.sin_port = htons((unsigned short)atoi(number));
    return bind_it(AF_INET, &address, sizeof(address));
}

static int bind_path(const char* file) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", file);
    return bind_it(AF_UNIX, &address, sizeof(address));
}

/// What is done to a file, a folder, a port.
static int attempt_on(const char* what, const char* on, const char* to) {
    char* const arguments[] = {(char*)on, NULL};
    if (strcmp(what, "create") == 0) return open_it(on, O_WRONLY | O_CREAT | O_EXCL);
    if (strcmp(what, "write") == 0) return open_it(on, O_WRONLY);
    if (strcmp(what, "read") == 0) return open_it(on, O_RDONLY);
    if (strcmp(what, "truncate") == 0) return open_it(on, O_RDONLY | O_TRUNC);
    if (strcmp(what, "unlink") == 0) return unlink(on);
    if (strcmp(what, "mkdir") == 0) return mkdir(on, 0700);
    if (strcmp(what, "rmdir") == 0) return rmdir(on);
    if (strcmp(what, "mkfifo") == 0) return mkfifo(on, 0600);
    if (strcmp(what, "bind-path") == 0) return bind_path(on);
    if (strcmp(what, "bind-port") == 0) return bind_port(on);
    if (strcmp(what, "signal") == 0) return kill((pid_t)atoi(on), 0);
    if (strcmp(what, "exec") == 0) return execve(on, arguments, NULL);
    if (to && strcmp(what, "rename") == 0) return rename(on, to);
    if (to && strcmp(what, "link") == 0) return link(on, to);
    if (to && strcmp(what, "symlink") == 0) return symlink(on, to);
    errno = EINVAL;
    return -1;
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
    if (write(result, text, (size_t)length) != length) _exit(99);
}

static void on_signal(int signal) {
    (void)signal;
    static char text[8192];
    memset(text, 0, sizeof(text));
    const int fd = open(attempt_file, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0) _exit(98);
    close(fd);
    const char *what = strtok(text, "\n"), *on = strtok(NULL, "\n"), *to = strtok(NULL, "\n");
    const int done = on ? attempt_on(what, on, to) : attempt(what);
    write_number(done < 0 ? errno : 0);
}

static void* wait_for_ever(void* unused) {
    for (;;) pause();
    return unused;
}

__attribute__((constructor)) static void prepare(void) {
    pthread_t thread;
    if (getenv("SCEPGATE_TEST_EARLY_THREAD")) pthread_create(&thread, NULL, wait_for_ever, NULL);
    const char* file = getenv("SCEPGATE_TEST_ATTEMPT");
    if (!file) return;
    snprintf(attempt_file, sizeof(attempt_file), "%s", file);
    char result_file[4104];
    snprintf(result_file, sizeof(result_file), "%s.result", file);
    result = open(result_file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigaction(SIGUSR1, &action, NULL);
}
