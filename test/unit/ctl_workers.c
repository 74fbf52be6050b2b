/* SPDX-License-Identifier: MIT */
/* The supervision of workers, with real processes: their lives, and what is said and reported meanwhile. */
#include <errno.h>

#include "test/lib/worker_rig.h"

/* ---- what it is given ---- */

START_TEST(test_ready)
{
    rig.variables[1] = (struct variable){(char[]){"XENSTORED_PATH"}, (char[]){"/elsewhere"}};
    rig.variables[2] = (struct variable){(char[]){"EXTRA"}, (char[]){"given"}};
    rig.policy.worker.n_environment = 3;
    ck_assert_int_eq(rig_look().state, WORKER_NONE);
    rig_start("good");
    ck_assert_int_eq(rig_look().state, WORKER_STARTING);
    ck_assert_uint_eq(rig_look().incarnation, 1);
    ck_assert_uint_eq(rig.changes, 0);
    UNTIL_STATE(WORKER_READY);
    UNTIL(rig.changes > 0);
    ck_assert_ptr_null(rig_look().said);
    ck_assert_str_eq(rig_key("session"), rig_key("pid"));
    ck_assert_str_eq(rig_key("uid"), "0");
    ck_assert_str_eq(rig_key("store"), "0");
    ck_assert_str_eq(rig_key("files"), "200");
    ck_assert_str_eq(rig_key("become"), "");
    ck_assert_str_eq(rig_key("domid"), "7");
    ck_assert_str_eq(rig_key("extra"), "given");
    struct worker w = rig_look();
    for (size_t i = 1; i < w.n_published; i++)
        ck_assert_int_lt(strcmp(w.published[i - 1].key, w.published[i].key), 0);
}
END_TEST

START_TEST(test_record)
{
    struct stat st;
    rig_start("good");
    UNTIL_STATE(WORKER_READY);
    ck_assert_int_eq(stat(rig_path("run/workers/qdisk.7.51712"), &st), 0);
    ck_assert_uint_eq(st.st_mode, S_IFREG | 0600);
    ck_assert_int_eq(stat(rig_path("run/workers/qdisk.7.51712.state"), &st), 0);
    ck_assert_uint_eq(st.st_mode, S_IFREG | 0600);
    ck_assert_int_eq(stat(rig_path("run/workers"), &st), 0);
    ck_assert_uint_eq(st.st_mode, S_IFDIR | 0700);
    ck_assert_int_eq(stat(rig_path("run/worker"), &st), 0);
    ck_assert_uint_eq(st.st_mode, S_IFDIR | 0711);
    ck_assert_int_eq(stat(rig_path("run/worker/socket"), &st), 0);
    ck_assert_uint_eq(st.st_mode, S_IFSOCK | 0666);
}
END_TEST

START_TEST(test_user_for_each_domain)
{
    rig.policy.worker.uid_base = RIG_UID_BASE;
    rig_start("good");
    UNTIL_STATE(WORKER_READY);
    ck_assert_str_eq(rig_key("uid"), "300007");
    ck_assert_str_eq(rig_key("become"), "");
}
END_TEST

START_TEST(test_user_by_number)
{
    rig.policy.worker.user = (char[]){"65533"};
    rig_start("good");
    UNTIL_STATE(WORKER_READY);
    ck_assert_str_eq(rig_key("uid"), "65533");
}
END_TEST

START_TEST(test_drops_by_itself)
{
    rig.policy.worker.uid_base = RIG_UID_BASE;
    rig.policy.worker.drops = true;
    rig_start("good");
    UNTIL_STATE(WORKER_READY);
    ck_assert_str_eq(rig_key("uid"), "0");
    ck_assert_str_eq(rig_key("become"), "300007");
}
END_TEST

START_TEST(test_memory_limit)
{
    const char *const argv[] = {"/bin/sh", "-c", "ulimit -v >$FAKE_DIR/limit; exit 7", NULL};
    const struct worker_start start = {&rig.key, 1, argv, &rig.policy};
    char limit[16] = "";
    rig.policy.worker.memory = 123;
    workers_start(rig.w, &start);
    UNTIL_STATE(WORKER_DEAD);
    ck_assert_str_eq(rig_look().said, "exited with status 7");
    FILE *f = fopen(rig_path("limit"), "re");
    ck_assert_ptr_nonnull(f);
    ck_assert_ptr_nonnull(fgets(limit, sizeof limit, f));
    fclose(f);
    ck_assert_str_eq(limit, "125952\n");
}
END_TEST

/* Of who has a user of its own from the start: who is root may have to write what is large. */
START_TEST(test_file_size)
{
    const char *const argv[] = {"/bin/sh", "-c",
                                "ulimit -f >$FAKE_DIR/limit; exec dd if=/dev/zero bs=1M count=3 >&4", NULL};
    const struct worker_start start = {&rig.key, 1, argv, &rig.policy};
    struct stat st;
    rig.policy.worker.uid_base = RIG_UID_BASE;
    rig.policy.worker.drops = _i == 1;
    rig.policy.worker.file_size = _i == 2 ? 0 : 2;
    workers_start(rig.w, &start);
    UNTIL_STATE(WORKER_DEAD);
    ck_assert_int_eq(strncmp(rig_look().said, "ended by signal 25, SIGXFSZ", 27) == 0, _i == 0);
    ck_assert_int_eq(stat(rig_path("run/workers/qdisk.7.51712.state"), &st), 0);
    ck_assert_int_eq(st.st_size, _i == 0 ? 2 << 20 : 3 << 20);
}
END_TEST

/* ---- connecting ---- */

START_TEST(test_connect_and_disconnect)
{
    rig_start("good");
    rig_connect(17); /* not ready: nothing happens */
    ck_assert_int_eq(rig_look().state, WORKER_STARTING);
    UNTIL_STATE(WORKER_READY);
    for (uint64_t ring = 0x17; ring < 0x20; ring++) {
        rig_connect(ring);
        ck_assert_int_eq(rig_look().state, WORKER_CONNECTING);
        ck_assert_uint_eq(rig_look().ring, ring);
        rig_connect(ring + 1); /* likewise */
        UNTIL_STATE(WORKER_CONNECTED);
        ck_assert_uint_eq(rig_look().ring, ring);
        rig_disconnect();
        ck_assert_int_eq(rig_look().state, WORKER_DISCONNECTING);
        UNTIL_STATE(WORKER_READY);
        ck_assert_uint_eq(rig_look().ring, 0);
    }
}
END_TEST

/* The answers come in order: the one to `connect` is not taken for the other. */
START_TEST(test_disconnect_while_connecting)
{
    rig_start("good");
    UNTIL_STATE(WORKER_READY);
    rig_connect(0x17);
    rig_disconnect();
    ck_assert_int_eq(rig_look().state, WORKER_DISCONNECTING);
    UNTIL_STATE(WORKER_READY);
    rig_turn(50);
    ck_assert_int_eq(rig_look().state, WORKER_READY);
}
END_TEST

START_TEST(test_connect_fails)
{
    rig_start("refuses");
    UNTIL_STATE(WORKER_READY);
    rig_connect(0x17);
    UNTIL_STATE(WORKER_READY);
    ck_assert_uint_eq(rig_look().refused, 0x17);
    ck_assert_str_eq(rig_look().said, "no such ring\\x0a");
}
END_TEST

START_TEST(test_keys_too_long)
{
    static char value[MESSAGE_MAX];
    const struct published keys[] = {{"key", value}};
    memset(value, 'x', sizeof value - 1);
    rig_start("good");
    UNTIL_STATE(WORKER_READY);
    workers_connect(rig.w, &rig.key, 0x17, keys, 1);
    ck_assert_int_eq(rig_look().state, WORKER_READY);
    ck_assert_uint_eq(rig_look().refused, 0x17);
    ck_assert_ptr_nonnull(rig_look().said);
}
END_TEST

START_TEST(test_gives_up)
{
    rig_start("gives-up");
    UNTIL_STATE(WORKER_READY);
    rig_connect(0x17);
    UNTIL_STATE(WORKER_READY);
    ck_assert_uint_eq(rig_look().refused, 0x17);
    ck_assert_str_eq(rig_look().said, "broken");
}
END_TEST

/* ---- death ---- */

static const struct {
    const char *mode, *said;
    bool connect, disconnect;
} deaths[] = {
    {"fails", "exited with status 3: cannot open it", false, false},
    {"dies-ready", "ended by signal 10, SIGUSR1", false, false},
    {"dies-connecting", "ended by signal 9, SIGKILL", true, false},
    {"mute", "did not get ready within 0.4 s", false, false},
    {"no-hello", "did not get ready within 0.4 s", false, false},
    {"never-ready", "did not get ready within 0.4 s", false, false},
    {"no-connect", "did not answer `connect` within 0.4 s", true, false},
    {"no-disconnect", "did not answer `disconnect` within 0.4 s", true, true},
    {"leaves", "did not come back within 1.0 s", false, false},
};

START_TEST(test_death)
{
    rig_close();
    rig.config.hello_within = 1000;
    rig_open();
    bool connects = deaths[_i].connect || deaths[_i].disconnect;
    uint32_t *deadline = deaths[_i].disconnect ? &rig.policy.deadlines.close
                         : connects            ? &rig.policy.deadlines.connect
                                               : &rig.policy.deadlines.create;
    if (strstr(deaths[_i].said, "within 0.4 s")) /* no other is to die of it */
        *deadline = 400;
    rig_start(deaths[_i].mode);
    if (connects) {
        UNTIL_STATE(WORKER_READY);
        rig_connect(0x17);
    }
    if (deaths[_i].disconnect) {
        UNTIL_STATE(WORKER_CONNECTED);
        rig_disconnect();
    }
    UNTIL_STATE(WORKER_DEAD);
    uint64_t now = uv_now(&rig.loop) + 1;
    struct worker w = rig_look();
    ck_assert_str_eq(w.said, deaths[_i].said);
    ck_assert_uint_eq(w.failures, 1);
    ck_assert_uint_eq(w.incarnation, 1);
    ck_assert_uint_ge(w.until, rig.before + 750);
    ck_assert_uint_le(w.until, now + 1250);
    ck_assert_uint_eq(workers_running(rig.w), 0);
}
END_TEST

/* What did in time what it was to do is not killed because we did not look for a while. */
START_TEST(test_we_did_not_run)
{
    uint32_t *deadlines[] = {&rig.policy.deadlines.create, &rig.policy.deadlines.connect,
                             &rig.policy.deadlines.close};
    *deadlines[_i] = 2000;
    rig_start("good");
    for (int i = 0; i < 3; i++) {
        if (i == 1)
            rig_connect(0x17);
        if (i == 2)
            rig_disconnect();
        if (i == _i)
            usleep(4500 * 1000);
        UNTIL(rig_look().state == (i == 1 ? WORKER_CONNECTED : WORKER_READY) ||
              rig_look().state == WORKER_DEAD);
        ck_assert_int_ne(rig_look().state, WORKER_DEAD);
    }
}
END_TEST

/* Not for a moment either: the answer is there, and is only to be read. */
START_TEST(test_we_were_late)
{
    rig.policy.deadlines.connect = 1500;
    rig_start("good");
    UNTIL_STATE(WORKER_READY);
    rig_connect(0x17);
    usleep(2300 * 1000);
    UNTIL(rig_look().state != WORKER_CONNECTING);
    ck_assert_int_eq(rig_look().state, WORKER_CONNECTED);
}
END_TEST

START_TEST(test_cannot_be_run)
{
    const char *const argv[] = {"/nowhere/worker", NULL};
    const struct worker_start start = {&rig.key, 1, argv, &rig.policy};
    rig.inside = true;
    workers_start(rig.w, &start);
    rig.inside = false;
    ck_assert_int_eq(rig_look().state, WORKER_DEAD);
    ck_assert_str_eq(rig_look().said, "cannot be run: /nowhere/worker: No such file or directory");
    UNTIL(rig.changes == 1);
    workers_start(rig.w, &start);
    ck_assert_uint_eq(rig_look().failures, 2);
    rig.policy.worker.user = (char[]){"nobody-of-that-name"};
    workers_start(rig.w, &start);
    ck_assert_str_eq(rig_look().said, "cannot be run: there is no user nobody-of-that-name");
    ck_assert_uint_eq(rig_look().failures, 3);
}
END_TEST

/* Twice as long each time, up to a limit, and again from the beginning after one that served for a while;
 * that it ran is no reason. */
START_TEST(test_backoff)
{
    static const uint64_t delays[] = {100, 200, 400, 500, 500};
    rig.policy.retry.initial = 100;
    rig.policy.retry.max = 500;
    for (int i = 0; i < COUNT(delays); i++) {
        rig_start("fails");
        UNTIL_STATE(WORKER_DEAD);
        uint64_t now = uv_now(&rig.loop) + 1;
        ck_assert_uint_eq(rig_look().failures, (unsigned)i + 1);
        ck_assert_uint_ge(rig_look().until, rig.before + delays[i] * 3 / 4);
        ck_assert_uint_le(rig_look().until, now + delays[i] * 5 / 4);
    }
    rig_start("good");
    UNTIL_STATE(WORKER_READY);
    ck_assert_uint_eq(rig_look().failures, 5);
    rig_turn(600);
    kill(rig_pid(), SIGKILL);
    UNTIL_STATE(WORKER_DEAD);
    ck_assert_uint_eq(rig_look().failures, 6);
    rig_start("good");
    UNTIL_STATE(WORKER_READY);
    ck_assert_ptr_nonnull(rig_look().died);
    rig_connect(7);
    UNTIL_STATE(WORKER_CONNECTED);
    ck_assert_uint_eq(rig_look().failures, 0);
    ck_assert_ptr_null(rig_look().died);
    rig_turn(600);
    kill(rig_pid(), SIGKILL);
    UNTIL_STATE(WORKER_DEAD);
    ck_assert_uint_eq(rig_look().failures, 1);
    rig_start_as("fails", 2);
    ck_assert_uint_eq(rig_look().failures, 0);
    UNTIL_STATE(WORKER_DEAD);
}
END_TEST

START_TEST(test_state_outlives)
{
    rig_start("good");
    UNTIL_STATE(WORKER_READY);
    for (int i = 0; i < 3; i++) {
        char starts[16];
        kill(rig_pid(), SIGKILL);
        UNTIL_STATE(WORKER_DEAD);
        ck_assert_str_ne(rig_key("pid"), "(none)"); /* what was published stays so */
        rig_start("good");
        snprintf(starts, sizeof starts, "%d", i + 2);
        UNTIL_STATE(WORKER_READY);
        ck_assert_str_eq(rig_key("starts"), starts);
    }
    rig_start_as("good", 2);
    ck_assert_uint_eq(rig_look().n_published, 0);
    ck_assert_uint_eq(rig_look().incarnation, 2);
    UNTIL_STATE(WORKER_READY);
    ck_assert_str_eq(rig_key("starts"), "1");
    rig_stop();
    rig_start_as("good", 2);
    UNTIL_STATE(WORKER_READY);
    ck_assert_str_eq(rig_key("starts"), "1");
}
END_TEST

/* More than a zombie, in the care of an init that waits for nobody. */
static bool alive(pid_t pid)
{
    char path[32], state = 'Z';
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *f = fopen(path, "re");
    if (f && fscanf(f, "%*d (%*[^)]) %c", &state) != 1)
        state = 'Z';
    if (f)
        fclose(f);
    return state != 'Z';
}

START_TEST(test_group_goes_too)
{
    rig_start("leaves-child");
    UNTIL_STATE(WORKER_READY);
    pid_t child = atoi(rig_key("child"));
    ck_assert(alive(child));
    kill(rig_pid(), SIGKILL);
    UNTIL_STATE(WORKER_DEAD);
    ck_assert(!alive(child));
}
END_TEST

/* ---- being ended ---- */

/* Returns how many milliseconds it took. */
static uint64_t stop_one(const char *kind)
{
    rig_start(kind);
    UNTIL_STATE(WORKER_READY);
    pid_t pid = rig_pid();
    uint64_t begin = uv_hrtime();
    rig_stop();
    ck_assert_int_eq(rig_look().state, WORKER_NONE);
    ck_assert(rig_look().ending); /* who waits for its end is told of it */
    ck_assert_uint_eq(workers_running(rig.w), 1);
    rig.changes = 0;
    UNTIL(workers_running(rig.w) == 0);
    ck_assert(!rig_look().ending && rig.changes > 0);
    ck_assert_int_eq(kill(pid, 0), -1);
    ck_assert(!rig_there("run/workers/qdisk.7.51712"));
    return (uv_hrtime() - begin) / 1000000;
}

/* Who does not end is killed, after a time that is long enough for who does, also on a busy machine. */
START_TEST(test_stop)
{
    rig_close();
    rig.config.kill_after = 3000;
    rig_open();
    uint64_t took = stop_one(_i ? "stubborn" : "good");
    ck_assert_int_eq(took >= 3000, _i);
}
END_TEST

/* The fake workers see it if two of them are alive. */
START_TEST(test_one_after_the_other)
{
    rig_start("stubborn");
    UNTIL_STATE(WORKER_READY);
    pid_t pid = rig_pid();
    rig_start_as("good", 2);
    rig_start_as("mute", 3);
    rig_start_as("good", 4);
    rig_stop();
    rig_start_as("good", 5);
    ck_assert_uint_eq(workers_running(rig.w), 1);
    ck_assert_int_eq(rig_look().state, WORKER_STARTING);
    ck_assert_uint_eq(rig_look().incarnation, 5);
    ck_assert_int_eq(kill(pid, 0), 0);
    UNTIL_STATE(WORKER_READY);
    ck_assert_uint_eq(rig_look().incarnation, 5);
    ck_assert_int_eq(kill(pid, 0), -1);
    ck_assert_int_ne(rig_pid(), pid);
    pid = rig_pid();
    rig_start_as("good", 5); /* there is one */
    rig_turn(50);
    ck_assert_int_eq(rig_pid(), pid);
}
END_TEST

int main(int argc, char **argv)
{
    TCase *t = rig_case(argc, argv, "workers");
    tcase_add_test(t, test_ready);
    tcase_add_test(t, test_record);
    tcase_add_test(t, test_user_for_each_domain);
    tcase_add_test(t, test_user_by_number);
    tcase_add_test(t, test_drops_by_itself);
    tcase_add_test(t, test_memory_limit);
    tcase_add_loop_test(t, test_file_size, 0, 3);
    tcase_add_test(t, test_connect_and_disconnect);
    tcase_add_test(t, test_disconnect_while_connecting);
    tcase_add_test(t, test_connect_fails);
    tcase_add_test(t, test_keys_too_long);
    tcase_add_test(t, test_gives_up);
    tcase_add_loop_test(t, test_death, 0, COUNT(deaths));
    tcase_add_loop_test(t, test_we_did_not_run, 0, 3);
    tcase_add_test(t, test_we_were_late);
    tcase_add_test(t, test_cannot_be_run);
    tcase_add_test(t, test_backoff);
    tcase_add_test(t, test_state_outlives);
    tcase_add_test(t, test_group_goes_too);
    tcase_add_loop_test(t, test_stop, 0, 2);
    tcase_add_test(t, test_one_after_the_other);
    return rig_run(t, "workers");
}
