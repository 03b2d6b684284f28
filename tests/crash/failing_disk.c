// A disk and a network under the processes that are started with this (LD_PRELOAD): it counts the calls
// that write, sync, rename and send, fails them or ends the process at the one that is asked for, and
// keeps a journal by which a power cut can be played (failing_disk.py, which has the other half).
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

// In the order of failing_disk.py.
enum File { kNone, kStore, kLog, kAudit, kHead, kPublished, kFolder, kReply, kDatabase };
enum Call { kWrite, kSync, kTruncate, kRename, kUnlink, kCreate, kSend, kCalls };
enum Action { kNothing, kKillBefore, kKillAfter, kKillTorn, kFail, kFull, kHoldBefore, kHoldAfter };
enum { kPoints = 64, kTrace = 1 << 16 };

struct Disk {
    int64_t action, points, countdown, times, error, fired, held, released, dead, syncs, traced;
    int64_t counts[kPoints];
    uint8_t trace[kTrace];
};
static struct Disk* disk;
static const char* root;
static int journal = -1;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

__attribute__((constructor)) static void open_disk(void) {
    const char* file = getenv("SCEPGATE_TEST_DISK");
    const char* journal_file = getenv("SCEPGATE_TEST_DISK_JOURNAL");
    root = getenv("SCEPGATE_TEST_DISK_ROOT");
    const int fd = file && root ? open(file, O_RDWR | O_CLOEXEC) : -1;
    if (fd < 0) return;
    void* mapped = mmap(NULL, sizeof(*disk), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (journal_file) journal = open(journal_file, O_WRONLY | O_APPEND | O_CLOEXEC);
    if (mapped != MAP_FAILED) disk = mapped;
}

static int ends_with(const char* text, const char* end) {
    const size_t size = strlen(text), wanted = strlen(end);
    return size >= wanted && strcmp(text + size - wanted, end) == 0;
}

static enum File kind_of_path(const char* path) {
    if (strncmp(path, root, strlen(root)) != 0) return kNone;
    if (ends_with(path, ".db")) return kStore;
    if (ends_with(path, ".db-wal")) return kLog;
    if (ends_with(path, ".head")) return kHead;
    if (ends_with(path, ".jsonl")) return kAudit;
    return strstr(path, ".crl") ? kPublished : kNone;
}

static enum File kind_of_socket(int fd) {
    struct sockaddr_storage address;
    socklen_t size = sizeof(address);
    if (getsockname(fd, (struct sockaddr*)&address, &size) != 0) return kNone;
    if (address.ss_family == AF_INET) return kReply;
    // A pair of its own, as Asio has, is no connection: it has no name on either side.
    size = sizeof(address);
    if (address.ss_family != AF_UNIX || getpeername(fd, (struct sockaddr*)&address, &size) != 0)
        return kNone;
    return size > sizeof(sa_family_t) ? kDatabase : kNone;
}

/// `path` has PATH_MAX octets.
static enum File kind_of(int fd, char* path) {
    struct stat status;
    if (!disk || fd <= 2 || fstat(fd, &status) != 0) return kNone;
    if (S_ISSOCK(status.st_mode)) return kind_of_socket(fd);
    char link[64];
    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    const ssize_t size = readlink(link, path, PATH_MAX - 1);
    if (size < 0) return kNone;
    path[size] = '\0';
    if (S_ISDIR(status.st_mode))
        return strncmp(path, root, strlen(root)) == 0 ? kFolder : kNone;
    return S_ISREG(status.st_mode) ? kind_of_path(path) : kNone;
}

/// As the power fails, for all processes of this machine: no thread does anything after it. The server's
/// filter of system calls knows no kill.
static void die(void) {
    disk->dead = 1;
    for (;;) syscall(SYS_exit_group, 137);
}

static enum Action action_at(enum File file, enum Call call) {
    if (disk->dead) die();
    const int point = (int)file * kCalls + (int)call;
    __atomic_add_fetch(&disk->counts[point], 1, __ATOMIC_SEQ_CST);
    const int64_t at = __atomic_fetch_add(&disk->traced, 1, __ATOMIC_SEQ_CST);
    if (at < kTrace) disk->trace[at] = (uint8_t)point;
    if (disk->action == kNothing || !(disk->points >> point & 1)) return kNothing;
    const int64_t left = __atomic_sub_fetch(&disk->countdown, 1, __ATOMIC_SEQ_CST);
    if (left > 0 || left <= -disk->times) return kNothing;
    const enum Action action = (enum Action)disk->action;
    if (action == kKillBefore) die();
    if (action != kHoldBefore && action != kHoldAfter)
        __atomic_add_fetch(&disk->fired, 1, __ATOMIC_SEQ_CST);
    return action;
}

static void hold(void) {
    const int64_t number = __atomic_add_fetch(&disk->held, 1, __ATOMIC_SEQ_CST);
    __atomic_add_fetch(&disk->fired, 1, __ATOMIC_SEQ_CST);
    while (disk->released < number && !disk->dead) usleep(500);
    if (disk->dead) die();
}

static void after(enum Action action) {
    const int before = errno;
    if (action == kKillAfter || action == kKillTorn) die();
    if (action == kHoldAfter) hold();
    errno = before;
}

static int64_t fail(void) {
    errno = (int)disk->error;
    return -1;
}

// -- the journal -------------------------------------------------------------------------------------

struct Entry {
    int64_t what, path_size, offset, size;
};

static void lock(void) {
    pthread_mutex_lock(&mutex);
    if (journal >= 0) flock(journal, LOCK_EX);
}

static void unlock(void) {
    if (journal >= 0) flock(journal, LOCK_UN);
    pthread_mutex_unlock(&mutex);
}

static void put(const void* data, size_t size) {
    if (syscall(SYS_write, journal, data, size) != (long)size) die();
}

/// Under the lock.
static void note(char what, const char* path, int64_t offset, const void* data, int64_t size) {
    if (journal < 0) return;
    const struct Entry entry = {what, (int64_t)strlen(path), offset, size};
    put(&entry, sizeof(entry));
    put(path, strlen(path));
    if (data) put(data, (size_t)size);
}

// -- calls -------------------------------------------------------------------------------------------

static ssize_t write_at(int fd, const void* data, size_t size, int64_t offset, const char* path) {
    lock();
    struct stat status;
    const int64_t at = offset < 0 && fstat(fd, &status) == 0 ? status.st_size : offset;
    const ssize_t done = offset < 0 ? syscall(SYS_write, fd, data, size)
                                    : syscall(SYS_pwrite64, fd, data, size, offset);
    const int failure = errno;
    if (done > 0) note('W', path, at, data, done);
    unlock();
    errno = failure;
    return done;
}

/// `offset` below 0: to the end, where all that is watched and written so goes.
static ssize_t written(int fd, const void* data, size_t size, int64_t offset) {
    char path[PATH_MAX];
    const enum File file = kind_of(fd, path);
    if (file == kNone || file >= kFolder)
        return offset < 0 ? syscall(SYS_write, fd, data, size)
                          : syscall(SYS_pwrite64, fd, data, size, offset);
    const enum Action action = action_at(file, kWrite);
    if (action == kFail) return fail();
    // A disk that fills up takes a part first, and nothing then.
    if (action == kFull && (disk->fired > 1 || size < 2)) return fail();
    if (action == kHoldBefore) hold();
    const size_t part = action == kKillTorn || action == kFull ? size / 2 : size;
    const ssize_t done = part == 0 ? 0 : write_at(fd, data, part, offset, path);
    after(action);
    return done;
}

ssize_t write(int fd, const void* data, size_t size) {
    return written(fd, data, size, -1);
}
ssize_t pwrite(int fd, const void* data, size_t size, off_t offset) {
    return written(fd, data, size, offset);
}
ssize_t pwrite64(int fd, const void* data, size_t size, off64_t offset) {
    return written(fd, data, size, offset);
}

static int synced(int fd, long call) {
    char path[PATH_MAX];
    const enum File file = kind_of(fd, path);
    if (file == kNone || file > kFolder) return (int)syscall(call, fd);
    const enum Action action = action_at(file, kSync);
    if (action == kKillTorn) die();
    if (action == kHoldBefore) hold();
    const int64_t number = __atomic_add_fetch(&disk->syncs, 1, __ATOMIC_SEQ_CST);
    lock();
    note(file == kFolder ? 'd' : 's', path, number, NULL, 0);
    unlock();
    const int fails = action == kFail || action == kFull;
    const int result = fails ? (int)fail() : (int)syscall(call, fd);
    const int failure = errno;
    lock();
    note(result == 0 ? file == kFolder ? 'D' : 'S' : 'F', path, number, NULL, 0);
    unlock();
    errno = failure;
    after(action);
    return result;
}

int fsync(int fd) { return synced(fd, SYS_fsync); }
int fdatasync(int fd) { return synced(fd, SYS_fdatasync); }

static int truncated(int fd, int64_t size) {
    char path[PATH_MAX];
    const enum File file = kind_of(fd, path);
    if (file == kNone || file >= kFolder) return (int)syscall(SYS_ftruncate, fd, size);
    const enum Action action = action_at(file, kTruncate);
    if (action == kFail || action == kFull) return (int)fail();
    if (action == kKillTorn) die();
    lock();
    const int result = (int)syscall(SYS_ftruncate, fd, size);
    if (result == 0) note('T', path, size, NULL, 0);
    unlock();
    after(action);
    return result;
}

int ftruncate(int fd, off_t size) { return truncated(fd, size); }
int ftruncate64(int fd, off64_t size) { return truncated(fd, size); }

int rename(const char* from, const char* to) {
    const enum File file = disk ? kind_of_path(to) : kNone;
    if (file == kNone) return (int)syscall(SYS_renameat, AT_FDCWD, from, AT_FDCWD, to);
    const enum Action action = action_at(file, kRename);
    if (action == kFail || action == kFull) return (int)fail();
    if (action == kKillTorn) die();
    lock();
    const int result = (int)syscall(SYS_renameat, AT_FDCWD, from, AT_FDCWD, to);
    if (result == 0) note('R', from, 0, to, (int64_t)strlen(to));
    unlock();
    after(action);
    return result;
}

int unlink(const char* path) {
    const enum File file = disk ? kind_of_path(path) : kNone;
    if (file == kNone) return (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
    const enum Action action = action_at(file, kUnlink);
    if (action == kFail) return (int)fail();
    if (action == kKillTorn) die();
    lock();
    const int result = (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
    if (result == 0) note('U', path, 0, NULL, 0);
    unlock();
    after(action);
    return result;
}

static int opened(const char* path, int flags, mode_t mode) {
    const enum File file = disk && flags & O_CREAT ? kind_of_path(path) : kNone;
    if (file == kNone || syscall(SYS_faccessat, AT_FDCWD, path, F_OK) == 0)
        return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
    const enum Action action = action_at(file, kCreate);
    if (action == kFail || action == kFull) return (int)fail();
    if (action == kKillTorn) die();
    lock();
    const int result = (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
    if (result >= 0) note('C', path, 0, NULL, 0);
    unlock();
    after(action);
    return result;
}

static mode_t mode_in(int flags, va_list more) {
    return flags & (O_CREAT | __O_TMPFILE) ? va_arg(more, mode_t) : 0;
}

int open(const char* path, int flags, ...) {
    va_list more;
    va_start(more, flags);
    const mode_t mode = mode_in(flags, more);
    va_end(more);
    return opened(path, flags, mode);
}

int open64(const char* path, int flags, ...) {
    va_list more;
    va_start(more, flags);
    const mode_t mode = mode_in(flags, more);
    va_end(more);
    return opened(path, flags | O_LARGEFILE, mode);
}

ssize_t sendmsg(int fd, const struct msghdr* message, int flags) {
    char path[PATH_MAX];
    const enum File file = kind_of(fd, path);
    const enum Action action = file < kReply ? kNothing : action_at(file, kSend);
    if (action == kFail) return fail();
    if (action == kHoldBefore) hold();
    const ssize_t sent = syscall(SYS_sendmsg, fd, message, flags);
    after(action);
    return sent;
}

ssize_t send(int fd, const void* data, size_t size, int flags) {
    char path[PATH_MAX];
    const enum File file = kind_of(fd, path);
    const enum Action action = file < kReply ? kNothing : action_at(file, kSend);
    if (action == kFail) return fail();
    if (action == kHoldBefore) hold();
    const size_t part = action == kKillTorn ? size / 2 : size;
    const ssize_t sent = syscall(SYS_sendto, fd, data, part, flags, NULL, 0);
    after(action);
    return sent;
}
