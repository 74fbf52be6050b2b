/* SPDX-License-Identifier: MIT */
/* Views: what is in them of a store of which parts cannot be read, or are asked for twice. */
#include "controller/observe/snapshot.h"

#include <check.h>
#include <stdio.h>

#include "controller/store/dump_store.h"
#include "test/lib/unit.h"

#define B "/local/domain/0/backend/vusb/7/0"

struct taken {
    bool done;
    struct view *view;
};

static void on_view(void *arg, int status, struct view *view)
{
    ck_assert_int_eq(status, 0);
    *(struct taken *)arg = (struct taken){true, view};
}

static struct view *view_of(const char *dump_text, const char *backend_keys)
{
    char yaml[256];
    struct diagnostic why = {.message = ""};
    struct policy *policy;
    struct dump *dump;
    struct taken t = {0};
    int n = snprintf(yaml, sizeof yaml, "version: 1\ntype: vusb\nowner: xenrecon\nbackend-keys: %s\n",
                     backend_keys);
    ck_assert_msg(!policy_parse("p", yaml, (size_t)n, &policy, &why), "%s", why.message);
    ck_assert_msg(!dump_parse("d", dump_text, strlen(dump_text), &dump, &why), "%s", why.message);
    struct dump_store *store = dump_store_new(dump);
    struct snapshot_request req = {.store = dump_store_store(store),
                                   .device = {.type = "vusb", .devid = "0", .domid = 7},
                                   .policy = policy,
                                   .everything = true,
                                   .done = on_view,
                                   .arg = &t};
    snapshot_take(&req);
    ck_assert_int_eq(dump_store_run(store, &t.done), 0);
    dump_store_free(store);
    dump_free(dump);
    policy_free(policy);
    return t.view;
}

static void assert_keys(const char *dump_text, const char *backend_keys, const char *expected)
{
    static const char marks[] = {[ABSENT] = '-', [PRESENT] = '=', [UNREADABLE] = '?'};
    char got[512];
    size_t n = 0;
    struct view *v = view_of(dump_text, backend_keys);
    got[0] = '\0';
    for (size_t i = 0; i < v->n_keys[BACKEND]; i++) {
        const struct view_key *k = &v->keys[BACKEND][i];
        if (strncmp(k->name, "port", 4) == 0)
            n += (size_t)snprintf(got + n, sizeof got - n, " %s%c%s", k->name, marks[k->value.presence],
                                  k->value.presence == PRESENT ? k->value.text : "");
    }
    ck_assert_str_eq(got, expected);
    view_free(v);
}

START_TEST(pattern_names_what_is_there)
{
    assert_keys(B "/state = \"1\"\n" B "/port = \"\"\n" B "/port/1 = \"a\"\n" B "/port/2 = \"\"\n",
                "{port: {}, port/*: {}}", " port= port/1=a port/2=");
}
END_TEST

/* It is not the directory's own value that cannot be read. */
START_TEST(directory_that_cannot_be_listed_is_its_pattern)
{
    static const char text[] = B "/state = \"1\"\n" B "/port = \"x\"\n" B "/port/1 = \"a\"\n...\n";
    assert_keys(text, "{port/*: {}}", " port/*?");
    assert_keys(text, "{port: {}, port/*: {}}", " port=x port/*?");
    assert_keys(text, "{port/*/name: {}}", " port/*/name?");
}
END_TEST

START_TEST(key_of_two_patterns_is_there_once)
{
    assert_keys(B "/state = \"1\"\n" B "/port = \"\"\n" B "/port/1 = \"a\"\n",
                "{port/1: {}, port/*: {}, '*/1': {}}", " port/1=a");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("snapshot");
    TCase *tc = tcase_create("snapshot");
    tcase_add_test(tc, pattern_names_what_is_there);
    tcase_add_test(tc, directory_that_cannot_be_listed_is_its_pattern);
    tcase_add_test(tc, key_of_two_patterns_is_there_once);
    suite_add_tcase(s, tc);
    return run_suite(s);
}
