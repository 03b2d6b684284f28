// Lets the machine under one process fail (LD_PRELOAD), as the file that SCEPGATE_TEST_MACHINE names
// says at any moment: two 64-bit integers, by how many seconds the wall clock is off (libfaketime does
// not go with jemalloc), and which of the faults below there are.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { kNoRandomOctets = 1, kWrongSignatures = 2 };

struct Machine {
    int64_t clock_offset;
    int64_t faults;
};
static const volatile struct Machine* machine;

__attribute__((constructor)) static void open_machine(void) {
    const char* file = getenv("SCEPGATE_TEST_MACHINE");
    const int fd = file ? open(file, O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0) return;
    void* mapped = mmap(NULL, sizeof(*machine), PROT_READ, MAP_SHARED, fd, 0);
    if (mapped != MAP_FAILED) machine = mapped;
    close(fd);
}

int clock_gettime(clockid_t clock, struct timespec* out) {
    const int result = (int)syscall(SYS_clock_gettime, clock, out);
    if (result == 0 && machine && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        out->tv_sec += machine->clock_offset;
    return result;
}

time_t time(time_t* out) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (out) *out = now.tv_sec;
    return now.tv_sec;
}

int gettimeofday(struct timeval* restrict out, void* restrict zone) {
    struct timespec now;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &now);
    out->tv_sec = now.tv_sec;
    out->tv_usec = now.tv_nsec / 1000;
    return 0;
}

int RAND_priv_bytes(unsigned char* out, int size) {
    int (*real)(unsigned char*, int) =
        (int (*)(unsigned char*, int))dlsym(RTLD_NEXT, "RAND_priv_bytes");
    if (machine && machine->faults & kNoRandomOctets) return 0;
    return real(out, size);
}

int EVP_PKEY_sign(void* context, unsigned char* signature, size_t* length,
                  const unsigned char* hashed, size_t hashed_length) {
    typedef int Sign(void*, unsigned char*, size_t*, const unsigned char*, size_t);
    Sign* real = (Sign*)dlsym(RTLD_NEXT, "EVP_PKEY_sign");
    const int result = real(context, signature, length, hashed, hashed_length);
    if (result == 1 && signature && machine && machine->faults & kWrongSignatures)
        signature[*length - 1] ^= 1;
    return result;
}
