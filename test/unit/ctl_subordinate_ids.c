/* SPDX-License-Identifier: MIT */
/* Whether workers' users are given to somebody's containers. */
#include "controller/base/subordinate_ids.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "test/lib/unit.h"

static const struct {
    const char *text;
    uint32_t uid_base;
    unsigned line; /* of the overlap; 0: there is none */
} cases[] = {
    {"", 100000, 0},
    {"bob:100000:65536\n", 100000, 1},
    {"bob:100000:65536\n", 165535, 1},
    {"bob:100000:65536\n", 165536, 0},
    {"bob:100000:65536\n", 67249, 1},
    {"bob:100000:65536\n", 67248, 0}, /* 67248 + 32751 is 99999 */
    {"bob:100000:65536\nalice:165536:65536\n", 200000, 2},
    {"# one\n\nbob:100000\nbob:x:1\nbob:1:x\n:::\n1000:262000:1000\n", 262144, 7},
    {"bob:262144:0\n", 262144, 0},
    {"bob:262144:1", 262144, 1},
    {"bob:262144:1 \n", 262144, 0},
    {"bob:-1:99999999\n", 262144, 0},
    {"bob:99999999999999999999:1\n", 262144, 0},
    {"root:1000000:1000000000\n", 1900000000, 0},
    {"xenrecon:1900000000:65536\n", 1900000000, 0},
    {"xenrecon:1900000000:65536\nbob:1900000007:1\n", 1900000000, 2},
    {"bob:4294967000:295\n", 4294934527, 1},
};

START_TEST(overlap)
{
    char path[] = "/tmp/xr-subuid.XXXXXX", place[64];
    struct diagnostic why = {.line = 77};
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, cases[_i].text, strlen(cases[_i].text)), (ssize_t)strlen(cases[_i].text));
    close(fd);
    bool overlaps = subordinate_ids_overlap(path, "qdisk.yaml", cases[_i].uid_base, &why);
    unlink(path);
    ck_assert_int_eq(overlaps, cases[_i].line > 0);
    if (!overlaps)
        return;
    snprintf(place, sizeof place, " %s:%u gives to ", path, cases[_i].line);
    ck_assert_msg(strstr(why.message, place) != NULL, "%s", why.message);
    ck_assert_str_eq(why.file, "qdisk.yaml");
}
END_TEST

START_TEST(no_file)
{
    struct diagnostic why;
    ck_assert(!subordinate_ids_overlap("/nowhere/subuid", "qdisk.yaml", 100000, &why));
}
END_TEST

START_TEST(what_is_said)
{
    char path[] = "/tmp/xr-subuid.XXXXXX", want[512];
    struct diagnostic why;
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_gt(dprintf(fd, "bob:165536:65536\n"), 0);
    close(fd);
    ck_assert(subordinate_ids_overlap(path, "qdisk.yaml", 200000, &why));
    unlink(path);
    snprintf(want, sizeof want,
             "`uid-base`: the users 200000 to 232751 would share numbers with those that %s:1 gives to bob, "
             "165536 to "
             "231071; 1900000000 is out of their way",
             path);
    ck_assert_str_eq(why.message, want);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("subordinate ids");
    TCase *t = tcase_create("subordinate ids");
    tcase_add_loop_test(t, overlap, 0, COUNT(cases));
    tcase_add_test(t, no_file);
    tcase_add_test(t, what_is_said);
    suite_add_tcase(s, t);
    return run_suite(s);
}
