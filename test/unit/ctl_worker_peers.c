/* SPDX-License-Identifier: MIT */
/* Whoever connects to the workers' socket: strangers, and workers that say what they should not. */
#include "test/lib/worker_rig.h"

enum { FLOOD = 300 };

/* ---- strangers ---- */

static int rig_dial(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    snprintf(address.sun_path, sizeof address.sun_path, "%s/worker/socket", rig.run);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
        return fd;
    close(fd);
    return -1;
}

/* What there is to read before the end; -1: it has not ended. */
static ssize_t read_to_end(int fd, char *text, size_t size, size_t *len)
{
    ssize_t n;
    while ((n = read(fd, text + *len, size - 1 - *len)) > 0)
        *len += (size_t)n;
    text[*len] = '\0';
    return n < 0 && errno == EAGAIN ? -1 : (ssize_t)*len;
}

/* With the right token, which it may have stolen, but from the wrong process. */
START_TEST(test_stolen_token)
{
    char line[128], said[256], token[64] = "";
    size_t len = 0;
    rig_start("good");
    UNTIL_STATE(WORKER_READY);
    FILE *f = fopen(rig_path("run/workers/qdisk.7.51712"), "re");
    while (!token[0] && fgets(line, sizeof line, f))
        if (sscanf(line, "token %63s", token) != 1)
            token[0] = '\0';
    fclose(f);
    ck_assert_uint_eq(strlen(token), TOKEN_DIGITS);
    int n = snprintf(line, sizeof line, "hello 1 qdisk/7/51712 %s\nready stolen=1\n", token);
    int fd = rig_dial();
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, line, (size_t)n), n);
    UNTIL(read_to_end(fd, said, sizeof said, &len) >= 0);
    ck_assert_str_eq(said, "refused no%20worker%20of%20ours\n");
    close(fd);
    ck_assert_str_eq(rig_key("stolen"), "(none)");
    ck_assert_int_eq(rig_look().state, WORKER_READY);
    rig_connect(0x17); /* the worker's own connection is as good as before */
    UNTIL_STATE(WORKER_CONNECTED);
}
END_TEST

/* Many of them cost us nothing that lasts, and the worker gets through. */
START_TEST(test_flood_of_strangers)
{
    int fds[FLOOD], fds_before, open_now = 0;
    rig_start("good");
    fds_before = rig_count_fds();
    for (int i = 0; i < FLOOD; i++) {
        fds[i] = rig_dial();
        open_now += fds[i] >= 0;
        if (fds[i] < 0 || i % 50 == 0)
            uv_run(&rig.loop, UV_RUN_NOWAIT);
    }
    ck_assert_int_gt(open_now, 100);
    UNTIL_STATE(WORKER_READY);
    UNTIL(rig_count_fds() <= fds_before + open_now + 2);
    for (int i = 0; i < FLOOD; i++)
        if (fds[i] >= 0)
            close(fds[i]);
}
END_TEST

/* A worker's own connections are counted. */
START_TEST(test_crowd)
{
    int fds_before = rig_count_fds();
    rig.policy.deadlines.create = 500;
    rig_start("crowd");
    UNTIL_STATE(WORKER_DEAD); /* its hello comes after too many that said nothing */
    ck_assert_int_le(rig_count_fds(), fds_before + 1);
}
END_TEST

/* ---- who says hello, and how ---- */

static const struct {
    const char *mode, *said;
} liars[] = {
    {"wrong-token", "exited with status 9"},
    {"wrong-device", "exited with status 9"},
    {"wrong-version", "exited with status 9"},
};

START_TEST(test_liar)
{
    rig_start(liars[_i].mode);
    UNTIL_STATE(WORKER_DEAD);
    ck_assert_str_eq(rig_look().said, liars[_i].said);
    ck_assert_uint_eq(rig_look().n_published, 0);
}
END_TEST

START_TEST(test_process_of_its_session)
{
    rig_start("in-child");
    UNTIL_STATE(WORKER_READY);
    ck_assert_str_ne(rig_key("session"), rig_key("pid"));
    rig_connect(0x17);
    UNTIL_STATE(WORKER_CONNECTED);
}
END_TEST

/* ---- what is said ---- */

static const struct {
    const char *mode, *said;
} bad[] = {
    {"malformed", "said something that lacks an argument"},
    {"oversized", "said something that is too long"},
    {"hello-twice", "said something that is not for a worker to say now"},
};

/* It may come back, but not for ever. */
START_TEST(test_misconduct)
{
    rig_start(bad[_i].mode);
    UNTIL(rig_look().said != NULL);
    ck_assert_int_eq(rig_look().state, WORKER_STARTING);
    UNTIL_STATE(WORKER_DEAD);
    ck_assert_str_eq(rig_look().said, bad[_i].said);
}
END_TEST

START_TEST(test_does_not_read)
{
    static char value[MESSAGE_MAX - 100];
    const struct published keys[] = {{"key", value}};
    memset(value, 'x', sizeof value - 1);
    rig_start("deaf");
    UNTIL_STATE(WORKER_READY);
    for (uint64_t ring = 1; ring < 100 && rig_look().state == WORKER_READY; ring++) {
        workers_connect(rig.w, &rig.key, ring, keys, 1);
        UNTIL(rig_look().state != WORKER_CONNECTING);
    }
    UNTIL_STATE(WORKER_STARTING);
    ck_assert_str_eq(rig_look().said, "does not read what it is sent");
}
END_TEST

/* However fast it has news, we are told of it now and then, and of the last. */
START_TEST(test_noisy)
{
    rig_start("noisy");
    uint64_t begun = uv_hrtime();
    UNTIL(strcmp(rig_key("n"), "2999") == 0);
    UNTIL(rig.changes > 0);
    uint64_t took = (uv_hrtime() - begun) / 1000000; /* it takes its time on a busy machine */
    ck_assert_uint_lt(rig.changes, 100 + took / 2);
}
END_TEST

int main(int argc, char **argv)
{
    TCase *t = rig_case(argc, argv, "worker peers");
    tcase_add_test(t, test_stolen_token);
    tcase_add_test(t, test_flood_of_strangers);
    tcase_add_test(t, test_crowd);
    tcase_add_loop_test(t, test_liar, 0, COUNT(liars));
    tcase_add_test(t, test_process_of_its_session);
    tcase_add_loop_test(t, test_misconduct, 0, COUNT(bad));
    tcase_add_test(t, test_does_not_read);
    tcase_add_test(t, test_noisy);
    return rig_run(t, "worker peers");
}
