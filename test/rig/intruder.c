/* SPDX-License-Identifier: MIT */
/* Preloaded into xenrecon-blk, somebody who has taken it over: when it is locked in, the system call that
 * INTRUDER names is made, and what came of it is said. Each time that it discards, in a thread of its pool;
 * of `start-CALL` once, before it has said hello to the controller. Or, of `no-io_uring`, a
 * kernel that has none for us. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

static char page[1 << 16] __attribute__((aligned(1 << 16)));
#define AT(p) ((long)(uintptr_t)(p))

static const struct {
    const char *name;
    long number, args[6];
} calls[] = {
    {"clone", SYS_clone, {SIGCHLD}}, /* not fork(), which may block all signals first */
    {"execve", SYS_execve, {AT("/bin/true")}},
    {"openat", SYS_openat, {AT_FDCWD, AT("/"), O_RDONLY}},
    {"openat2", SYS_openat2, {AT_FDCWD, AT("/"), AT(page), sizeof(struct open_how)}},
    {"socket", SYS_socket, {AF_INET, SOCK_STREAM}},
    {"mmap", SYS_mmap, {0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1}},
    {"mprotect", SYS_mprotect, {AT(page), sizeof page, PROT_READ | PROT_EXEC}},
    {"ptrace", SYS_ptrace, {0}},
    {"kill", SYS_kill, {1, SIGTERM}},
    {"tgkill", SYS_tgkill, {1, 1, SIGTERM}},
    {"fallocate", SYS_fallocate, {-1, 0, 0, 4096}},
    {"ftruncate", SYS_ftruncate, {-1, 4096}},
    {"bpf", SYS_bpf, {0}},
    {"mount", SYS_mount, {AT("none"), AT("/"), AT("tmpfs")}},
    {"io_uring_setup", SYS_io_uring_setup, {8, AT(page)}},
    {"io_uring_enter", SYS_io_uring_enter, {3, 1}},
    {"rt_sigaction", SYS_rt_sigaction, {SIGSYS, 0, 0, 8}},
    /* the kernel looks at the lower half of a signal's number */
    {"rt_sigaction-high", SYS_rt_sigaction, {(1L << 32) | SIGSYS, 0, 0, 8}},
    {"prlimit64", SYS_prlimit64, {0, RLIMIT_FSIZE, AT(page)}},
    {"getrandom", SYS_getrandom, {AT(page), 8}},
    {"statx", SYS_statx, {AT_FDCWD, AT("/"), 0, 0, AT(page)}},
    {"ioctl", SYS_ioctl, {STDERR_FILENO, 0x5401, AT(page)}},
    {"number-1000", 1000, {0}},
};

static void *nothing(void *arg)
{
    return arg;
}

static long connect_abstract(const char *name)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    int fd = (int)syscall(SYS_socket, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    memcpy(to.sun_path + 1, name, strlen(name));
    return connect(fd, (struct sockaddr *)&to,
                   (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(name)));
}

/* Writes behind the end of the image that was asked for a discard. */
static int image;
static long grow(void)
{
    struct stat st;
    signal(SIGXFSZ, SIG_IGN);
    return fstat(image, &st) ? -1 : pwrite(image, page, sizeof page, st.st_size);
}

/* What libc makes of several system calls, and one that nobody can be told of. */
static long make_other(const char *name)
{
    const char *rig = getenv("RIG_DIR");
    pthread_t id;
    sigset_t all;
    if (strcmp(name, "thread") == 0) {
        int error = pthread_create(&id, NULL, nothing, NULL);
        errno = error == EAGAIN ? ENOSYS : error; /* it says EAGAIN whatever the reason */
        return error ? -1 : 0;
    }
    if (strcmp(name, "openat-blocked") == 0) {
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, NULL);
        return syscall(SYS_openat, AT_FDCWD, "/", O_RDONLY);
    }
    if (strcmp(name, "abstract") == 0) /* a socket of the host's, whose name is the rig's folder */
        return rig ? connect_abstract(rig) : -1;
    if (strcmp(name, "grow") == 0) /* whichever is the image */
        return grow();
    errno = EINVAL;
    return -1;
}

static void intrude(const char *name)
{
    char text[128];
    long r = -1;
    size_t i = 0, n = sizeof calls / sizeof *calls;
    while (i < n && strcmp(calls[i].name, name) != 0)
        i++;
    if (i < n) {
        const long *a = calls[i].args;
        r = syscall(calls[i].number, a[0], a[1], a[2], a[3], a[4], a[5]);
    } else {
        r = make_other(name);
    }
    int len =
        snprintf(text, sizeof text, "intruder: %s: %s\n", name, r < 0 ? strerror(errno) : "it was made");
    if (write(STDERR_FILENO, text, (size_t)len) < 0)
        return;
}

static const char *wanted(bool start)
{
    const char *name = getenv("INTRUDER");
    if (!name || start != (strncmp(name, "start-", 6) == 0))
        return NULL;
    return start ? name + 6 : name;
}

int fallocate(int fd, int mode, off_t offset, off_t len)
{
    const char *name = wanted(false);
    image = fd;
    if (name)
        intrude(name);
    return (int)syscall(SYS_fallocate, fd, mode, offset, len);
}

int io_uring_queue_init(unsigned entries, void *ring, unsigned flags);
int io_uring_queue_init(unsigned entries, void *ring, unsigned flags)
{
    int (*real)(unsigned, void *, unsigned) =
        (int (*)(unsigned, void *, unsigned))dlsym(RTLD_NEXT, "io_uring_queue_init");
    const char *name = wanted(false);
    if (name && strcmp(name, "no-io_uring") == 0)
        return -ENOSYS;
    return real ? real(entries, ring, flags) : -ENOSYS;
}

/* Its first socket is the one to the controller. */
int socket(int domain, int type, int protocol)
{
    static bool done;
    const char *name = wanted(true);
    if (name && !done) {
        done = true;
        intrude(name);
    }
    return (int)syscall(SYS_socket, domain, type, protocol);
}
