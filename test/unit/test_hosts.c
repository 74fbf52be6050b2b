/* SPDX-License-Identifier: MIT */
/* Texts with listings of several hosts, or of one at several moments. */
#include <check.h>
#include <string.h>

#include "schemas/dump/hosts.h"
#include "test/lib/unit.h"

#define B    "/local/domain/0/backend/vif/7/0"
#define F    "/local/domain/7/device/vif/0"
#define UP   B "/state = \"4\"\n" B "/online = \"1\"\n"
#define DOWN B "/state = \"6\"\n" B "/online = \"1\"\n"
#define ROOT "local = \"\"\n domain = \"\"\n  7 = \"\"\n   name = \"web\"\n"

static const struct {
    const char *text;
    size_t n;
    const char *names[2];
} texts[] = {
    {UP, 1, {""}},
    {UP UP, 1, {""}},
    {UP F "/state = \"4\"\n", 1, {""}},
    {UP DOWN, 2, {"lines 1-2", "lines 3-4"}},
    {UP B "/online = \"0\"\n", 1, {""}},
    {UP "\n" B "/online = \"0\"\n", 2, {"lines 1-2", "lines 3-4"}},
    {"before\n" UP "after\n\n" DOWN, 2, {"lines 1-3", "lines 4-7"}},
    {"root@a:~# xenstore-ls -f\n" UP "[root@b ~]# xenstore-ls -f\n" UP, 2, {"a", "b"}},
    {"root@a:~# xenstore-ls -f\n" UP "root@a:~# xenstore-ls -f\n" DOWN, 2, {"a", "a, lines 4-6"}},
    {"root@a:~# xenstore-ls -f\n" UP "root@a:~# xenstore-ls -f /local/domain/7\n" F "/state = \"4\"\n",
     1,
     {""}},
    {"u@dom0:~# xenstore-ls -f\n" UP "u@net:~$ xenstore-ls device/vif/0\nstate = \"4\"\n", 1, {""}},
    {"> root@a:~# xenstore-ls -f\n> " B "/state = \"4\"\n> root@b:~# xenstore-ls -f\n> " B "/state = \"4\"\n",
     2,
     {"a", "b"}},
    {ROOT ROOT, 1, {""}},
    {ROOT "local = \"\"\n domain = \"\"\n  8 = \"\"\n   name = \"db\"\n", 2, {"lines 1-4", "lines 5-8"}},
};

START_TEST(test_texts)
{
    struct dump_hosts hosts;
    struct diagnostic why;
    const char *text = texts[_i].text;
    ck_assert_int_eq(dump_hosts_parse("d", text, strlen(text), &hosts, &why), 0);
    ck_assert_uint_eq(hosts.n, texts[_i].n);
    for (size_t i = 0; i < hosts.n; i++)
        ck_assert_str_eq(hosts.list[i].name, texts[_i].names[i]);
    dump_hosts_clear(&hosts);
}
END_TEST

/* Each has its own values, and its lines have the numbers of the whole text. */
START_TEST(test_values)
{
    struct dump_hosts hosts;
    struct diagnostic why;
    ck_assert_int_eq(dump_hosts_parse("d", BYTES(UP DOWN), &hosts, &why), 0);
    ck_assert_uint_eq(hosts.n, 2);
    ck_assert_str_eq(dump_lookup(hosts.list[0].dump, B "/state").text, "4");
    ck_assert_str_eq(dump_lookup(hosts.list[1].dump, B "/state").text, "6");
    ck_assert_uint_eq(dump_line_of(hosts.list[1].dump, B "/state"), 3);
    dump_hosts_clear(&hosts);
}
END_TEST

START_TEST(test_no_dump)
{
    struct dump_hosts hosts;
    struct diagnostic why;
    ck_assert_int_lt(dump_hosts_parse("d", BYTES("nothing\n"), &hosts, &why), 0);
    ck_assert_int_lt(dump_hosts_parse("d", "", 0, &hosts, &why), 0);
    ck_assert_ptr_nonnull(strstr(why.message, "empty"));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("hosts of a dump");
    TCase *t = tcase_create("hosts");
    tcase_add_loop_test(t, test_texts, 0, COUNT(texts));
    tcase_add_test(t, test_values);
    tcase_add_test(t, test_no_dump);
    suite_add_tcase(s, t);
    return run_suite(s);
}
