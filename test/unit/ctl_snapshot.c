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

static struct view *view_under(const char *dump_text, const char *yaml, bool everything)
{
    struct diagnostic why = {.message = ""};
    struct policy *policy;
    struct dump *dump;
    struct taken t = {0};
    ck_assert_msg(!policy_parse("p", yaml, strlen(yaml), &policy, &why), "%s", why.message);
    ck_assert_msg(!dump_parse("d", dump_text, strlen(dump_text), &dump, &why), "%s", why.message);
    struct dump_store *store = dump_store_new(dump);
    struct snapshot_request req = {.store = dump_store_store(store),
                                   .device = {.type = "vusb", .devid = "0", .domid = 7},
                                   .policy = policy,
                                   .everything = everything,
                                   .done = on_view,
                                   .arg = &t};
    snapshot_take(&req);
    ck_assert_int_eq(dump_store_run(store, &t.done), 0);
    dump_store_free(store);
    dump_free(dump);
    policy_free(policy);
    return t.view;
}

static struct view *view_of(const char *dump_text, const char *backend_keys)
{
    char yaml[256];
    snprintf(yaml, sizeof yaml, "version: 1\ntype: vusb\nowner: xenrecon\nbackend-keys: %s\n", backend_keys);
    return view_under(dump_text, yaml, true);
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

/* Connecting takes what F had to have before, too. */
START_TEST(frontend_that_is_ready_shows_every_required_key)
{
    static const char f[] = "/local/domain/7/device/vusb/0";
    char text[1024];
    snprintf(text, sizeof text,
             B "/state = \"2\"\n" B "/online = \"1\"\n" B "/frontend = \"%s\"\n%s/state = \"3\"\n"
               "%s/first = \"1\"\n%s/ring = \"8\"\n%s/other = \"x\"\n",
             f, f, f, f, f);
    struct view *v = view_under(text,
                                "version: 1\ntype: vusb\nowner: xenrecon\nfrontend-keys: {first: {required: "
                                "true}, ring: {required: connect}, other: {}}\n",
                                false);
    ck_assert_str_eq(view_get(v, FRONTEND, "first").text, "1");
    ck_assert_str_eq(view_get(v, FRONTEND, "ring").text, "8");
    ck_assert(!view_has(v, FRONTEND, "other"));
    view_free(v);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("snapshot");
    TCase *tc = tcase_create("snapshot");
    tcase_add_test(tc, pattern_names_what_is_there);
    tcase_add_test(tc, directory_that_cannot_be_listed_is_its_pattern);
    tcase_add_test(tc, key_of_two_patterns_is_there_once);
    tcase_add_test(tc, frontend_that_is_ready_shows_every_required_key);
    suite_add_tcase(s, tc);
    return run_suite(s);
}
