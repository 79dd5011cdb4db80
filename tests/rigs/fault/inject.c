/*
 * Makes system calls of the daemon fail on demand. Loaded with LD_PRELOAD; which calls fail, below
 * which path, with which errno and how often stands in a file that the test writes to while the
 * daemon runs, and that is mapped here. Its name comes in RUNWISP_FAULT_CONTROL: the daemon takes
 * such variables away from its jobs, in which this does nothing therefore.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

/* As in inject.rs. */
enum { NOTHING, OPEN, READ, WRITE, SYNC, RENAME, UNLINK, MKDIR, THREAD, CLONE, MAP };
#define RULES 16
#define SMALL (64 * 1024)
#define PREFIX_BYTES 236

struct rule {
    uint32_t call;
    uint32_t error;
    /* 1: each call fails; n: every nth. */
    uint32_t every;
    /* Counted here: calls that the rule is about, and those that failed. */
    uint32_t seen;
    uint32_t hits;
    char prefix[PREFIX_BYTES];
};

static volatile struct rule *rules;

__attribute__((constructor)) static void begin(void)
{
    const char *name = getenv("RUNWISP_FAULT_CONTROL");
    int fd = name ? (int)syscall(SYS_openat, AT_FDCWD, name, O_RDWR | O_CLOEXEC) : -1;
    if (fd < 0)
        return;
    void *map = (void *)syscall(SYS_mmap, NULL, RULES * sizeof(struct rule),
                                PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (map != MAP_FAILED)
        rules = map;
    close(fd);
}

static int concerns(uint32_t call)
{
    for (int i = 0; rules && i < RULES; i++)
        if (rules[i].every && rules[i].call == call)
            return 1;
    return 0;
}

/* Whether this call is to fail; errno is set then. */
static int fails(uint32_t call, const char *path)
{
    for (int i = 0; rules && i < RULES; i++) {
        volatile struct rule *rule = &rules[i];
        uint32_t every = rule->every;
        if (!every || rule->call != call)
            continue;
        const char *prefix = (const char *)rule->prefix;
        if (strncmp(path, prefix, strnlen(prefix, PREFIX_BYTES)) != 0)
            continue;
        if (__atomic_add_fetch(&rule->seen, 1, __ATOMIC_RELAXED) % every != 0)
            continue;
        __atomic_add_fetch(&rule->hits, 1, __ATOMIC_RELAXED);
        errno = (int)rule->error;
        return 1;
    }
    return 0;
}

static int fails_at(uint32_t call, int fd)
{
    char name[32], path[4096];
    if (!concerns(call))
        return 0;
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    long length = syscall(SYS_readlinkat, AT_FDCWD, name, path, sizeof path - 1);
    if (length < 0)
        return 0;
    path[length] = 0;
    return fails(call, path);
}

static int open_at(int dir, const char *path, int flags, va_list rest)
{
    mode_t mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(rest, mode_t) : 0;
    if (fails(OPEN, path))
        return -1;
    return (int)syscall(SYS_openat, dir, path, flags, mode);
}

#define OPEN_LIKE(name)                                    \
    int name(const char *path, int flags, ...)             \
    {                                                      \
        va_list rest;                                      \
        va_start(rest, flags);                             \
        int fd = open_at(AT_FDCWD, path, flags, rest);     \
        va_end(rest);                                      \
        return fd;                                         \
    }
OPEN_LIKE(open)
OPEN_LIKE(open64)

#define OPENAT_LIKE(name)                                  \
    int name(int dir, const char *path, int flags, ...)    \
    {                                                      \
        va_list rest;                                      \
        va_start(rest, flags);                             \
        int fd = open_at(dir, path, flags, rest);          \
        va_end(rest);                                      \
        return fd;                                         \
    }
OPENAT_LIKE(openat)
OPENAT_LIKE(openat64)

ssize_t read(int fd, void *to, size_t size)
{
    return fails_at(READ, fd) ? -1 : syscall(SYS_read, fd, to, size);
}

ssize_t pread64(int fd, void *to, size_t size, off64_t at)
{
    return fails_at(READ, fd) ? -1 : syscall(SYS_pread64, fd, to, size, at);
}

ssize_t pread(int fd, void *to, size_t size, off_t at)
{
    return pread64(fd, to, size, at);
}

ssize_t write(int fd, const void *from, size_t size)
{
    return fails_at(WRITE, fd) ? -1 : syscall(SYS_write, fd, from, size);
}

ssize_t writev(int fd, const struct iovec *parts, int count)
{
    return fails_at(WRITE, fd) ? -1 : syscall(SYS_writev, fd, parts, count);
}

ssize_t pwrite64(int fd, const void *from, size_t size, off64_t at)
{
    return fails_at(WRITE, fd) ? -1 : syscall(SYS_pwrite64, fd, from, size, at);
}

ssize_t pwrite(int fd, const void *from, size_t size, off_t at)
{
    return pwrite64(fd, from, size, at);
}

int fsync(int fd)
{
    return fails_at(SYNC, fd) ? -1 : (int)syscall(SYS_fsync, fd);
}

int fdatasync(int fd)
{
    return fails_at(SYNC, fd) ? -1 : (int)syscall(SYS_fdatasync, fd);
}

int rename(const char *from, const char *to)
{
    return fails(RENAME, from) ? -1 : (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}

int unlink(const char *path)
{
    return fails(UNLINK, path) ? -1 : (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
}

int mkdir(const char *path, mode_t mode)
{
    return fails(MKDIR, path) ? -1 : (int)syscall(SYS_mkdirat, AT_FDCWD, path, mode);
}

void *mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset)
{
    /* Without a small one, such as a stack for signals, no program goes on. */
    if (flags & MAP_ANONYMOUS ? size >= SMALL && fails(MAP, "anonymous") : fails_at(MAP, fd))
        return MAP_FAILED;
    return (void *)syscall(SYS_mmap, at, size, protection, flags, fd, offset);
}

void *mmap64(void *at, size_t size, int protection, int flags, int fd, off64_t offset)
{
    return mmap(at, size, protection, flags, fd, offset);
}

/* Says the error, and leaves errno alone. */
int pthread_create(pthread_t *thread, const pthread_attr_t *how, void *(*body)(void *), void *with)
{
    int before = errno;
    if (fails(THREAD, "")) {
        int error = errno;
        errno = before;
        return error;
    }
    int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *) =
        (int (*)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *))
            dlsym(RTLD_NEXT, "pthread_create");
    return real(thread, how, body, with);
}

/* As the daemon calls it: with the place for a pidfd and nothing further. */
int clone(int (*body)(void *), void *stack, int flags, void *with, ...)
{
    va_list rest;
    va_start(rest, with);
    void *pidfd = va_arg(rest, void *);
    va_end(rest);
    if (fails(CLONE, ""))
        return -1;
    int (*real)(int (*)(void *), void *, int, void *, ...) =
        (int (*)(int (*)(void *), void *, int, void *, ...))dlsym(RTLD_NEXT, "clone");
    return real(body, stack, flags, with, pidfd, NULL, NULL);
}
