/* SPDX-License-Identifier: MIT */
#include "reconcilers/block/keeper.h"

#include <errno.h>
#include <poll.h>
#include <seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "reconcilers/block/calls.h"

/* ---- the keeper ---- */

static const int allowed[] = {
    SCMP_SYS(poll),      SCMP_SYS(ppoll), SCMP_SYS(read),       SCMP_SYS(recvfrom),   SCMP_SYS(sendto),
    SCMP_SYS(prlimit64), SCMP_SYS(fstat), SCMP_SYS(newfstatat), SCMP_SYS(exit_group),
};

static bool lock_in(void)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
    int error = filter ? 0 : -ENOMEM;
    for (size_t i = 0; i < sizeof allowed / sizeof *allowed && !error; i++)
        error = calls_rule(filter, SCMP_ACT_ALLOW, allowed[i]);
    if (!error)
        error = seccomp_load(filter);
    seccomp_release(filter);
    return !error;
}

/* So that nobody takes it for a worker. */
static void call_itself(const struct words *words)
{
    static const char name[] = "xenrecon-keeper";
    char *first = words->list[0], *last = words->list[words->n - 1];
    size_t room = (size_t)(last + strlen(last) - first);
    memset(first, 0, room);
    memcpy(first, name, room < sizeof name - 1 ? room : sizeof name - 1);
    prctl(PR_SET_NAME, name);
}

/* None of the worker's descriptors but these three, which become 0 to 2; false: that cannot be. */
static bool keep_only(int *socket, int *file, int *changes)
{
    int *fds[] = {socket, file, changes};
    for (int i = 0; i < 3; i++)
        if (*fds[i] >= 0 && (*fds[i] = dup(*fds[i])) < 3)
            return false; /* a worker has those from its start */
    for (int i = 0; i < 3; i++) {
        if (*fds[i] >= 0 && dup2(*fds[i], i) < 0)
            return false;
        *fds[i] = *fds[i] < 0 ? -1 : i;
    }
#ifdef SYS_close_range
    if (syscall(SYS_close_range, 3U, ~0U, 0U) == 0)
        return true;
#endif
    long most = sysconf(_SC_OPEN_MAX);
    for (int fd = 3; fd < most; fd++)
        close(fd);
    return true;
}

/* An empty file leaves it as it was. */
static void follow(pid_t worker, int socket, int file, struct rlimit *limit)
{
    struct stat st;
    if (fstat(file, &st))
        return;
    if (st.st_size > 0)
        limit->rlim_cur = (rlim_t)st.st_size;
    uint64_t size = limit->rlim_cur;
    if (prlimit(worker, RLIMIT_FSIZE, limit, NULL) == 0)
        send(socket, &size, sizeof size, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void keep(pid_t worker, int socket, int file, int changes, struct rlimit limit)
    __attribute__((noreturn));
static void keep(pid_t worker, int socket, int file, int changes, struct rlimit limit)
{
    char news[4096];
    struct pollfd fds[2] = {{.fd = socket, .events = POLLIN}, {.fd = changes, .events = POLLIN}};
    for (;;) {
        if (poll(fds, 2, -1) < 0 && errno != EINTR)
            _exit(1);
        if (fds[0].revents && recv(socket, news, sizeof news, MSG_DONTWAIT) <= 0)
            _exit(0); /* the worker has ended */
        if (fds[1].revents && read(changes, news, sizeof news) <= 0)
            fds[1].fd = -1;
        follow(worker, socket, file, &limit);
    }
}

/* ---- the worker's side ---- */

int keeper_start(int file, int changes, const struct words *words, uint64_t size, int *ret_keeper)
{
    int pair[2];
    struct rlimit limit;
    pid_t worker = getpid();
    if (getrlimit(RLIMIT_FSIZE, &limit) || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
        return -errno;
    limit.rlim_cur = (rlim_t)size;
    pid_t keeper = fork();
    if (keeper == 0) {
        signal(SIGHUP, SIG_IGN); /* the worker's end is its own */
        signal(SIGTERM, SIG_IGN);
        signal(SIGINT, SIG_IGN);
        call_itself(words);
        if (!keep_only(&pair[1], &file, &changes) || !lock_in())
            _exit(1);
        keep(worker, pair[1], file, changes, limit);
    }
    int error = keeper < 0 ? -errno : 0;
    close(pair[1]);
    if (!error && setrlimit(RLIMIT_FSIZE, &limit))
        error = -errno;
    if (error)
        close(pair[0]);
    else
        *ret_keeper = pair[0];
    return error;
}

void keeper_ask(int keeper)
{
    send(keeper, "", 1, MSG_NOSIGNAL | MSG_DONTWAIT);
}

int keeper_read(int keeper, uint64_t *ret_size)
{
    uint64_t size;
    ssize_t n = recv(keeper, &size, sizeof size, MSG_DONTWAIT);
    if (n == (ssize_t)sizeof size) {
        *ret_size = size;
        return 0;
    }
    return n < 0 && (errno == EAGAIN || errno == EINTR) ? -EAGAIN : -EPIPE;
}
