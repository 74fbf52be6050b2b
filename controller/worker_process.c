/* SPDX-License-Identifier: MIT */
#include "controller/worker_process.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

#include "schemas/mem.h"
#include "schemas/message.h"

struct worker_process {
    struct worker_process_config cfg;
    pid_t pid;
    uint64_t started;
    int pidfd;
    int token[2]; /* a pipe, until the token was given; or -1. Our end for reading keeps SIGPIPE away */
    uv_process_t child;
    uv_poll_t poll;
    unsigned handles; /* that are still to be closed */
    bool polled, closed;
};

int process_start_time(pid_t pid, uint64_t *ret_started)
{
    char path[32], text[1024];
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -ESRCH;
    ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    text[n > 0 ? n : 0] = '\0';
    /* the 22nd field, proc(5); the second is the name in parentheses, with whatever in it */
    const char *at = strrchr(text, ')');
    for (int i = 2; at && i < 22; i++)
        at = strchr(at + 1, ' ');
    if (!at)
        return -ESRCH;
    *ret_started = strtoull(at + 1, NULL, 10);
    return 0;
}

/* ---- its end ---- */

static void free_process(uv_handle_t *handle)
{
    struct worker_process *p = handle->data;
    if (--p->handles == 0 && p->closed)
        free(p);
}

static void close_token(struct worker_process *p)
{
    for (int i = 0; i < 2; i++) {
        if (p->token[i] >= 0)
            close(p->token[i]);
        p->token[i] = -1;
    }
}

/* Nobody else may take the number of a child that nobody waited for: the group is its own, until we wait. Of
 * one that we found again, init may have taken the number back a moment ago; that it was given to a new group
 * since, all others having been given out before, is not to be feared. */
static void on_readable(uv_poll_t *poll, int status, int events)
{
    struct worker_process *p = poll->data;
    struct worker_exit how = {.known = false};
    siginfo_t info = {.si_pid = 0};
    int r = waitid(P_PIDFD, (id_t)p->pidfd, &info, WEXITED | WNOHANG | WNOWAIT);
    (void)status, (void)events;
    if (r == 0 && info.si_pid == 0)
        return; /* not yet */
    if (r == 0) {
        how.known = true;
        how.status = info.si_code == CLD_EXITED ? info.si_status : 0;
        how.signal = info.si_code == CLD_EXITED ? 0 : info.si_status;
    }
    kill(-p->pid, SIGKILL);
    if (r == 0)
        waitid(P_PIDFD, (id_t)p->pidfd, &info, WEXITED | WNOHANG);
    uv_poll_stop(&p->poll);
    p->cfg.ended(p->cfg.arg, &how);
}

void worker_process_close(struct worker_process *p)
{
    p->closed = true;
    close_token(p);
    if (p->polled)
        uv_close((uv_handle_t *)&p->poll, free_process);
    if (p->pidfd >= 0)
        close(p->pidfd);
    if (!p->handles)
        free(p);
}

/* ---- its beginning ---- */

static struct worker_process *new_process(const struct worker_process_config *config)
{
    struct worker_process *p = xcalloc(1, sizeof *p);
    p->cfg = *config;
    p->pidfd = p->token[0] = p->token[1] = -1;
    p->child.data = p->poll.data = p;
    return p;
}

static int hold(struct worker_process *p, pid_t pid)
{
    p->pid = pid;
    p->pidfd = pidfd_open(pid, 0);
    return p->pidfd < 0 ? -errno : process_start_time(pid, &p->started);
}

static int watch(struct worker_process *p)
{
    int error = uv_poll_init(p->cfg.loop, &p->poll, p->pidfd);
    if (error)
        return error;
    p->polled = true;
    p->handles++;
    return uv_poll_start(&p->poll, UV_READABLE, on_readable);
}

/* It waits for its token: it cannot have done much before its limits are in force. */
static int limit(pid_t pid, const struct worker_command *c)
{
    const struct rlimit files = {c->open_files, c->open_files};
    const struct rlimit memory = {(rlim_t)c->memory << 20, (rlim_t)c->memory << 20};
    if (c->open_files && prlimit(pid, RLIMIT_NOFILE, &files, NULL))
        return -errno;
    return c->memory && prlimit(pid, RLIMIT_AS, &memory, NULL) ? -errno : 0;
}

static int spawn(struct worker_process *p, const struct worker_command *c, int null_fd, int state_fd)
{
    uv_stdio_container_t stdio[] = {
        {.flags = UV_INHERIT_FD, .data.fd = null_fd},
        {.flags = UV_INHERIT_FD, .data.fd = STDERR_FILENO},
        {.flags = UV_INHERIT_FD, .data.fd = STDERR_FILENO},
        [WORKER_TOKEN_FD] = {.flags = UV_INHERIT_FD, .data.fd = p->token[0]},
        [WORKER_STATE_FD] = {.flags = UV_INHERIT_FD, .data.fd = state_fd},
    };
    uv_process_options_t options = {.file = c->argv[0],
                                    .args = c->argv,
                                    .env = c->env,
                                    .cwd = "/",
                                    .flags = UV_PROCESS_DETACHED,
                                    .stdio_count = sizeof stdio / sizeof *stdio,
                                    .stdio = stdio,
                                    .uid = c->uid,
                                    .gid = c->gid};
    if (c->as_user)
        options.flags |= UV_PROCESS_SETUID | UV_PROCESS_SETGID;
    close_range(3, ~0U, CLOSE_RANGE_CLOEXEC); /* also what we were started with */
    int error = uv_spawn(p->cfg.loop, &p->child, &options);
    pid_t pid = p->child.pid;
    /* the loop is not to wait for it: we do, as for those that are not its children */
    p->handles++;
    uv_close((uv_handle_t *)&p->child, free_process);
    if (error)
        return error;
    error = hold(p, pid);
    if (!error)
        error = limit(pid, c);
    if (!error)
        error = watch(p);
    if (error) {
        kill(-pid, SIGKILL);
        waitpid(pid, NULL, 0);
    }
    return error;
}

int worker_process_spawn(const struct worker_process_config *config, const struct worker_command *command,
                         int state_fd, struct worker_process **ret_process)
{
    struct worker_process *p = new_process(config);
    int null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    int error = null_fd < 0 || pipe2(p->token, O_CLOEXEC) ? -errno : spawn(p, command, null_fd, state_fd);
    if (null_fd >= 0)
        close(null_fd);
    if (error)
        worker_process_close(p);
    else
        *ret_process = p;
    return error;
}

void worker_process_give_token(struct worker_process *p, const char *token)
{
    char line[TOKEN_DIGITS + 2];
    int len = snprintf(line, sizeof line, "%s\n", token);
    if (write(p->token[1], line, (size_t)len) != len) /* a pipe takes so little at once */
        abort();
    close_token(p);
}

int worker_process_find(const struct worker_process_config *config, pid_t pid, uint64_t started,
                        struct worker_process **ret_process)
{
    struct worker_process *p;
    if (pid <= 1) /* whose group would be everybody */
        return -ESRCH;
    p = new_process(config);
    int error = hold(p, pid);
    if (!error && p->started != started)
        error = -ESRCH;
    if (!error)
        error = watch(p);
    if (error)
        worker_process_close(p);
    else
        *ret_process = p;
    return error;
}

/* ---- */

pid_t worker_process_pid(const struct worker_process *p)
{
    return p->pid;
}

uint64_t worker_process_started(const struct worker_process *p)
{
    return p->started;
}

void worker_process_signal(struct worker_process *p, int signal)
{
    pidfd_send_signal(p->pidfd, signal, NULL, 0); /* that it is gone is news that comes anyway */
}
