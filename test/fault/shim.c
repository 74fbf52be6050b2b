/* SPDX-License-Identifier: MIT */
/* Lets one call of a process fail; preloaded, told by the environment, which it then takes out of it:
 *
 *   FAULT_COUNTS=FILE          counts the calls there, for each function; it goes on with what the file has
 *   FAULT=FUNCTION:N:ERROR     the N-th call, counted so, fails with this errno, without having been made; 0:
 * it says that the end is reached; -1: a part is written
 *
 * What libuv calls counts as uv/FUNCTION, and what a child does between fork() and exec as child/FUNCTION;
 * after that it is not looked at. The file is an array of struct counter; that the fault was is in the first.
 */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <link.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

struct counter {
    char name[40];
    uint64_t calls;
};

enum { COUNTERS = 256 };

static struct counter *counters; /* NULL: nothing is to be done */
static char fault_name[40];
static uint64_t fault_at;
static int fault_error;
static pid_t self;
static struct {
    uintptr_t from, to;
} libuv;

static int real_fstat(int fd, struct stat *st)
{
    int (*real)(int, struct stat *) = (int (*)(int, struct stat *))dlsym(RTLD_NEXT, "fstat");
    return real(fd, st);
}

static struct counter *counter_of(const char *name)
{
    for (int i = 0; i < COUNTERS; i++) {
        if (!counters[i].name[0])
            snprintf(counters[i].name, sizeof counters[i].name, "%s", name);
        if (strcmp(counters[i].name, name) == 0)
            return &counters[i];
    }
    abort();
}

static int find_libuv(struct dl_phdr_info *info, size_t size, void *arg)
{
    (void)size, (void)arg;
    for (int i = 0; strstr(info->dlpi_name, "libuv") && i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *p = &info->dlpi_phdr[i];
        if (p->p_type != PT_LOAD || !(p->p_flags & PF_X))
            continue;
        libuv.from = info->dlpi_addr + p->p_vaddr;
        libuv.to = libuv.from + p->p_memsz;
    }
    return 0;
}

__attribute__((constructor)) static void begin(void)
{
    const char *file = getenv("FAULT_COUNTS"), *fault = getenv("FAULT");
    size_t size = COUNTERS * sizeof *counters;
    unsigned long long n;
    int fd = file ? open(file, O_RDWR | O_CLOEXEC) : -1;

    self = getpid();
    if (fd < 0)
        return;
    if (fault && sscanf(fault, "%39[^:]:%llu:%d", fault_name, &n, &fault_error) == 3)
        fault_at = n;
    unsetenv("FAULT_COUNTS");
    unsetenv("FAULT");
    unsetenv("LD_PRELOAD");
    void *map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (map == MAP_FAILED)
        abort();
    dl_iterate_phdr(find_libuv, NULL);
    counters = map;
    counter_of("fault");
}

static bool is_file(int fd)
{
    struct stat st;
    return real_fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
}

/* Whether this call is to fail; then errno is set. fd: what libuv moves bytes of, or -1. Its own pipes it
 * cannot do without. */
static bool fails(const char *function, const void *caller, int fd)
{
    char name[40];
    struct stat st;
    if (!counters)
        return false;
    bool uv = libuv.from <= (uintptr_t)caller && (uintptr_t)caller < libuv.to;
    if (uv && fd >= 0 && (real_fstat(fd, &st) || !S_ISSOCK(st.st_mode)))
        return false;
    snprintf(name, sizeof name, "%s%s%s", getpid() == self ? "" : "child/", uv ? "uv/" : "", function);
    uint64_t n = __atomic_add_fetch(&counter_of(name)->calls, 1, __ATOMIC_RELAXED);
    if (n != fault_at || strcmp(name, fault_name) != 0 ||
        __atomic_add_fetch(&counter_of("fault")->calls, 1, __ATOMIC_RELAXED) != 1)
        return false;
    errno = fault_error;
    return true;
}

/* NOLINTBEGIN(bugprone-macro-parentheses): types and lists of parameters stand in no parentheses */
#define CALLER     __builtin_return_address(0)
#define REAL(name) __typeof__(&name) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

/* A function that returns `failed` when it fails. */
#define WRAP(type, failed, name, parameters, arguments) \
    type name parameters                                \
    {                                                   \
        REAL(name);                                     \
        if (fails(#name, CALLER, -1))                   \
            return failed;                              \
        return real arguments;                          \
    }

/* One that moves `size` bytes: there may be none, or fewer. A file has not lost what it had. */
#define WRAP_IO(name, size, parameters, arguments) \
    ssize_t name parameters                        \
    {                                              \
        REAL(name);                                \
        if (fails(#name, CALLER, fd)) {            \
            if (fault_error > 0)                   \
                return -1;                         \
            if (fault_error == 0 && !is_file(fd))  \
                return 0;                          \
            if (fault_error < 0)                   \
                size = size > 1 ? size / 2 : size; \
        }                                          \
        return real arguments;                     \
    }

/* One with a third argument that may be there. */
#define WRAP_OPEN(name, parameters, arguments) \
    int name parameters                        \
    {                                          \
        REAL(name);                            \
        va_list ap;                            \
        va_start(ap, flags);                   \
        unsigned mode = va_arg(ap, unsigned);  \
        va_end(ap);                            \
        if (fails(#name, CALLER, -1))          \
            return -1;                         \
        return real arguments;                 \
    }
#define WRAP_POINTER(name, request)   \
    int name(int fd, request, ...)    \
    {                                 \
        REAL(name);                   \
        va_list ap;                   \
        va_start(ap, what);           \
        void *p = va_arg(ap, void *); \
        va_end(ap);                   \
        if (fails(#name, CALLER, -1)) \
            return -1;                \
        return real(fd, what, p);     \
    }

/* NOLINTEND(bugprone-macro-parentheses) */

/* files */
WRAP_OPEN(open, (const char *path, int flags, ...), (path, flags, mode))
WRAP_OPEN(open64, (const char *path, int flags, ...), (path, flags, mode))
WRAP_OPEN(openat, (int at, const char *path, int flags, ...), (at, path, flags, mode))
WRAP_POINTER(fcntl, int what)
WRAP_POINTER(fcntl64, int what)
WRAP_POINTER(ioctl, unsigned long what)
WRAP_IO(read, n, (int fd, void *to, size_t n), (fd, to, n))
WRAP_IO(write, n, (int fd, const void *from, size_t n), (fd, from, n))
WRAP(ssize_t, -1, readv, (int fd, const struct iovec *v, int n), (fd, v, n))
WRAP(ssize_t, -1, writev, (int fd, const struct iovec *v, int n), (fd, v, n))
WRAP_IO(pread, n, (int fd, void *to, size_t n, off_t at), (fd, to, n, at))
WRAP(off_t, -1, lseek, (int fd, off_t at, int whence), (fd, at, whence))
WRAP(int, -1, fstat, (int fd, struct stat *st), (fd, st))
WRAP(int, -1, stat, (const char *path, struct stat *st), (path, st))
WRAP(int, -1, access, (const char *path, int mode), (path, mode))
WRAP(int, -1, faccessat, (int at, const char *path, int mode, int flags), (at, path, mode, flags))
WRAP(int, -1, fchmod, (int fd, mode_t mode), (fd, mode))
WRAP(int, -1, fchmodat, (int at, const char *path, mode_t mode, int flags), (at, path, mode, flags))
WRAP(int, -1, mkdir, (const char *path, mode_t mode), (path, mode))
WRAP(int, -1, mkdirat, (int at, const char *path, mode_t mode), (at, path, mode))
WRAP(int, -1, rename, (const char *from, const char *to), (from, to))
WRAP(int, -1, renameat, (int a, const char *from, int b, const char *to), (a, from, b, to))
WRAP(int, -1, unlink, (const char *path), (path))
WRAP(int, -1, unlinkat, (int at, const char *path, int flags), (at, path, flags))
WRAP(ssize_t, -1, readlink, (const char *path, char *to, size_t n), (path, to, n))
WRAP(char *, NULL, realpath, (const char *path, char *to), (path, to))
WRAP(DIR *, NULL, opendir, (const char *path), (path))
WRAP(DIR *, NULL, fdopendir, (int fd), (fd))
WRAP(struct dirent *, NULL, readdir, (DIR * d), (d))
WRAP(int, -1, scandir,
     (const char *path, struct dirent ***list, int (*wanted)(const struct dirent *),
      int (*order)(const struct dirent **, const struct dirent **)),
     (path, list, wanted, order))
WRAP(FILE *, NULL, fopen, (const char *path, const char *mode), (path, mode))
WRAP(FILE *, NULL, fdopen, (int fd, const char *mode), (fd, mode))
WRAP(int, -1, memfd_create, (const char *name, unsigned flags), (name, flags))
WRAP(int, -1, close_range, (unsigned from, unsigned to, int flags), (from, to, flags))
WRAP(struct passwd *, NULL, getpwnam, (const char *name), (name))
WRAP(struct passwd *, NULL, getpwuid, (uid_t uid), (uid))
WRAP(ssize_t, -1, getrandom, (void *to, size_t n, unsigned flags), (to, n, flags))

/* It is closed all the same. */
int close(int fd)
{
    REAL(close);
    bool failed = fails("close", CALLER, -1);
    int error = errno;
    int r = real(fd);
    if (!failed)
        return r;
    errno = error;
    return -1;
}

/* sockets */
WRAP(int, -1, socket, (int family, int type, int protocol), (family, type, protocol))
WRAP(int, -1, socketpair, (int family, int type, int protocol, int fds[2]), (family, type, protocol, fds))
WRAP(int, -1, bind, (int fd, __CONST_SOCKADDR_ARG to, socklen_t n), (fd, to, n))
WRAP(int, -1, listen, (int fd, int n), (fd, n))
WRAP(int, -1, accept4, (int fd, __SOCKADDR_ARG from, socklen_t *n, int flags), (fd, from, n, flags))
WRAP(int, -1, connect, (int fd, __CONST_SOCKADDR_ARG to, socklen_t n), (fd, to, n))
WRAP(int, -1, shutdown, (int fd, int how), (fd, how))
WRAP(int, -1, getsockopt, (int fd, int level, int name, void *to, socklen_t *n), (fd, level, name, to, n))
WRAP(int, -1, setsockopt, (int fd, int level, int name, const void *from, socklen_t n),
     (fd, level, name, from, n))
WRAP_IO(send, n, (int fd, const void *from, size_t n, int flags), (fd, from, n, flags))
WRAP(ssize_t, -1, sendto,
     (int fd, const void *from, size_t n, int flags, __CONST_SOCKADDR_ARG to, socklen_t len),
     (fd, from, n, flags, to, len))
WRAP(ssize_t, -1, sendmsg, (int fd, const struct msghdr *m, int flags), (fd, m, flags))
WRAP_IO(recv, n, (int fd, void *to, size_t n, int flags), (fd, to, n, flags))
WRAP(ssize_t, -1, recvmsg, (int fd, struct msghdr *m, int flags), (fd, m, flags))

/* waiting */
WRAP(int, -1, epoll_create1, (int flags), (flags))
WRAP(int, -1, epoll_ctl, (int fd, int op, int of, struct epoll_event *e), (fd, op, of, e))
WRAP(int, -1, epoll_wait, (int fd, struct epoll_event *e, int n, int ms), (fd, e, n, ms))
WRAP(int, -1, epoll_pwait, (int fd, struct epoll_event *e, int n, int ms, const sigset_t *m),
     (fd, e, n, ms, m))
WRAP(int, -1, eventfd, (unsigned n, int flags), (n, flags))
WRAP(int, -1, pipe2, (int fds[2], int flags), (fds, flags))
WRAP(int, -1, poll, (struct pollfd * p, nfds_t n, int ms), (p, n, ms))

/* processes */
WRAP(pid_t, -1, fork, (void), ())
WRAP(int, -1, execve, (const char *path, char *const argv[], char *const env[]), (path, argv, env))
WRAP(int, -1, execvp, (const char *path, char *const argv[]), (path, argv))
WRAP(pid_t, -1, waitpid, (pid_t pid, int *status, int flags), (pid, status, flags))
WRAP(int, -1, waitid, (idtype_t type, id_t id, siginfo_t *info, int flags), (type, id, info, flags))
WRAP(int, -1, kill, (pid_t pid, int number), (pid, number))
WRAP(pid_t, -1, setsid, (void), ())
WRAP(int, -1, chdir, (const char *path), (path))
WRAP(int, -1, dup2, (int from, int to), (from, to))
WRAP(int, -1, setuid, (uid_t uid), (uid))
WRAP(int, -1, setgid, (gid_t gid), (gid))
WRAP(int, -1, setgroups, (size_t n, const gid_t *list), (n, list))
WRAP(int, -1, getrlimit, (__rlimit_resource_t what, struct rlimit *to), (what, to))
WRAP(int, -1, setrlimit, (__rlimit_resource_t what, const struct rlimit *to), (what, to))

int pidfd_open(pid_t pid, unsigned flags); /* an older libc has no sys/pidfd.h */
int pidfd_send_signal(int fd, int number, siginfo_t *info, unsigned flags);
WRAP(int, -1, pidfd_open, (pid_t pid, unsigned flags), (pid, flags))
WRAP(int, -1, pidfd_send_signal, (int fd, int number, siginfo_t *info, unsigned flags),
     (fd, number, info, flags))

long syscall(long number, ...)
{
    REAL(syscall);
    long a[6];
    va_list ap;
    va_start(ap, number);
    for (int i = 0; i < 6; i++)
        a[i] = va_arg(ap, long);
    va_end(ap);
    if (number != SYS_close && fails("syscall", CALLER, -1))
        return -1;
    return real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

/* memory, whose functions dlsym() itself calls */
/* NOLINTBEGIN(bugprone-reserved-identifier): so glibc names what its own functions are */
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t size);
/* so the address sanitizer its own, which free() must get back: there with it only */
void *__interceptor_calloc(size_t n, size_t size) __attribute__((weak));
void *__interceptor_realloc(void *p, size_t size) __attribute__((weak));
/* NOLINTEND(bugprone-reserved-identifier) */
void *calloc(size_t n, size_t size)
{
    if (fails("calloc", CALLER, -1))
        return NULL;
    return __interceptor_calloc ? __interceptor_calloc(n, size) : __libc_calloc(n, size);
}
void *realloc(void *p, size_t size)
{
    if (fails("realloc", CALLER, -1))
        return NULL;
    return __interceptor_realloc ? __interceptor_realloc(p, size) : __libc_realloc(p, size);
}
