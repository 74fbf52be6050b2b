/* SPDX-License-Identifier: MIT */
/* Policies that are read, sets of them, and what their keys allow. */
#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schemas/mem.h"
#include "schemas/policy/duration.h"
#include "schemas/policy/policy.h"
#include "schemas/view.h"
#include "test/lib/unit.h"

#define HEAD "version: 1\ntype: t\nowner: xenrecon\n" /* what follows begins in line 4 */

enum { MESSAGE_SIZE = 2048 };

static struct policy *parse(const char *text)
{
    char buf[MESSAGE_SIZE];
    struct policy *p = NULL;
    struct diagnostic why = {0};
    int r = policy_parse("good.yaml", text, strlen(text), &p, &why);
    ck_assert_msg(r == 0, "%s", diagnostic_format(&why, buf, sizeof buf));
    return p;
}

/* ---- documents that must be read ---- */

START_TEST(defaults)
{
    struct policy *p = parse("version: 1\ntype: vkbd\nowner: external\n");
    ck_assert_str_eq(p->source, "good.yaml");
    ck_assert_str_eq(p->text, "version: 1\ntype: vkbd\nowner: external\n");
    ck_assert_uint_eq(p->text_len, strlen(p->text));
    ck_assert_str_eq(p->type, "vkbd");
    ck_assert_str_eq(p->frontend, "vkbd");
    ck_assert_int_eq(p->owner, OWNER_EXTERNAL);
    ck_assert(p->qemu);
    ck_assert_uint_eq(p->n_keys[BACKEND] + p->n_keys[FRONTEND] + p->n_publish, 0);
    ck_assert_int_eq(p->cycle, CYCLE_ON_INITIALISING);
    ck_assert_int_eq(p->handshake, HANDSHAKE_FULL);
    ck_assert_ptr_null(p->worker.command);
    ck_assert_ptr_null(p->worker.user);
    ck_assert_uint_eq(p->deadlines.create, 10000);
    ck_assert_uint_eq(p->deadlines.connect, 60000);
    ck_assert_uint_eq(p->deadlines.close, 10000);
    ck_assert_uint_eq(p->hold.init_wait, 0);
    ck_assert_uint_eq(p->hold.closed, HOLD_CLOSED_DEFAULT);
    ck_assert_uint_eq(policy_hold_closed(p, 0), 10000);
    ck_assert_uint_eq(policy_hold_closed(p, 3), 1000);
    ck_assert(!p->destroy.frontend);
    ck_assert(p->destroy.parents);
    ck_assert_uint_eq(p->retry.initial, 100);
    ck_assert_uint_eq(p->retry.max, 30000);
    ck_assert_uint_eq(p->limits.devices_per_domain, 4096);
    ck_assert_uint_eq(p->limits.events_per_second, 50);
    ck_assert_uint_eq(p->limits.burst, 100);
    ck_assert_uint_eq(p->orphan.grace, 60000);
    ck_assert_int_eq(p->orphan.action, ORPHAN_REPORT);
    policy_free(p);
}
END_TEST

static const char full[] =
    "version: 1\n"
    "type: qdisk\n"
    "frontend: vbd               # device/<frontend>/<devid>\n"
    "owner: xenrecon\n"
    "qemu: false\n"
    "backend-keys:\n"
    "  params:    {required: true, match: '^(raw|qcow2):/'}\n"
    "  mode:      {required: true, enum: [r, w]}\n"
    "  vncpasswd: {secret: true} # never printed\n"
    "  port/*:\n"
    "frontend-keys:\n"
    "  ring-ref:      {type: uint32, required: connect, or: other}\n"
    "  event-channel: {type: uint32, required: connect}\n"
    "  virtual-device: {required: true, type: hex}\n"
    "  other: {}\n"
    "publish: {feature-flush-cache: 1, empty: '', word: true}\n"
    "cycle: on-closed\n"
    "worker: {command: [/usr/libexec/w, --image, '${params}', 'a${port/1}${key}$5'], user: "
    "xenrecon, drops-privileges: true, environment: {LANG: C, _x1: ''}, open-files: 64, memory: 512}\n"
    "deadlines: {create: 11s, connect: 2m, close: 1h}\n"
    "hold: {init-wait: 100ms, closed: 0}\n"
    "handshake: full\n"
    "destroy: {frontend: true, parents: false}\n"
    "retry: {initial: 200ms, max: 168h}\n"
    "limits: {devices-per-domain: 1, events-per-second: 2, burst: 3}\n"
    "orphan: {grace: 0s, action: remove}\n";

START_TEST(everything)
{
    struct policy *p = parse(full);
    ck_assert_str_eq(p->type, "qdisk");
    ck_assert_str_eq(p->frontend, "vbd");
    ck_assert_int_eq(p->owner, OWNER_XENRECON);
    ck_assert(!p->qemu);

    ck_assert_uint_eq(p->n_keys[BACKEND], 4);
    const struct key_spec *k = p->keys[BACKEND];
    ck_assert_str_eq(k[0].name, "params");
    ck_assert_int_eq(k[0].required, REQUIRED_CREATE);
    ck_assert_int_eq(k[0].type, KEY_STRING);
    ck_assert_str_eq(k[0].match, "^(raw|qcow2):/");
    ck_assert_ptr_nonnull(k[0].regex);
    ck_assert_uint_eq(k[1].n_choices, 2);
    ck_assert_str_eq(k[1].choices[0], "r");
    ck_assert_str_eq(k[1].choices[1], "w");
    ck_assert(!k[1].secret);
    ck_assert(k[2].secret);
    ck_assert_int_eq(k[2].required, REQUIRED_NO);
    ck_assert_str_eq(k[3].name, "port/*");
    ck_assert(k[3].pattern && !k[2].pattern);

    ck_assert_uint_eq(p->n_keys[FRONTEND], 4);
    k = p->keys[FRONTEND];
    ck_assert_str_eq(k[0].alternative, "other");
    ck_assert_ptr_null(k[1].alternative);
    ck_assert_str_eq(k[1].name, "event-channel");
    ck_assert_int_eq(k[1].type, KEY_UINT32);
    ck_assert_int_eq(k[1].required, REQUIRED_CONNECT);
    ck_assert_int_eq(k[2].required, REQUIRED_CREATE);
    ck_assert_int_eq(k[2].type, KEY_HEX);
    ck_assert_str_eq(k[3].name, "other");

    ck_assert_uint_eq(p->n_publish, 3);
    ck_assert_str_eq(p->publish[0].key, "feature-flush-cache");
    ck_assert_str_eq(p->publish[0].value, "1");
    ck_assert_str_eq(p->publish[1].value, "");
    ck_assert_str_eq(p->publish[2].value, "true");
    ck_assert_int_eq(p->cycle, CYCLE_ON_CLOSED);
    ck_assert_int_eq(p->handshake, HANDSHAKE_FULL);
    ck_assert_uint_eq(p->worker.n_command, 4);
    ck_assert_str_eq(p->worker.command[0], "/usr/libexec/w");
    ck_assert_str_eq(p->worker.command[3], "a${port/1}${key}$5");
    ck_assert_ptr_null(p->worker.command[4]);
    ck_assert_str_eq(p->worker.user, "xenrecon");
    ck_assert_uint_eq(p->worker.uid_base, 0);
    ck_assert(p->worker.drops);
    ck_assert_uint_eq(p->worker.n_environment, 2);
    ck_assert_str_eq(p->worker.environment[0].name, "LANG");
    ck_assert_str_eq(p->worker.environment[0].value, "C");
    ck_assert_str_eq(p->worker.environment[1].value, "");
    ck_assert_uint_eq(p->worker.open_files, 64);
    ck_assert_uint_eq(p->worker.memory, 512);
    ck_assert_uint_eq(p->deadlines.create, 11000);
    ck_assert_uint_eq(p->deadlines.connect, 120000);
    ck_assert_uint_eq(p->deadlines.close, 3600000);
    ck_assert_uint_eq(p->hold.init_wait, 100);
    ck_assert_uint_eq(policy_hold_closed(p, 0), 0);
    ck_assert_uint_eq(policy_hold_closed(p, 3), 0);
    ck_assert(p->destroy.frontend);
    ck_assert(!p->destroy.parents);
    ck_assert_uint_eq(p->retry.initial, 200);
    ck_assert_uint_eq(p->retry.max, DURATION_MAX);
    ck_assert_uint_eq(p->limits.devices_per_domain, 1);
    ck_assert_uint_eq(p->limits.events_per_second, 2);
    ck_assert_uint_eq(p->limits.burst, 3);
    ck_assert_uint_eq(p->orphan.grace, 0);
    ck_assert_int_eq(p->orphan.action, ORPHAN_REMOVE);
    policy_free(p);
}
END_TEST

static const char *const good[] = {
    "\xef\xbb\xbfversion: 1\ntype: t\nowner: kernel\n",
    "%YAML 1.2\n---\nversion: 1\ntype: t\nowner: kernel\n...\n",
    "{version: 1, type: t, owner: kernel}",
    "owner: kernel\r\ntype: 't'\r\nversion: \"1\"\r\n",
    "version: 1\ntype: aaaaaaaaaabbbbbbbbbbccccccccccd\nowner: kernel\n",
    HEAD "handshake: none\nfrontend-keys: {a: {required: true}}\n",
    HEAD "publish: {}\nhold: {}\nbackend-keys: {}\n",
    HEAD "retry: {initial: 1s, max: 1s}\n",
    HEAD "backend-keys: {a: {match: '^([]+++++++++++]|[[:digit:]+++]|(\\\\+){3,}|[^]++]{4}){10}$'}}\n",
    HEAD "backend-keys: {'*': , a/*/b: {required: true}, state: {type: uint16}, a: {match: '\\\\1'}}\n",
};

START_TEST(good_document_is_read)
{
    struct policy *p = parse(good[_i]);
    ck_assert_uint_eq(p->deadlines.close, 10000);
    policy_free(p);
}
END_TEST

START_TEST(served_by_qemu)
{
    static const struct {
        const char *type;
        bool qemu;
    } types[] = {{"qdisk", true}, {"9pfs", true}, {"vkbd", true}, {"vfb", true},
                 {"qusb", true},  {"qnic", true}, {"vbd", false}, {"vif", false}};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        const char *const said[] = {"", "qemu: false\n", "qemu: true\n"};
        const bool meant[] = {types[i].qemu, false, true};
        for (size_t j = 0; j < 3; j++) {
            char text[128];
            snprintf(text, sizeof text, "version: 1\ntype: %s\nowner: kernel\n%s", types[i].type, said[j]);
            struct policy *p = parse(text);
            ck_assert_msg(p->qemu == meant[j], "%s", text);
            policy_free(p);
        }
    }
}
END_TEST

static char *printed(const struct policy *p)
{
    char *text;
    size_t len;
    FILE *to = open_memstream(&text, &len);
    policy_print(p, to);
    fclose(to);
    return text;
}

/* What is printed parses to what prints the same. */
static void check_print(const struct policy *p)
{
    struct diagnostic why;
    struct policy *again = NULL;
    char *text = printed(p);
    ck_assert_msg(policy_parse("printed", text, strlen(text), &again, &why) == 0, "%s: %s\n%s", p->source,
                  why.message, text);
    char *twice = printed(again);
    ck_assert_str_eq(twice, text);
    ck_assert_str_eq(again->type, p->type);
    ck_assert_uint_eq(again->n_keys[BACKEND], p->n_keys[BACKEND]);
    policy_free(again);
    free(twice);
    free(text);
}

START_TEST(prints_what_it_parsed)
{
    struct policy *p =
        parse("version: 1\ntype: t\nowner: xenrecon\nbackend-keys:\n"
              "  'port/*': {required: true, match: '^it''s \"[0-9]+\"$', secret: true}\n"
              "frontend-keys: {ring-ref: {type: uint32, required: connect}}\n"
              "publish: {feature: 'a: b', other: ''}\ncycle: on-closed\nhold: {closed: 1500ms}\n"
              "worker: {command: [/bin/w, '${devid}'], uid-base: 200000, drops-privileges: true, "
              "environment: {A: 'b c', D_: ''}}\n");
    char *text = printed(p);
    ck_assert_ptr_nonnull(
        strstr(text, "'port/*': {required: true, match: '^it''s \"[0-9]+\"$', secret: true}"));
    ck_assert_ptr_nonnull(strstr(text, "  closed: 1500ms\n"));
    ck_assert_ptr_nonnull(strstr(text, "  command: ['/bin/w', '${devid}']\n"));
    ck_assert_ptr_nonnull(strstr(text, "cycle: on-closed\n"));
    ck_assert_ptr_nonnull(strstr(text, "  environment:\n    'A': 'b c'\n    'D_': ''\n"));
    free(text);
    check_print(p);
    policy_free(p);
}
END_TEST

START_TEST(shipped_policies)
{
    DIR *dir = opendir("deploy/policies");
    ck_assert_ptr_nonnull(dir);
    unsigned n = 0;
    for (const struct dirent *e = readdir(dir); e; e = readdir(dir)) {
        char path[512], buf[MESSAGE_SIZE], name[sizeof path];
        size_t len = strlen(e->d_name);
        struct policy *p = NULL;
        struct diagnostic why = {0};
        if (e->d_name[0] == '.')
            continue;
        ck_assert_msg(len > 5 && strcmp(e->d_name + len - 5, ".yaml") == 0, "%s", e->d_name);
        snprintf(path, sizeof path, "deploy/policies/%s", e->d_name);
        char *text = file_text(path, &len);
        int r = policy_parse(path, text, len, &p, &why);
        ck_assert_msg(r == 0, "%s", diagnostic_format(&why, buf, sizeof buf));
        snprintf(name, sizeof name, "%s.yaml", p->type);
        ck_assert_str_eq(name, e->d_name);
        check_print(p);
        ck_assert_msg(p->owner != OWNER_XENRECON, "%s: serving is for the administrator to turn on", path);
        policy_free(p);
        free(text);
        n++;
    }
    closedir(dir);
    ck_assert_uint_ge(n, 5);
}
END_TEST

/* ---- sets ---- */

static struct policy *of_type(unsigned i)
{
    char text[64];
    snprintf(text, sizeof text, "{version: 1, type: t%u, owner: kernel}", i);
    return parse(text);
}

START_TEST(set_of_a_thousand)
{
    enum { TYPES = 1000 };
    struct policy_set set = {0};
    const struct policy *all[TYPES];
    char name[16];
    ck_assert_ptr_null(policy_set_find(&set, "t1"));
    for (unsigned i = 0; i < TYPES; i++) {
        unsigned which = i * 617 % TYPES; /* each once, in no order */
        struct policy *p = of_type(which);
        all[which] = p;
        ck_assert_int_eq(policy_set_add(&set, p), 0);
    }
    ck_assert_uint_eq(set.n, TYPES);
    for (unsigned i = 0; i < TYPES; i++) {
        snprintf(name, sizeof name, "t%u", i);
        ck_assert_ptr_eq(policy_set_find(&set, name), all[i]);
        ck_assert(i == 0 || strcmp(set.list[i - 1]->type, set.list[i]->type) < 0);
    }
    ck_assert_ptr_null(policy_set_find(&set, "t"));
    ck_assert_ptr_null(policy_set_find(&set, "t1000"));
    ck_assert_ptr_null(policy_set_find(&set, "zzz"));

    struct policy *again = of_type(500);
    ck_assert_int_eq(policy_set_add(&set, again), 1);
    ck_assert_uint_eq(set.n, TYPES);
    ck_assert_ptr_eq(policy_set_find(&set, "t500"), again);
    policy_set_clear(&set);
    ck_assert_uint_eq(set.n, 0);
    ck_assert_ptr_null(policy_set_find(&set, "t500"));
    policy_set_clear(&set);
}
END_TEST

/* ---- keys ---- */

START_TEST(find_key)
{
    static const struct {
        const char *name, *spec;
    } cases[] = {
        {"a", "a"},        {"port/1", "port/1"},     {"port/2", "port/*"}, {"port", NULL},
        {"port/", NULL},   {"port/2/x", NULL},       {"portal/2", NULL},   {"x/name", "*/name"},
        {"/name", NULL},   {"x/y/type", "*/*/type"}, {"x//type", NULL},    {"x/nam", NULL},
        {"x/names", NULL}, {"port/name", "port/*"},  {"", NULL},           {"k/1", "k/*"},
        {"l/1", NULL},
    };
    struct policy *p = parse(HEAD "backend-keys: {a: , port/*: , k/*: , port/1: , '*/name': , '*/*/type': }\n"
                                  "frontend-keys: {'g/*': , f: }\n");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct key_spec *spec = policy_find_key(p, BACKEND, cases[i].name);
        const char *found = spec ? spec->name : "none", *wanted = cases[i].spec ? cases[i].spec : "none";
        ck_assert_msg(strcmp(found, wanted) == 0, "`%s` found %s, not %s", cases[i].name, found, wanted);
    }
    ck_assert_ptr_nonnull(policy_find_key(p, FRONTEND, "f"));
    ck_assert_ptr_nonnull(policy_find_key(p, FRONTEND, "g/1"));
    ck_assert_ptr_null(policy_find_key(p, FRONTEND, "a"));
    policy_free(p);
}
END_TEST

#define VALUE(s) s, sizeof(s) - 1
static const struct {
    const char *key, *text;
    size_t len;
    const char *wrong; /* NULL: nothing is */
} values[] = {
    {"string", VALUE(""), NULL},
    {"string", VALUE("\xff any\nthing"), NULL},
    {"string", VALUE("a\0b"), "zero byte"},
    {"match", VALUE("raw:/x"), NULL},
    {"match", VALUE("vhd:/x"), "does not match"},
    {"match", VALUE("raw:/x\0y"), "zero byte"},
    {"enum", VALUE("r"), NULL},
    {"enum", VALUE("w"), NULL},
    {"enum", VALUE(""), "not one of"},
    {"enum", VALUE("rw"), "not one of"},
    {"both", VALUE("ab"), NULL},
    {"both", VALUE("ba"), "does not match"},
    {"both", VALUE("ac"), "not one of"},
    {"boolean", VALUE("0"), NULL},
    {"boolean", VALUE("1"), NULL},
    {"boolean", VALUE("2"), "neither 0 nor 1"},
    {"boolean", VALUE("true"), "neither 0 nor 1"},
    {"boolean", VALUE("10"), "neither 0 nor 1"},
    {"boolean", VALUE(""), "neither 0 nor 1"},
    {"uint16", VALUE("65535"), NULL},
    {"uint16", VALUE("65536"), "not a 16-bit number"},
    {"uint32", VALUE("0"), NULL},
    {"uint32", VALUE("4294967295"), NULL},
    {"uint32", VALUE("4294967296"), "not a 32-bit number"},
    {"uint32", VALUE("01"), "not a 32-bit number"},
    {"uint32", VALUE("-1"), "not a 32-bit number"},
    {"uint32", VALUE(" 1"), "not a 32-bit number"},
    {"uint32", VALUE(""), "not a 32-bit number"},
    {"uint64", VALUE("18446744073709551615"), NULL},
    {"uint64", VALUE("18446744073709551616"), "not a 64-bit number"},
    {"hex", VALUE("0x2000000"), NULL},
    {"hex", VALUE("FFFFFFFFffffffff"), NULL},
    {"hex", VALUE("0XaB"), NULL},
    {"hex", VALUE("0"), NULL},
    {"hex", VALUE("10000000000000000"), "not a hexadecimal number"},
    {"hex", VALUE("0x"), "not a hexadecimal number"},
    {"hex", VALUE("0x0x1"), "not a hexadecimal number"},
    {"hex", VALUE("g"), "not a hexadecimal number"},
    {"hex", VALUE("0x1"), NULL},
    {"hex", VALUE("1x2"), "not a hexadecimal number"},
    {"hex", VALUE("0g1"), "not a hexadecimal number"},
    {"secret", VALUE("xyz"), NULL},
    {"secret", VALUE("redacted"), NULL}, /* in a case that was exported */
    {"secret", VALUE("abc"), "does not match"},
    {"match", VALUE("redacted"), "does not match"},
    {"hex", VALUE(""), "not a hexadecimal number"},
};

START_TEST(value_is_checked)
{
    struct policy *p = parse(HEAD "backend-keys:\n  string:\n  match: {match: '^(raw|qcow2):/'}\n"
                                  "  enum: {enum: [r, w]}\n  both: {enum: [ab, ba], match: ^a}\n"
                                  "  boolean: {type: boolean}\n  uint16: {type: uint16}\n"
                                  "  uint32: {type: uint32}\n  uint64: {type: uint64}\n  hex: {type: hex}\n"
                                  "  secret: {match: ^x, secret: true}\n");
    const struct key_spec *spec = policy_find_key(p, BACKEND, values[_i].key);
    ck_assert_ptr_nonnull(spec);
    struct value v = {PRESENT, values[_i].text, values[_i].len};
    const char *wrong = key_spec_check(spec, &v);
    if (values[_i].wrong)
        ck_assert_msg(wrong && strstr(wrong, values[_i].wrong), "%s", wrong ? wrong : "accepted");
    else
        ck_assert_msg(!wrong, "%s", wrong);
    v.presence = ABSENT;
    ck_assert_str_eq(key_spec_check(spec, &v), "is absent");
    v.presence = UNREADABLE;
    ck_assert_str_eq(key_spec_check(spec, &v), "cannot be read");
    policy_free(p);
}
END_TEST

START_TEST(durations)
{
    static const uint32_t some[] = {0, 1, 999, 1000, 1500, 60000, 61000, 3600000, 5400000, DURATION_MAX};
    static const char *const texts[] = {"0",  "1ms", "999ms", "1s",  "1500ms",
                                        "1m", "61s", "1h",    "90m", "168h"};
    for (size_t i = 0; i < sizeof some / sizeof *some; i++) {
        char buf[DURATION_SIZE];
        uint32_t back = 1;
        ck_assert_str_eq(duration_format(some[i], buf), texts[i]);
        ck_assert_int_eq(duration_parse(texts[i], strlen(texts[i]), &back), 0);
        ck_assert_uint_eq(back, some[i]);
    }
}
END_TEST

START_TEST(owner_names)
{
    ck_assert_str_eq(owner_name(OWNER_XENRECON), "xenrecon");
    ck_assert_str_eq(owner_name(OWNER_KERNEL), "kernel");
    ck_assert_str_eq(owner_name(OWNER_EXTERNAL), "external");
}
END_TEST

static Suite *policy_suite(void)
{
    Suite *s = suite_create("policy");
    TCase *t = tcase_create("read");
    tcase_add_test(t, defaults);
    tcase_add_test(t, everything);
    tcase_add_loop_test(t, good_document_is_read, 0, (int)(sizeof good / sizeof *good));
    tcase_add_test(t, served_by_qemu);
    tcase_add_test(t, prints_what_it_parsed);
    tcase_add_test(t, shipped_policies);
    tcase_add_test(t, set_of_a_thousand);
    suite_add_tcase(s, t);

    t = tcase_create("keys");
    tcase_add_test(t, find_key);
    tcase_add_loop_test(t, value_is_checked, 0, (int)(sizeof values / sizeof *values));
    tcase_add_test(t, durations);
    tcase_add_test(t, owner_names);
    suite_add_tcase(s, t);

    return s;
}

int main(void)
{
    return run_suite(policy_suite());
}
