/* SPDX-License-Identifier: MIT */
#include "controller/processes/worker_process.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

#include "controller/base/compat.h"
#include "controller/processes/worker_scope.h"
#include "schemas/mem.h"
#include "schemas/message.h"

enum {
    CHECK_INTERVAL = 10, /* milliseconds */
    CHECKS_MAX = 100,
    WORKER_FDS = WORKER_LISTEN_FD + 1,
};

struct worker_process {
    struct worker_process_config cfg;
    pid_t pid;
    uint64_t started;
    int pidfd;
    int token[2]; /* a pipe until the token was given, then -1; our reading end keeps SIGPIPE away */
    struct worker_exit how;
    uv_poll_t poll;
    uv_timer_t timer;
    unsigned checks;  /* how often it was looked whether the group is gone */
    unsigned handles; /* handles of libuv that are still to be closed */
    bool polled, closed;
};

int worker_process_start_time(pid_t pid, uint64_t *ret_started)
{
    char path[32], text[1024];
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? -ESRCH : -errno;
    ssize_t n = read(fd, text, sizeof text - 1);
    int error = n < 0 ? -errno : 0;
    close(fd);
    if (error)
        return error;
    text[n] = '\0';
    /* the 22nd field, proc(5); the second is the name in parentheses, which may have anything in it */
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

/* The rest of the group was killed, which takes a while; a zombie whose parent does not wait takes for ever.
 */
static void on_check(uv_timer_t *timer)
{
    struct worker_process *p = timer->data;
    if (kill(-p->pid, 0) == 0 && p->checks++ < CHECKS_MAX) {
        uv_timer_start(timer, on_check, CHECK_INTERVAL, 0);
        return;
    }
    p->cfg.ended(p->cfg.arg, &p->how);
}

/* The number of a child cannot be given again before we wait for it, so the group is its own until then. Of a
 * process that was found again, init may have freed the number a moment ago. That it was given to a new group
 * since then is not to be feared: all other numbers would have to be used first. */
static void on_readable(uv_poll_t *poll, int status, int events)
{
    struct worker_process *p = poll->data;
    siginfo_t info = {.si_pid = 0};
    int r = waitid(P_PIDFD, (id_t)p->pidfd, &info, WEXITED | WNOHANG | WNOWAIT);
    (void)status, (void)events;
    if (r == 0 && info.si_pid == 0)
        return; /* it has not ended yet */
    if (r == 0) {
        p->how.known = true;
        p->how.status = info.si_code == CLD_EXITED ? info.si_status : 0;
        p->how.signal = info.si_code == CLD_EXITED ? 0 : info.si_status;
    }
    kill(-p->pid, SIGKILL);
    if (r == 0)
        waitid(P_PIDFD, (id_t)p->pidfd, &info, WEXITED | WNOHANG);
    uv_poll_stop(&p->poll);
    on_check(&p->timer);
}

void worker_process_close(struct worker_process *p)
{
    p->closed = true;
    close_token(p);
    if (p->polled) {
        uv_close((uv_handle_t *)&p->poll, free_process);
        uv_close((uv_handle_t *)&p->timer, free_process);
    }
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
    p->poll.data = p->timer.data = p;
    return p;
}

static int hold(struct worker_process *p, pid_t pid)
{
    p->pid = pid;
    p->pidfd = compat_pidfd_open(pid);
    return p->pidfd < 0 ? -errno : worker_process_start_time(pid, &p->started);
}

static int watch(struct worker_process *p)
{
    int error = uv_poll_init(p->cfg.loop, &p->poll, p->pidfd);
    if (error)
        return error;
    uv_timer_init(p->cfg.loop, &p->timer);
    p->polled = true;
    p->handles += 2;
    return uv_poll_start(&p->poll, UV_READABLE, on_readable);
}

/* What is done on the way to the program, and how that is called where it fails. */
enum step { STEP_PROGRAM, STEP_DESCRIPTORS, STEP_DIRECTORY, STEP_LIMITS, STEP_SCOPE, STEP_USER };

static const char *const step_names[] = {[STEP_DESCRIPTORS] = "its descriptors",
                                         [STEP_DIRECTORY] = "its directory, /",
                                         [STEP_LIMITS] = "its limits",
                                         [STEP_SCOPE] = "its scope, by landlock(7)",
                                         [STEP_USER] = "its user"};

/* ---- in the child, where nothing is called that could wait for another thread of ours ---- */

/* Not above our own limit: only some processes may raise it. */
static bool limit(compat_resource resource, rlim_t to)
{
    struct rlimit l;
    if (getrlimit(resource, &l))
        return false;
    if (to < l.rlim_max)
        l.rlim_max = to;
    l.rlim_cur = l.rlim_max;
    return setrlimit(resource, &l) == 0;
}

/* Makes fds[i] the descriptor i, unless it is -1; all others are closed by execve(). */
static bool arrange(const int fds[WORKER_FDS])
{
    int copies[WORKER_FDS];
    for (int i = 0; i < WORKER_FDS; i++)
        if ((copies[i] = fds[i] < 0 ? -1 : fcntl(fds[i], F_DUPFD_CLOEXEC, WORKER_FDS)) < 0 && fds[i] >= 0)
            return false;
    for (int i = 0; i < WORKER_FDS; i++)
        if (copies[i] >= 0 && dup2(copies[i], i) < 0)
            return false;
    return true;
}

static bool become(const struct worker_command *c)
{
    return !c->as_user || (setgroups(0, NULL) == 0 && setgid(c->gid) == 0 && setuid(c->uid) == 0);
}

/* Returns the step that failed; PROGRAM: none did. Limits are set before the user is: the user may not be
 * allowed to set them. */
static enum step prepare(const struct worker_command *c, const int fds[WORKER_FDS])
{
    if (!arrange(fds))
        return STEP_DESCRIPTORS;
    if (chdir("/"))
        return STEP_DIRECTORY;
    if ((c->open_files && !limit(RLIMIT_NOFILE, c->open_files)) ||
        (c->memory && !limit(RLIMIT_AS, (rlim_t)c->memory << 20)) ||
        (c->file_size && !limit(RLIMIT_FSIZE, (rlim_t)c->file_size << 20)))
        return STEP_LIMITS;
    if (c->scoped && (errno = -worker_scope_enter()))
        return STEP_SCOPE;
    return become(c) ? STEP_PROGRAM : STEP_USER;
}

static void run_child(const struct worker_command *c, const int fds[WORKER_FDS], int report)
{
    sigset_t none;
    for (int i = 1; i < NSIG; i++)
        signal(i, SIG_DFL); /* fails for signals that have no other handler */
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    setsid();
    enum step step = prepare(c, fds);
    if (step == STEP_PROGRAM)
        execve(c->argv[0], c->argv, c->env);
    int failure[2] = {errno, (int)step};
    if (write(report, failure, sizeof failure) < 0)
        _exit(126);
    _exit(127);
}

/* ---- in the parent ---- */

/* Not by uv_spawn(): it sets no limits, and it waits for its children itself. Setting limits afterwards takes
 * a capability that we may lack. */
static int spawn(struct worker_process *p, const struct worker_command *c, const int fds[WORKER_FDS],
                 const int report[2], const char **ret_step)
{
    sigset_t all, before;
    int error = 0, failure[2];
    compat_close_range_on_exec(3); /* descriptors that we were started with as well */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* until the child has none of our handlers any more */
    pid_t pid = fork();
    if (pid == 0)
        run_child(c, fds, report[1]);
    if (pid < 0)
        error = -errno;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    close(report[1]);
    if (error)
        return error;
    ssize_t n;
    while ((n = read(report[0], failure, sizeof failure)) < 0 && errno == EINTR)
        ;
    if (n == sizeof failure) {
        error = -failure[0];
        *ret_step = step_names[failure[1]];
    }
    if (!error)
        error = hold(p, pid);
    if (!error)
        error = watch(p);
    if (error) {
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
    }
    return error;
}

int worker_process_spawn(const struct worker_process_config *config, const struct worker_command *command,
                         const struct worker_descriptors *given, struct worker_process **ret_process,
                         const char **ret_step)
{
    struct worker_process *p = new_process(config);
    int report[2], error;
    *ret_step = NULL;
    int null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (null_fd < 0 || pipe2(p->token, O_CLOEXEC) || pipe2(report, O_CLOEXEC)) {
        error = -errno;
    } else {
        const int fds[WORKER_FDS] = {null_fd,
                                     given->output,
                                     given->output,
                                     [WORKER_TOKEN_FD] = p->token[0],
                                     [WORKER_STATE_FD] = given->state,
                                     [WORKER_LISTEN_FD] = given->listen};
        error = spawn(p, command, fds, report, ret_step);
        close(report[0]);
    }
    if (null_fd >= 0)
        close(null_fd);
    if (error)
        worker_process_close(p);
    else
        *ret_process = p;
    return error;
}

int worker_process_give_token(struct worker_process *p, const char *token)
{
    char line[TOKEN_DIGITS + 2];
    int len = snprintf(line, sizeof line, "%s\n", token);
    ssize_t n = write(p->token[1], line, (size_t)len); /* a pipe takes so few bytes at once, or none */
    int error = n < 0 ? -errno : n != len ? -EIO : 0;
    close_token(p);
    return error;
}

int worker_process_find(const struct worker_process_config *config, pid_t pid, uint64_t started,
                        struct worker_process **ret_process)
{
    struct worker_process *p;
    if (pid <= 1) /* its group would be all processes */
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
    compat_pidfd_send_signal(p->pidfd, signal); /* if it is gone, `ended` is called anyway */
}
