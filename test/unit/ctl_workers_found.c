/* SPDX-License-Identifier: MIT */
/* Workers that outlive us: found again, or not. With real processes. */
#include "test/lib/worker_rig.h"

START_TEST(test_found_again)
{
    rig_start(_i ? "connected-first" : "good");
    UNTIL_STATE(WORKER_READY);
    rig_connect(0x17);
    UNTIL_STATE(WORKER_CONNECTED);
    pid_t pid = rig_pid();
    for (int i = 0; i < 2; i++) {
        rig_close();
        rig_open();
        ck_assert_uint_eq(workers_running(rig.w), 1);
        ck_assert_int_eq(rig_look().state, WORKER_STARTING);
        ck_assert_uint_eq(rig_look().incarnation, 1);
        workers_sweep(rig.w); /* it was asked for */
        UNTIL_STATE(WORKER_CONNECTED);
        ck_assert_int_eq(rig_pid(), pid);
        ck_assert_uint_eq(rig_look().ring, 0x17);
    }
    rig_start("good");
    ck_assert_int_eq(rig_look().state, WORKER_CONNECTED);
    rig_disconnect();
    UNTIL_STATE(WORKER_READY);
    kill(pid, SIGKILL);
    UNTIL_STATE(WORKER_DEAD);
    rig_start("good");
    UNTIL_STATE(WORKER_READY);
    ck_assert_str_eq(rig_key("starts"), "2");
}
END_TEST

START_TEST(test_died_meanwhile)
{
    rig_start("good");
    UNTIL_STATE(WORKER_READY);
    pid_t pid = rig_pid();
    rig_close();
    kill(pid, SIGKILL);
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
    rig_open();
    ck_assert_uint_eq(workers_running(rig.w), 0);
    UNTIL_STATE(WORKER_DEAD);
    ck_assert_str_eq(rig_look().said, "ended while nobody watched");
    ck_assert_uint_eq(rig_look().failures, 1);
    rig_start("good");
    UNTIL_STATE(WORKER_READY);
    ck_assert_str_eq(rig_key("starts"), "2");
}
END_TEST

/* Another process has its number: it is left alone. */
START_TEST(test_number_given_again)
{
    rig_start("good");
    UNTIL_STATE(WORKER_READY);
    pid_t pid = rig_pid();
    rig_close();
    char command[256];
    snprintf(command, sizeof command, "sed -i 's/^%s .*/%s %d/' %s/run/workers/qdisk.7.51712",
             _i ? "started" : "boot", _i ? "started" : "boot", 12345, rig.dir);
    ck_assert_int_eq(system(command), 0);
    rig_open();
    ck_assert_int_eq(rig_look().state, WORKER_DEAD);
    ck_assert_uint_eq(workers_running(rig.w), 0);
    int status = -1;
    UNTIL(status != -1 || waitpid(pid, &status, WNOHANG) == pid);
    ck_assert_int_eq(WEXITSTATUS(status), 9); /* it was refused */
}
END_TEST

/* Whatever is wrong with the record of a worker that lives, no other is started beside it. */
START_TEST(test_record_spoilt)
{
    static const char *const spoil[] = {"sed -i '1s/.*/xenrecon-worker 2/' $f",
                                        "sed -i 's/^pid/pit/' $f",
                                        "rm $f",
                                        "chmod 644 $f",
                                        "rm $f; ln -s /nowhere $f",
                                        "head -c 40 $f >$f.x; mv $f.x $f",
                                        ">$f"};
    char command[512], said[128];
    rig_start("insists");
    UNTIL_STATE(WORKER_READY);
    pid_t pid = rig_pid();
    rig_close();
    snprintf(command, sizeof command, "f=%s; %s", rig_path("run/workers/qdisk.7.51712"), spoil[_i]);
    ck_assert_int_eq(system(command), 0);
    rig_open();
    ck_assert_int_eq(rig_look().state, WORKER_DEAD);
    snprintf(said, sizeof said,
             "is not started: process %d still has the state file of the one before, and may serve",
             (int)pid);
    for (int i = 0; i < 3; i++) {
        rig_start("good");
        ck_assert_int_eq(rig_look().state, WORKER_DEAD);
        ck_assert_str_eq(rig_look().said, said);
        rig_turn(100);
        if (i == 1) { /* detached, and attached again */
            rig_stop();
            ck_assert_int_eq(rig_look().state, WORKER_NONE);
        }
        if (i == 0) {
            rig_close();
            rig_open();
        }
    }
    ck_assert_int_eq(kill(pid, 0), 0);
    ck_assert_int_eq(kill(pid, SIGKILL), 0);
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
    rig.changes = 0;
    UNTIL(rig.changes && rig_look().until <= uv_now(&rig.loop) + 1);
    rig_start("good");
    UNTIL_STATE(WORKER_READY);
}
END_TEST

/* Then it may be the same device: what it was about to do is in its state file. */
START_TEST(test_state_outlives_its_record)
{
    rig_start("insists");
    UNTIL_STATE(WORKER_READY);
    pid_t pid = rig_pid();
    rig_close();
    ck_assert_int_eq(unlink(rig_path("run/workers/qdisk.7.51712")), 0);
    rig_open();
    ck_assert_int_eq(kill(pid, SIGKILL), 0);
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
    rig_start("good");
    UNTIL_STATE(WORKER_READY);
    ck_assert_str_eq(rig_key("starts"), "2");
}
END_TEST

START_TEST(test_sweep)
{
    rig_start("good");
    UNTIL_STATE(WORKER_READY);
    rig_close();
    rig_open();
    ck_assert_uint_eq(workers_running(rig.w), 1);
    workers_sweep(rig.w);
    UNTIL(workers_running(rig.w) == 0);
    ck_assert(!rig_there("run/workers/qdisk.7.51712"));
    ck_assert(!rig_there("run/workers/qdisk.7.51712.state"));
    rig_start("good"); /* is not found again: nobody sweeps it */
    workers_sweep(rig.w);
    UNTIL_STATE(WORKER_READY);
}
END_TEST

START_TEST(test_swept_and_wanted_again)
{
    rig_start("good");
    UNTIL_STATE(WORKER_READY);
    rig_close();
    rig_open();
    workers_sweep(rig.w);
    ck_assert_int_eq(rig_look().state, WORKER_STARTING); /* it has not ended, and may hold something */
    UNTIL_STATE(WORKER_DEAD);
    rig_start("good");
    UNTIL_STATE(WORKER_READY);
    ck_assert_uint_eq(workers_running(rig.w), 1);
}
END_TEST

START_TEST(test_never_comes_back)
{
    rig_start("mute");
    rig_close();
    rig.config.hello_within = 200;
    rig_open();
    UNTIL_STATE(WORKER_DEAD);
    ck_assert_str_eq(rig_look().said, "did not come back within 0.2 s");
}
END_TEST

int main(int argc, char **argv)
{
    TCase *t = rig_case(argc, argv, "workers found again");
    tcase_add_loop_test(t, test_found_again, 0, 2);
    tcase_add_test(t, test_died_meanwhile);
    tcase_add_loop_test(t, test_number_given_again, 0, 2);
    tcase_add_loop_test(t, test_record_spoilt, 0, 7);
    tcase_add_test(t, test_state_outlives_its_record);
    tcase_add_test(t, test_sweep);
    tcase_add_test(t, test_swept_and_wanted_again);
    tcase_add_test(t, test_never_comes_back);
    return rig_run(t, "workers found again");
}
