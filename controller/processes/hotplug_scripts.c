/* SPDX-License-Identifier: MIT */
#include "controller/processes/hotplug_scripts.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "controller/base/compat.h"
#include "controller/base/log.h"
#include "controller/base/patience.h"
#include "controller/base/queue.h"
#include "controller/base/signals.h"
#include "controller/processes/output.h"
#include "controller/processes/script_path.h"
#include "schemas/arena.h"
#include "schemas/device.h"
#include "schemas/mem.h"
#include "schemas/printable.h"

enum {
    LOGGED_MAX = 20,      /* lines of a script that are logged, its last ones */
    LEFT_MAX = 256,       /* scripts whose children are still read from */
    LEFT_OF_DEVICE = 4,   /* of these, those of one device: its newest */
    SAID_MAX = 256,       /* of what is said about a script: it goes to the store */
    KILL_AFTER = 2 * 1000 /* milliseconds from SIGTERM to SIGKILL */
};

struct script_job {
    TAILQ_ENTRY(script_job) next;
    struct hotplug_scripts *scripts;
    struct arena arena;
    const char *key;
    size_t type_len; /* how much of the key is the type */
    const char *directory;
    char **argv, **env;
    uint32_t timeout, parallel;
    struct patience patience; /* for the deadline, and then for SIGKILL */
    uv_process_t process;
    bool runs;         /* it was started, and has not ended */
    uint64_t deadline; /* milliseconds of the patience */
    unsigned handles;  /* handles of libuv that are still to be closed */
    struct left *left; /* what it prints; NULL: it was not started */
    bool overdue;
    int error;
    char said[SAID_MAX];
};

TAILQ_HEAD(jobs, script_job);

/* What a script prints, and then what others print that it has left behind. */
struct left {
    TAILQ_ENTRY(left) next;
    struct hotplug_scripts *scripts; /* NULL: the script still runs, and this is not in the list */
    char *key;
    struct output *output;
    struct tail tail;
    int printing; /* the script's end; -1: the script has ended */
};

TAILQ_HEAD(left_behind, left);

struct hotplug_scripts {
    uv_loop_t *loop;
    script_done_fn *done;
    void *arg;
    struct jobs waiting, running;
    struct left_behind left; /* of scripts that have ended, oldest first */
    unsigned n_left;
    unsigned jobs; /* jobs that are not freed yet */
    bool closed;
};

/* ---- what it said ---- */

static void say(struct script_job *j, int error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void say(struct script_job *j, int error, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    const char *how = arena_vprintf(&j->arena, format, ap);
    va_end(ap);
    how = arena_printf(&j->arena, "%s %s %s", j->argv[0], j->argv[1], how);
    j->error = error;
    printable_copy(j->said, sizeof j->said, how, strlen(how), false);
}

static void log_line(void *arg, const char *line)
{
    const struct script_job *j = arg;
    log_about(LOG_LEVEL_INFO, &(struct log_about){.quoted = true}, "%s: %s: %s", j->key,
              strrchr(j->argv[0], '/') + 1, line);
}

static void drop_left(struct left *l)
{
    if (l->scripts) {
        TAILQ_REMOVE(&l->scripts->left, l, next);
        l->scripts->n_left--;
    }
    output_close(l->output);
    tail_clear(&l->tail);
    if (l->printing >= 0)
        close(l->printing);
    free(l->key);
    free(l);
}

static void on_silence(void *arg)
{
    drop_left(arg);
}

/* Nobody may be reading some time: then what is printed is lost, and nobody waits. */
static void let_go(struct left *l)
{
    fcntl(l->printing, F_SETFL, O_RDWR | O_NONBLOCK);
    close(l->printing);
    l->printing = -1;
}

/* Goes on reading for those that the script has left behind. The oldest makes room: of this device, when
 * that has had its share, as one does whose script leaves a daemon behind each time that it is run. */
static void keep_left(struct hotplug_scripts *s, struct left *l)
{
    struct left *other, *oldest = NULL;
    unsigned n = 0;
    let_go(l);
    TAILQ_FOREACH (other, &s->left, next)
        if (strcmp(other->key, l->key) == 0 && n++ == 0)
            oldest = other;
    if (n == LEFT_OF_DEVICE)
        drop_left(oldest);
    else if (s->n_left == LEFT_MAX)
        drop_left(TAILQ_FIRST(&s->left));
    l->scripts = s;
    TAILQ_INSERT_TAIL(&s->left, l, next);
    s->n_left++;
    output_speak(l->output);
}

/* Logs the last lines that the script printed (all would use up what may be logged of the device), and adds
 * the very last one to `said`. */
static void read_output(struct script_job *j)
{
    char line[SAID_MAX];
    struct left *l = j->left;
    j->left = NULL;
    output_drain(l->output);
    tail_lines(&l->tail, LOGGED_MAX, line, sizeof line, log_line, j);
    if (j->error && tail_last(&l->tail, line, sizeof line)) {
        size_t used = strlen(j->said);
        used += printable_copy(j->said + used, sizeof j->said - used, ": ", 2, false);
        printable_copy(j->said + used, sizeof j->said - used, line, strlen(line), false);
    }
    keep_left(j->scripts, l);
}

/* ---- its life: begin -> (deadline -> kill) -> exit -> done -> closed ---- */

static void start_waiting(struct hotplug_scripts *s);

static void free_job(struct script_job *j)
{
    struct hotplug_scripts *s = j->scripts;
    arena_free(&j->arena);
    free(j);
    if (--s->jobs == 0 && s->closed)
        free(s);
}

static void release(void *arg)
{
    struct script_job *j = arg;
    if (--j->handles == 0)
        free_job(j);
}

static void on_closed(uv_handle_t *handle)
{
    release(handle->data);
}

static void close_job(struct script_job *j)
{
    if (j->left) {
        let_go(j->left);
        drop_left(j->left);
        j->left = NULL;
    }
    patience_close(&j->patience, release);
    if (j->handles > 1)
        uv_close((uv_handle_t *)&j->process, on_closed);
}

static void finish(struct script_job *j)
{
    struct hotplug_scripts *s = j->scripts;
    TAILQ_REMOVE(&s->running, j, next);
    s->done(s->arg, j->key, j->error, j->said);
    close_job(j);
    start_waiting(s);
}

static void on_exit_of(uv_process_t *process, int64_t status, int signal)
{
    struct script_job *j = process->data;
    char text[SIGNAL_TEXT_SIZE];
    j->runs = false;
    if (j->overdue) {
        kill(-process->pid, SIGKILL); /* processes that the script has left behind */
        say(j, -ETIMEDOUT, "did not end within %u.%u s", j->timeout / 1000, j->timeout % 1000 / 100);
    } else if (signal) {
        signal_describe(signal, text);
        say(j, -EIO, "was ended by %s", text);
    } else if (status) {
        say(j, -EIO, "exited with status %d", (int)status);
    }
    read_output(j);
    finish(j);
}

/* One that was not run has no deadline: `done` is only not called from within hotplug_scripts_run(). */
static uint64_t on_deadline(void *arg, uint64_t now)
{
    struct script_job *j = arg;
    if (now < j->deadline)
        return j->deadline;
    if (!j->runs) {
        finish(j);
        return 0;
    }
    kill(-j->process.pid, j->overdue ? SIGKILL : SIGTERM);
    j->deadline = j->overdue ? UINT64_MAX : now + KILL_AFTER;
    j->overdue = true;
    return j->deadline;
}

/* The script waits where its pipe is full: it is read as fast as we can. */
static int open_output(struct script_job *j)
{
    char name[DEVICE_KEY_SIZE + 256];
    int reading, printing, error = output_pipe(&reading, &printing);
    if (error)
        return error;
    struct left *l = j->left = xcalloc(1, sizeof *l);
    snprintf(name, sizeof name, "%s: %s", j->key, strrchr(j->argv[0], '/') + 1);
    l->key = xstrdup(j->key);
    l->printing = printing;
    l->output = output_new(&(struct output_config){.loop = j->scripts->loop,
                                                   .name = name,
                                                   .quiet = true,
                                                   .tail = &l->tail,
                                                   .ended = on_silence,
                                                   .arg = l},
                           reading);
    return 0;
}

static int spawn(struct script_job *j)
{
    uv_stdio_container_t stdio[3] = {
        {.flags = UV_INHERIT_FD}, {.flags = UV_INHERIT_FD}, {.flags = UV_INHERIT_FD}};
    uv_process_options_t options = {.exit_cb = on_exit_of,
                                    .file = j->argv[0],
                                    .args = j->argv,
                                    .env = j->env,
                                    .cwd = "/",
                                    .flags = UV_PROCESS_DETACHED,
                                    .stdio_count = 3,
                                    .stdio = stdio};
    int input = open("/dev/null", O_RDONLY | O_CLOEXEC);
    int error = input < 0 ? -errno : open_output(j);
    if (error) {
        if (input >= 0)
            close(input);
        return error;
    }
    stdio[0].data.fd = input;
    stdio[1].data.fd = stdio[2].data.fd = j->left->printing;
    j->process.data = j;
    j->handles++;
    compat_close_range_on_exec(3); /* descriptors that we were started with as well */
    error = uv_spawn(j->scripts->loop, &j->process, &options);
    close(input);
    j->runs = !error;
    return error;
}

static void begin(struct script_job *j)
{
    struct hotplug_scripts *s = j->scripts;
    TAILQ_REMOVE(&s->waiting, j, next);
    TAILQ_INSERT_TAIL(&s->running, j, next);
    const char *wrong = script_path_check(&j->arena, j->directory, j->argv[0], &j->argv[0]);
    int error = wrong ? -EPERM : spawn(j);
    if (wrong)
        say(j, error, "is not run: it %s", wrong);
    else if (error)
        say(j, error, "cannot be run: %s", strerror(-error));
    j->deadline = patience_now(&j->patience) + (error ? 0 : j->timeout);
    patience_until(&j->patience, j->deadline);
}

static bool same_type(const struct script_job *a, const struct script_job *b)
{
    return a->type_len == b->type_len && memcmp(a->key, b->key, a->type_len) == 0;
}

static bool may_begin(const struct script_job *j)
{
    uint32_t running = 0;
    struct script_job *other;
    TAILQ_FOREACH (other, &j->scripts->running, next) {
        running += same_type(j, other);
        if (strcmp(j->key, other->key) == 0)
            return false; /* a device's scripts run one after the other */
    }
    return running < j->parallel;
}

static void start_waiting(struct hotplug_scripts *s)
{
    struct script_job *j = s->closed ? NULL : TAILQ_FIRST(&s->waiting);
    while (j) {
        struct script_job *next = TAILQ_NEXT(j, next);
        if (may_begin(j))
            begin(j);
        j = next;
    }
}

/* ---- requests ---- */

struct hotplug_scripts *hotplug_scripts_new(struct uv_loop_s *loop, script_done_fn *done, void *arg)
{
    struct hotplug_scripts *s = xcalloc(1, sizeof *s);
    *s = (struct hotplug_scripts){.loop = loop, .done = done, .arg = arg};
    TAILQ_INIT(&s->waiting);
    TAILQ_INIT(&s->running);
    TAILQ_INIT(&s->left);
    return s;
}

/* Copies a list that ends in NULL, behind further words. */
static char **copy_words(struct arena *a, const char *const *list, const char *const *more)
{
    size_t n = 0, at = 0;
    for (const char *const *w = list; *w; w++)
        n++;
    for (const char *const *w = more; *w; w++)
        n++;
    char **copy = arena_alloc(a, (n + 1) * sizeof *copy);
    for (const char *const *w = more; *w; w++)
        copy[at++] = arena_strdup(a, *w);
    for (const char *const *w = list; *w; w++)
        copy[at++] = arena_strdup(a, *w);
    copy[at] = NULL;
    return copy;
}

/* Adds the variables with which the tools that a script calls find the store that we use. */
static char **make_env(struct arena *a, const char *const *env)
{
    static const char *const store[] = {"XENSTORED_PATH", "XENSTORED_RUNDIR"};
    const char *common[4] = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"};
    size_t n = 1;
    for (size_t i = 0; i < sizeof store / sizeof *store; i++)
        if (getenv(store[i]))
            common[n++] = arena_printf(a, "%s=%s", store[i], getenv(store[i]));
    return copy_words(a, env, common);
}

void hotplug_scripts_run(struct hotplug_scripts *s, const struct script_request *request)
{
    static const char *const nothing[] = {NULL};
    struct script_job *j = xcalloc(1, sizeof *j);
    j->scripts = s;
    j->key = arena_strdup(&j->arena, request->key);
    j->type_len = strcspn(j->key, "/");
    j->directory = arena_strdup(&j->arena, request->directory);
    j->argv = copy_words(&j->arena, request->argv, nothing);
    j->env = make_env(&j->arena, request->env);
    j->timeout = request->timeout;
    j->parallel = request->parallel;
    patience_open(&j->patience, s->loop, on_deadline, j);
    j->handles = 1;
    s->jobs++;
    TAILQ_INSERT_TAIL(&s->waiting, j, next);
    if (may_begin(j))
        begin(j);
}

void hotplug_scripts_close(struct hotplug_scripts *s)
{
    struct script_job *j;
    struct left *next;
    s->closed = true;
    TAILQ_FOREACH (j, &s->waiting, next)
        close_job(j);
    TAILQ_FOREACH (j, &s->running, next)
        close_job(j);
    for (struct left *l = TAILQ_FIRST(&s->left); l; l = next) {
        next = TAILQ_NEXT(l, next);
        drop_left(l);
    }
    if (!s->jobs)
        free(s);
}
