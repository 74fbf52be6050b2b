/* SPDX-License-Identifier: MIT */
/* Where workers are tried: a loop, a run directory, a policy, and fake workers. A test begins with rig_up()
 * and ends with rig_down(), which makes sure that nothing is left behind. */
#ifndef XENRECON_TEST_WORKER_RIG_H
#define XENRECON_TEST_WORKER_RIG_H

#include <dirent.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <uv.h>

#include "controller/base/log.h"
#include "controller/processes/workers.h"
#include "test/lib/fake_worker.h"
#include "test/lib/unit.h"

enum {
    RIG_PATIENCE = 120 * 1000, /* milliseconds: much more than anything takes */
    RIG_UID_BASE = 300000,
};

static struct rig {
    char dir[32], run[64];
    uv_loop_t loop;
    uv_timer_t tick;
    struct workers *w;
    struct workers_config config;
    struct policy policy;
    struct variable variables[3];
    struct device_key key;
    uint64_t before; /* the last turn of the loop: milliseconds of the loop */
    unsigned changes;
    bool inside; /* a call to workers_*() */
    int fds;     /* that were open in the beginning */
} rig;

static inline int rig_count_fds(void)
{
    int n = 0;
    DIR *dir = opendir("/proc/self/fd");
    while (readdir(dir))
        n++;
    closedir(dir);
    return n;
}

static inline void rig_changed(void *arg, const struct device_key *key)
{
    struct rig *r = arg;
    ck_assert(!r->inside);
    r->changes += device_key_equal(key, &r->key);
}

static inline void rig_on_tick(uv_timer_t *timer)
{
    (void)timer;
}

static inline void rig_open(void)
{
    rig.inside = true;
    ck_assert_int_eq(workers_new(&rig.config, &rig.w), 0);
    rig.inside = false;
}

static inline void rig_up(void)
{
    log_set_level(getenv("LOG") ? LOG_LEVEL_DEBUG : LOG_LEVEL_ERROR);
    signal(SIGPIPE, SIG_DFL); /* we are not to depend on it */
    setenv("XENSTORED_PATH", "/nowhere", 1);
    umask(027);
    uv_loop_init(&rig.loop); /* what libuv opens once, it keeps */
    uv_loop_close(&rig.loop);
    rig.fds = rig_count_fds();
    snprintf(rig.dir, sizeof rig.dir, "/tmp/xr-workers.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(rig.dir));
    ck_assert_int_eq(chmod(rig.dir, 0777), 0);
    snprintf(rig.run, sizeof rig.run, "%s/run", rig.dir);
    ck_assert_int_eq(device_key_parse("qdisk/7/51712", 13, &rig.key), 0);
    static char dir_name[] = "FAKE_DIR";
    rig.variables[0] = (struct variable){dir_name, rig.dir};
    rig.policy.worker.environment = rig.variables;
    rig.policy.worker.n_environment = 1;
    rig.policy.worker.open_files = 200;
    rig.policy.deadlines.create = rig.policy.deadlines.connect = rig.policy.deadlines.close = RIG_PATIENCE;
    rig.policy.retry.initial = 1000;
    rig.policy.retry.max = 60 * 1000;
    uv_loop_init(&rig.loop);
    uv_timer_init(&rig.loop, &rig.tick);
    uv_timer_start(&rig.tick, rig_on_tick, 10, 10);
    rig.config = (struct workers_config){
        .loop = &rig.loop, .run_dir = rig.run, .changed = rig_changed, .arg = &rig, .kill_after = 300};
    rig_open();
}

static inline char *rig_path(const char *name)
{
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", rig.dir, name);
    return path;
}

static inline bool rig_there(const char *name)
{
    return access(rig_path(name), F_OK) == 0;
}

static struct worker rig_look(void)
{
    struct worker w;
    workers_ask(rig.w, &rig.key, &w);
    return w;
}

#define UNTIL(condition)                                                                      \
    do {                                                                                      \
        uint64_t until_ = uv_hrtime() + (uint64_t)RIG_PATIENCE * 1000000;                     \
        while (!(condition) && uv_hrtime() < until_) {                                        \
            rig.before = uv_now(&rig.loop);                                                   \
            uv_run(&rig.loop, UV_RUN_ONCE);                                                   \
        }                                                                                     \
        struct worker seen_ = rig_look();                                                     \
        ck_assert_msg(condition, "state %d: %s", seen_.state, seen_.said ? seen_.said : "-"); \
    } while (0)
#define UNTIL_STATE(state_) UNTIL(rig_look().state == (state_))

static inline void rig_start_as(const char *mode, uint64_t incarnation)
{
    const char *const argv[] = {"/proc/self/exe", "worker", mode, NULL};
    const struct worker_start start = {&rig.key, incarnation, argv, &rig.policy};
    rig.inside = true;
    workers_start(rig.w, &start);
    rig.inside = false;
}

static inline void rig_start(const char *mode)
{
    rig_start_as(mode, 1);
}

static inline void rig_connect(uint64_t ring)
{
    static const struct published keys[] = {{"ring-ref", "8"}, {"event-channel", "12"}};
    rig.inside = true;
    workers_connect(rig.w, &rig.key, ring, keys, 2);
    rig.inside = false;
}

static inline void rig_disconnect(void)
{
    rig.inside = true;
    workers_disconnect(rig.w, &rig.key);
    rig.inside = false;
}

static inline void rig_stop(void)
{
    rig.inside = true;
    workers_stop(rig.w, &rig.key);
    rig.inside = false;
}

/* The value of a key that is published. */
static inline const char *rig_key(const char *key)
{
    struct worker w = rig_look();
    for (size_t i = 0; i < w.n_published; i++)
        if (strcmp(w.published[i].key, key) == 0)
            return w.published[i].value;
    return "(none)";
}

static inline pid_t rig_pid(void)
{
    return atoi(rig_key("pid"));
}

static inline void rig_turn(int milliseconds)
{
    uint64_t until = uv_hrtime() + (uint64_t)milliseconds * 1000000;
    while (uv_hrtime() < until)
        uv_run(&rig.loop, UV_RUN_ONCE);
}

/* The controller dies, and another takes its place. */
static inline void rig_close(void)
{
    workers_close(rig.w);
    uv_run(&rig.loop, UV_RUN_NOWAIT);
    uv_run(&rig.loop, UV_RUN_NOWAIT);
    rig.w = NULL;
}

static inline void rig_down(void)
{
    char command[64];
    if (rig.w) {
        rig_stop();
        UNTIL(workers_running(rig.w) == 0);
        ck_assert_int_eq(rig_look().state, WORKER_NONE);
        ck_assert(!rig_there("run/workers/qdisk.7.51712"));
        ck_assert(!rig_there("run/workers/qdisk.7.51712.state"));
        workers_close(rig.w);
    }
    ck_assert_msg(!rig_there("two"), "two workers were alive at a time");
    uv_close((uv_handle_t *)&rig.tick, NULL);
    uv_run(&rig.loop, UV_RUN_DEFAULT);
    ck_assert_int_eq(uv_loop_close(&rig.loop), 0);
    ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1); /* no child, dead or alive */
    ck_assert_int_eq(rig_count_fds(), rig.fds);
    snprintf(command, sizeof command, "rm -rf %s", rig.dir);
    ck_assert_int_eq(system(command), 0);
}

/* main() begins with it: this program is its own workers, and who is not root cannot have any. */
static inline TCase *rig_case(int argc, char **argv, const char *name)
{
    fake_worker(argc, argv);
    if (geteuid() != 0) {
        puts("SKIP: needs root");
        exit(EXIT_SUCCESS);
    }
    TCase *t = tcase_create(name);
    tcase_add_checked_fixture(t, rig_up, rig_down);
    return t;
}

static inline int rig_run(TCase *t, const char *name)
{
    Suite *s = suite_create(name);
    suite_add_tcase(s, t);
    return run_suite(s);
}

#endif
