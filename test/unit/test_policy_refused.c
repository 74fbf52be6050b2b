/* SPDX-License-Identifier: MIT */
/* Documents that are no policy, and how that is said. Longer than other files, as most of it is one
 * table. */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schemas/mem.h"
#include "schemas/policy/policy.h"
#include "schemas/policy/regex.h"
#include "schemas/policy/yaml.h"
#include "schemas/view.h"
#include "test/lib/unit.h"

#define HEAD "version: 1\ntype: t\nowner: xenrecon\n" /* what follows begins in line 4 */
#define N10  "aaaaaaaaaa"

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

static void refused(const char *text, size_t len, struct diagnostic *ret_why)
{
    struct policy *const untouched = (struct policy *)ret_why;
    struct policy *p = untouched;
    ck_assert_int_eq(policy_parse("bad.yaml", text, len, &p, ret_why), -EINVAL);
    ck_assert_ptr_eq(p, untouched);
}

/* ---- documents that must be refused: where, and with what words ---- */

#define KERNEL   "version: 1\ntype: vbd\nowner: kernel\n"
#define PATH_BAD "expected an absolute path"
#define N100     N10 N10 N10 N10 N10 N10 N10 N10 N10 N10

static const struct bad {
    const char *text;
    unsigned line, column;
    const char *message;
} bad[] = {
    /* what belongs together, and what does not */
    {HEAD "hotplug: {run: true}\n", 4, 1, "`hotplug` is for owner kernel"},
    {"version: 1\ntype: vsnd\nowner: kernel\nhotplug: {run: true}\n", 4, 1,
     "`hotplug` is for the frontends vbd and vif, not for vsnd"},
    {HEAD "frontend-keys: {a: {required: connect, or: a}}\n", 4, 44, "`or` names another key"},
    {HEAD "frontend-keys: {a: {required: connect, or: b}, b: {required: connect, or: a}}\n", 4, 44,
     "`or` names another key"},
    {HEAD "worker: {command: [/w, '${" N100 "}']}\n", 4, 24, "is neither in backend-keys"},
    {HEAD "worker: {command: [/w], drops-privileges: true}\n", 4, 25, "who shall it become?"},
    {HEAD "worker: {command: [/w], environment: [a]}\n", 4, 38, "expected a mapping, found a list"},
    {HEAD "frontend-keys: {a: {required: connect, or: [b]}}\n", 4, 44, "expected text, found a list"},
    {HEAD "backend-keys: {a: {match: 'x\\'}}\n", 4, 27, "ackslash"},
    /* words that are no words of that kind */
    {HEAD "qemu: 'true'\n", 4, 7, "expected true or false, found the text `true`"},
    {HEAD "qemu: 'false'\n", 4, 7, "expected true or false, found the text `false`"},
    {HEAD "qemu: [true]\n", 4, 7, "expected true or false, found a list"},
    {"version: [1]\ntype: t\nowner: kernel\n", 1, 10, "expected a version number, found a list"},
    {"version: 0\ntype: t\nowner: kernel\n", 1, 10, "version 0 is not supported, only 1"},
    {HEAD "hold: {init-wait: 00}\n", 4, 19, "`00` needs a unit"},
    {KERNEL "hotplug: {directory: [a]}\n", 4, 22, "expected text, found a list"},
    {KERNEL "hotplug: {directory: x}\n", 4, 22, PATH_BAD},
    {KERNEL "hotplug: {directory: /x/}\n", 4, 22, PATH_BAD},
    {KERNEL "hotplug: {directory: /x//y}\n", 4, 22, PATH_BAD},
    {KERNEL "hotplug: {directory: /x/.y}\n", 4, 22, PATH_BAD},
    {KERNEL "hotplug: {directory: '/x y'}\n", 4, 22, PATH_BAD},
    {KERNEL "hotplug: {directory: /" N100 N100 N100 "}\n", 4, 22,
     "found `/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa...`"},
    /* YAML itself */
    {"", 0, 0, "is empty"},
    {"# nothing\n", 0, 0, "is empty"},
    {"---\n", 2, 1, "expected a mapping, found nothing"},
    {"- version\n", 1, 1, "expected a mapping, found a list"},
    {"policy\n", 1, 1, "expected a mapping, found `policy`"},
    {HEAD "hold: {init-wait: 1s\n", 5, 1, "did not find expected ',' or '}'"},
    {HEAD "hold: 'x\n", 5, 1, "found unexpected end of stream"},
    {HEAD "hold: 'x", 4, 9, "found unexpected end of stream"}, /* not in a line that is not there */
    {HEAD "ownee", 4, 6, "could not find expected ':'"},
    {HEAD "\tqemu: true\n", 4, 1, "tab character"},
    {HEAD "---\nversion: 1\n", 4, 1, "more than one document"},
    {HEAD "frontend: &a vbd\n", 4, 11, "anchors and aliases are not supported"},
    {HEAD "frontend: *a\n", 4, 11, "anchors and aliases are not supported"},
    {HEAD "hold: &h {}\n", 4, 7, "anchors and aliases are not supported"},
    {HEAD "frontend: !!str vbd\n", 4, 11, "tags are not supported"},
    {HEAD "hold: !x {}\n", 4, 7, "tags are not supported"},
    {HEAD "worker: {command: ! [a]}\n", 4, 19, "tags are not supported"},
    {HEAD "[a]: b\n", 4, 1, "a key must be a word"},
    {HEAD "'': b\n", 4, 1, "a key must be a word"},
    {HEAD "hold: [[[[[[[[]]]]]]]]\n", 4, 14, "nested more than 8 deep"},
    {HEAD "frontend: \xff\n", 4, 11, "invalid leading UTF-8 octet"},
    {HEAD "frontend: \xc3(\n", 4, 12, "invalid trailing UTF-8 octet"},
    {HEAD "# \xc3\xa4\xc3\xb6 \x01\n", 4, 6, "control characters are not allowed"},
    {HEAD "frontend: \"a\\0b\"\n", 4, 11, "control characters"},
    {HEAD "frontend: \"a\\x9bb\"\n", 4, 11, "control characters"},
    {HEAD "frontend: |\n  vbd\n", 4, 11, "control characters"},
    {HEAD N10 N10 N10 N10 N10 N10 "aaaaa: x\n", 4, 1, "a key of more than 64 characters"},
    /* keys */
    {HEAD "ownr: kernel\n", 4, 1, "unknown key `ownr`, did you mean `owner`?"},
    {HEAD "  \n# c\nbackend_keys: {}\n", 6, 1, "unknown key `backend_keys`, did you mean `backend-keys`?"},
    {HEAD "wroker: {}\n", 4, 1, "unknown key `wroker`, did you mean `worker`?"},
    {HEAD "something: 1\n", 4, 1, "unknown key `something`"},
    {HEAD "deadlines:\n  creat: 1s\n", 5, 3, "unknown key `creat`, did you mean `create`?"},
    {HEAD "backend-keys:\n  a: {requird: true}\n", 5, 7, "did you mean `required`?"},
    {HEAD "<<: {}\n", 4, 1, "unknown key `<<`"},
    {HEAD "owner: kernel\n", 4, 1, "duplicate key `owner`, first given in line 3"},
    {HEAD "backend-keys: {a: , b: , a: }\n", 4, 26, "duplicate key `a`, first given in line 4"},
    {HEAD "limits: {burst: 1, burst: 1}\n", 4, 20, "duplicate key `burst`"},
    /* what is required */
    {"type: t\nowner: kernel\n", 1, 1, "`version` is missing"},
    {"# c\n\nversion: 1\nowner: kernel\n", 3, 1, "`type` is missing"},
    {"version: 1\ntype: t\n", 1, 1, "`owner` is missing"},
    {HEAD "worker: {user: u}\n", 4, 9, "`command` is missing"},
    {"version: 2\ntype: t\nowner: kernel\n", 1, 10, "version 2 is not supported, only 1"},
    {"new: 1\nversion: 2\n", 2, 10, "version 2 is not supported"},
    {"version: one\n", 1, 10, "expected a version number, found `one`"},
    {"version:\n", 1, 9, "expected a version number, found nothing"},
    /* names */
    {"version: 1\ntype: ''\n", 2, 7, "expected a name, 1 to 31 of A-Z a-z 0-9 - _, found the text ``"},
    {"version: 1\ntype: a/b\n", 2, 7, "expected a name, 1 to 31 of A-Z a-z 0-9 - _, found `a/b`"},
    {"version: 1\ntype: " N10 N10 N10 "aa\n", 2, 7, "expected a name"},
    {"version: 1\ntype: [a]\n", 2, 7, "expected text, found a list"},
    {"version: 1\ntype:\n", 2, 6, "expected text, found nothing"},
    {HEAD "frontend: ../x\n", 4, 11, "expected a name"},
    {HEAD "worker: {command: [/w], user: a b}\n", 4, 31, "expected a name"},
    /* values of a list */
    {"version: 1\ntype: t\nowner: Kernel\n", 3, 8, "expected xenrecon, kernel or external, found `Kernel`"},
    {"version: 1\ntype: t\nowner: [kernel]\n", 3, 8, "expected xenrecon, kernel or external, found a list"},
    {HEAD "cycle: always\n", 4, 8, "expected on-initialising or on-closed, found `always`"},
    {HEAD "handshake: half\n", 4, 12, "expected full or none, found `half`"},
    {HEAD "handshake:\n", 4, 11, "expected full or none, found nothing"},
    {HEAD "orphan: {action: kill}\n", 4, 18, "expected report or remove, found `kill`"},
    {HEAD "backend-keys: {a: {type: int}}\n", 4, 26,
     "expected string, boolean, uint16, uint32, uint64 or hex, found `int`"},
    {HEAD "frontend-keys: {a: {required: yes}}\n", 4, 31, "expected false, true or connect, found `yes`"},
    {HEAD "backend-keys: {a: {required: connect}}\n", 4, 30,
     "expected false or true, found `connect`; `connect` is for frontend-keys"},
    /* booleans, numbers, durations */
    {HEAD "qemu: yes\n", 4, 7, "expected true or false, found `yes`"},
    {HEAD "qemu: 'true'\n", 4, 7, "expected true or false, found the text `true`"},
    {HEAD "destroy: {frontend: 1}\n", 4, 21, "expected true or false, found `1`"},
    {HEAD "destroy: {parents: }\n", 4, 20, "expected true or false, found nothing"},
    {HEAD "destroy: true\n", 4, 10, "expected a mapping, found `true`"},
    {HEAD "destroy:\n", 4, 9, "expected a mapping, found nothing"},
    {HEAD "limits: {burst: 0}\n", 4, 17, "expected a number from 1 to 1000000, found `0`"},
    {HEAD "limits: {burst: 1000001}\n", 4, 17, "expected a number from 1 to 1000000, found `1000001`"},
    {HEAD "limits: {burst: 0x10}\n", 4, 17, "expected a number from 1 to 1000000, found `0x10`"},
    {HEAD "limits: {burst: -1}\n", 4, 17, "expected a number"},
    {HEAD "limits: {burst: {}}\n", 4, 17, "expected a number from 1 to 1000000, found a mapping"},
    {HEAD "deadlines: {create: 10}\n", 4, 21, "`10` needs a unit: ms, s, m or h"},
    {HEAD "deadlines: {create: 10d}\n", 4, 21, "expected a duration such as 0, 250ms, 10s, 5m or 1h"},
    {HEAD "deadlines: {create: 01s}\n", 4, 21, "expected a duration"},
    {HEAD "deadlines: {create: -1s}\n", 4, 21, "expected a duration"},
    {HEAD "deadlines: {create: 1 s}\n", 4, 21, "expected a duration"},
    {HEAD "deadlines: {create: s}\n", 4, 21, "expected a duration"},
    {HEAD "deadlines: {create: [1s]}\n", 4, 21, "expected text, found a list"},
    {HEAD "deadlines: {create: 0}\n", 4, 21, "must be at least 1ms"},
    {HEAD "hold: {closed: 169h}\n", 4, 16, "longer than 7 days"},
    {HEAD "hold: {closed: 99999999999999999999s}\n", 4, 16, "longer than 7 days"},
    {HEAD "retry: {initial: 9ms}\n", 4, 18, "must be at least 10ms"},
    {HEAD "retry: {initial: 2s, max: 1s}\n", 4, 27, "`max` is shorter than `initial`"},
    {HEAD "retry: {initial: 1m}\n", 4, 18, "`max` is shorter than `initial`"},
    /* keys of the two sides */
    {HEAD "backend-keys: [a]\n", 4, 15, "expected a mapping, found a list"},
    {HEAD "backend-keys: {a: true}\n", 4, 19, "expected a mapping, found `true`"},
    {HEAD "backend-keys: {port*: }\n", 4, 16, "`*` must be a whole component, as in `port/*`"},
    {HEAD "backend-keys: {'port/**': }\n", 4, 16, "`*` must be a whole component, as in `port/*`"},
    {HEAD "backend-keys: {'*x/a': }\n", 4, 16, "`*` must be a whole component, as in `port/*`"},
    {HEAD "backend-keys: {port/: }\n", 4, 16, "bad key name: a component is empty"},
    {HEAD "backend-keys: {/port: }\n", 4, 16, "bad key name: a component is empty"},
    {HEAD "backend-keys: {a//b: }\n", 4, 16, "bad key name: a component is empty"},
    {HEAD "frontend-keys: {a.b: }\n", 4, 17, "bad key name: only A-Z a-z 0-9 - _ @"},
    {HEAD "frontend-keys: {\xc3\xa4: , a b: }\n", 4, 17, "bad key name: only A-Z a-z 0-9 - _ @"},
    {HEAD "backend-keys: {a: {match: '('}}\n", 4, 27, "bad regular expression: Unmatched ( or \\("},
    {HEAD "backend-keys: {a: {match: '[b'}}\n", 4, 27, "bad regular expression: Unmatched ["},
    {HEAD "backend-keys: {a: {match: '[^]\\1[.].]a](b)\\1'}}\n", 4, 27, "back-references are not supported"},
    {HEAD "backend-keys: {a: {match: 'a+*'}}\n", 4, 27, "a repetition of a repetition"},
    {HEAD "backend-keys: {a: {match: '((a{2}b{9}){100}|x)'}}\n", 4, 27, "too long, or too many repetitions"},
    {HEAD "backend-keys: {a: {match: 'a{99999999999999999999}b'}}\n", 4, 27,
     "too long, or too many repetitions"},
    {HEAD "backend-keys: {a: {match: '([[:digit:]]b){,30000}'}}\n", 4, 27, "too long, or too many"},
    {HEAD "backend-keys: {a: {match: '((((((((((((((((('}}\n", 4, 27, "too many parentheses"},
    {HEAD "backend-keys: {a: {match: '(a*)\\1'}}\n", 4, 27, "back-references are not supported"},
    {HEAD "backend-keys: {a: {match: ''}}\n", 4, 27, "expected a regular expression"},
    {HEAD "backend-keys: {a: {match: [x]}}\n", 4, 27, "expected text, found a list"},
    {HEAD "backend-keys: {a: {enum: r}}\n", 4, 26, "expected a list, found `r`"},
    {HEAD "backend-keys: {a: {enum: []}}\n", 4, 26, "the list is empty"},
    {HEAD "backend-keys: {a: {enum: [r, ~]}}\n", 4, 30, "expected text, found nothing"},
    {HEAD "backend-keys: {a: {enum: [r, [w]]}}\n", 4, 30, "expected text, found a list"},
    {HEAD "backend-keys: {a: {type: hex, match: x}}\n", 4, 31, "`match` is for keys of type string"},
    {HEAD "frontend-keys: {a: {enum: [x], type: boolean}}\n", 4, 21, "`enum` is for keys of type string"},
    {HEAD "handshake: none\nfrontend-keys:\n  a:\n  b: {required: connect}\n", 7, 7,
     "`required: connect` needs `handshake: full`"},
    /* publish, worker, owner */
    {HEAD "publish: {state: 4}\n", 4, 11, "`state` cannot be published"},
    {HEAD "publish: {online: 1}\n", 4, 11, "`online` cannot be published"},
    {HEAD "publish: {frontend: x}\n", 4, 11, "`frontend` cannot be published"},
    {HEAD "publish: {frontend-id: 1}\n", 4, 11, "`frontend-id` cannot be published"},
    {HEAD "publish: {xenrecon: 1}\n", 4, 11, "`xenrecon` cannot be published"},
    {HEAD "publish: {a: 1, hotplug-status: x}\n", 4, 17, "`hotplug-status` cannot be published"},
    {HEAD "publish: {state/x: 4}\n", 4, 11, "`state` cannot be published"},
    {HEAD "publish: {'a/*': 1}\n", 4, 11, "a pattern cannot be published"},
    {HEAD "publish: {a.b: 1}\n", 4, 11, "bad key name"},
    {HEAD "publish: {a: }\n", 4, 14, "expected text, found nothing"},
    {HEAD "publish: {a: [1]}\n", 4, 14, "expected text, found a list"},
    {HEAD "publish: 1\n", 4, 10, "expected a mapping, found `1`"},
    {HEAD "worker: {command: /w}\n", 4, 19, "expected a list, found `/w`"},
    {HEAD "worker: {command: []}\n", 4, 19, "the list is empty"},
    {HEAD "worker: {command: [w]}\n", 4, 20, "must be an absolute path"},
    {HEAD "worker: {command: ['/${type}']}\n", 4, 20, "must be an absolute path"},
    {HEAD "worker: {command: [/w], user: u, uid-base: 1}\n", 4, 34, "exclude each other"},
    {HEAD "worker: {command: [/w], uid-base: 2147450897}\n", 4, 35, "expected a number from 0 to 2147450896"},
    {HEAD "worker: {command: [/w], drops-privileges: true}\n", 4, 25, "needs `user` or `uid-base`"},
    {HEAD "worker: {command: [/w], environment: {9A: b}}\n", 4, 39, "bad name of a variable"},
    {HEAD "worker: {command: [/w], environment: {A=: b}}\n", 4, 39, "bad name of a variable"},
    {HEAD "worker: {command: [/w], environment: {XENRECON_X: b}}\n", 4, 39, "`XENRECON_X` cannot be set"},
    {HEAD "worker: {command: [/w], environment: {A: [b]}}\n", 4, 42, "expected text, found a list"},
    {HEAD "frontend-keys: {a: {required: true, or: b}}\n", 4, 41, "`or` names another key of frontend-keys"},
    {HEAD "frontend-keys: {a: {required: true, or: a}}\n", 4, 41, "`or` names another key of frontend-keys"},
    {HEAD "frontend-keys: {a: {or: b}, b: }\n", 4, 21, "`or` is for keys that are required"},
    {HEAD "frontend-keys: {a: {or: /b}, b: }\n", 4, 25, "bad key name"},
    {HEAD "backend-keys: {a: {required: true, or: b}, b: }\n", 4, 36, "unknown key `or`"},
    {HEAD "worker: {command: [/w, '${parms}']}\n", 4, 24,
     "`${parms}` is neither in backend-keys nor one of type, domid, devid, key"},
    {HEAD "worker: {command: [/w, '${type} ${state}']}\n", 4, 24, "`${state}` is neither"},
    {HEAD "worker: {command: [/w, '${}']}\n", 4, 24, "`${}` is neither"},
    {HEAD "worker: {command: [/w, '${type']}\n", 4, 24, "`${` without `}`"},
    {HEAD "frontend-keys: {f: }\nworker: {command: [/w, '${f}']}\n", 5, 24, "`${f}` is neither"},
    {HEAD "backend-keys: {s: {secret: true}}\nworker: {command: [/w, '-p${s}']}\n", 5, 24,
     "`${s}` is secret"},
    {"version: 1\ntype: t\nowner: kernel\nworker: {command: [/w]}\n", 4, 1,
     "`worker` is for owner xenrecon: with owner kernel"},
    {"version: 1\ntype: t\npublish: {a: 1}\nowner: external\n", 3, 1,
     "`publish` is for owner xenrecon: with owner external"},
};

START_TEST(bad_document_is_refused)
{
    const struct bad *b = &bad[_i];
    char buf[MESSAGE_SIZE];
    struct diagnostic why;
    refused(b->text, strlen(b->text), &why);
    const char *said = diagnostic_format(&why, buf, sizeof buf);
    ck_assert_msg(why.line == b->line && why.column == b->column && strstr(why.message, b->message),
                  "wanted %u:%u: %s\nfor %s\ngot %s", b->line, b->column, b->message, b->text, said);
    ck_assert_str_eq(why.file, "bad.yaml");
}
END_TEST

/* The text repeated, between a beginning and an end. */
static char *repeat(const char *begin, const char *text, size_t times, const char *end)
{
    size_t len = strlen(text);
    char *all = xcalloc(1, strlen(begin) + len * times + strlen(end) + 1), *to = stpcpy(all, begin);
    while (times-- > 0)
        to = stpcpy(to, text);
    stpcpy(to, end);
    return all;
}

START_TEST(long_input)
{
    struct diagnostic why;
    char *text = repeat(HEAD "publish: {a: ", "x", DOCUMENT_TEXT_MAX, "}\n");
    policy_free(parse(text));
    free(text);
    text = repeat(HEAD "publish: {a: ", "x", DOCUMENT_TEXT_MAX + 1, "}\n");
    refused(text, strlen(text), &why);
    ck_assert_uint_eq(why.column, 14);
    ck_assert_str_eq(why.message, "longer than 4096 bytes");
    free(text);

    text = repeat(HEAD, "# padding\n", DOCUMENT_MAX / 10 - 4UL, "");
    policy_free(parse(text));
    free(text);
    text = repeat(HEAD, "# padding\n", DOCUMENT_MAX / 10 + 1UL, "");
    refused(text, strlen(text), &why);
    ck_assert_str_eq(why.message, "is larger than 256 KiB");
    ck_assert_uint_eq(why.line, 0);
    free(text);

    text = repeat(HEAD "backend-keys: {a: {match: '(", "a", EXPRESSION_COST_MAX - 1, ")'}}\n");
    policy_free(parse(text));
    free(text);
    text = repeat(HEAD "backend-keys: {a: {match: '(", "a", EXPRESSION_COST_MAX - 1, ")b'}}\n");
    refused(text, strlen(text), &why);
    ck_assert_str_eq(why.message, "bad regular expression: too long, or too many repetitions");
    free(text);

    /* an attack on the reader's patience, not its memory */
    text = repeat(HEAD "hold: ", "[", 100000, "");
    refused(text, strlen(text), &why);
    ck_assert_str_eq(why.message, "nested more than 8 deep");
    free(text);
}
END_TEST

START_TEST(many_keys)
{
    struct diagnostic why;
    char text[8192];
    for (int n = DOCUMENT_ENTRIES_MAX; n <= DOCUMENT_ENTRIES_MAX + 1; n++) {
        int len = snprintf(text, sizeof text, HEAD "backend-keys:\n");
        for (int i = 0; i < n; i++)
            len += snprintf(text + len, sizeof text - (size_t)len, "  k%d:\n", i);
        if (n == DOCUMENT_ENTRIES_MAX) {
            struct policy *p = parse(text);
            ck_assert_uint_eq(p->n_keys[BACKEND], DOCUMENT_ENTRIES_MAX);
            policy_free(p);
        } else {
            refused(text, (size_t)len, &why);
            ck_assert_uint_eq(why.line, 4 + DOCUMENT_ENTRIES_MAX + 1);
            ck_assert_str_eq(why.message, "more than 256 keys");
        }
    }
}
END_TEST

START_TEST(many_entries)
{
    struct diagnostic why;
    char text[4096];
    int len = snprintf(text, sizeof text, HEAD "worker:\n  command: [");
    for (int i = 0; i <= DOCUMENT_ENTRIES_MAX; i++)
        len += snprintf(text + len, sizeof text - (size_t)len, "/%d,", i);
    len += snprintf(text + len, sizeof text - (size_t)len, "]\n");
    refused(text, (size_t)len, &why);
    ck_assert_str_eq(why.message, "more than 256 entries");
}
END_TEST

START_TEST(bytes_that_are_no_text)
{
    static const char nul[] = HEAD "# a\0b\n";
    static const char utf_16[] = "\xff\xfe{\0}\0\n";
    struct diagnostic why;
    refused(nul, sizeof nul - 1, &why);
    ck_assert_uint_eq(why.line, 4);
    ck_assert_uint_eq(why.column, 4);
    refused(utf_16, sizeof utf_16, &why);
    ck_assert_str_eq(why.message, "invalid leading UTF-8 octet");
    ck_assert_uint_eq(why.line, 1);
    ck_assert_uint_eq(why.column, 1);
}
END_TEST

/* Every beginning of a good document is either good or refused with a message. */
START_TEST(cut_anywhere)
{
    static const char text[] =
        HEAD "backend-keys:\n  'a/*': {required: true, match: '^[a-z]+$'}\n  b: {enum: [r, w]}\n"
             "publish: {x: 1, y: \"\\u00e4\"}\nhold: {closed: 1h}\n"
             "worker:\n  command: [/w, '${b}']\n  user: u # \xc3\xa4\n";
    const size_t len = sizeof text - 1;
    policy_free(parse(text));
    for (size_t n = 0; n < len; n++) {
        struct policy *p = NULL;
        struct diagnostic why = {0};
        char *cut = xstrndup(text, n);
        if (policy_parse("cut", cut, n, &p, &why) == 0)
            policy_free(p);
        else
            ck_assert_str_ne(why.message, "");
        free(cut);
    }
}
END_TEST

/* ---- all that is wrong, not the first alone ---- */

struct heard {
    char text[MESSAGE_SIZE];
    size_t n;
};

static void hear(void *arg, const struct diagnostic *mistake)
{
    struct heard *h = arg;
    size_t used = strlen(h->text);
    snprintf(h->text + used, sizeof h->text - used, "%u:%u %.20s\n", mistake->line, mistake->column,
             mistake->message);
    h->n++;
}

static const struct several {
    const char *text, *told;
} several[] = {
    /* values, names and what is missing, at every depth */
    {"version: 1\nownr: kernel\nbackend-keys: {a: {type: strin}, b: {match: '('}, '/': }\n"
     "limits: {burst: many, events-per-second: 0}\nqemu: 1\n",
     "2:1 unknown key `ownr`, \n3:26 expected string, boo\n3:45 bad regular expressi\n"
     "3:51 bad key name: a comp\n4:17 expected a number fr\n4:42 expected a number fr\n"
     "5:7 expected true or fal\n1:1 `type` is missing\n1:1 `owner` is missing\n"},
    {HEAD "publish: {state: 1, 'a/*': 2, b: [c]}\nworker: {environment: {1: a, XENRECON_X: b, c: [d]}}\n",
     "4:11 `state` cannot be pu\n4:21 a pattern cannot be \n4:34 expected text, found\n"
     "5:24 bad name of a variab\n5:30 `XENRECON_X` cannot \n5:48 expected text, found\n"
     "5:9 `command` is missing\n"},
    /* what does not go together: once all values are good */
    {HEAD "handshake: none\nfrontend-keys: {a: {required: connect, or: z}, b: {type: hex, enum: [x]}}\n"
          "worker: {command: [w, '${y}', '${x'], drops-privileges: true}\nretry: {initial: 3s, max: 2s}\n"
          "hotplug: {run: true}\n",
     "5:44 `or` names another k\n5:21 `required: connect` \n5:63 `enum` is for keys o\n"
     "6:20 the program must be \n6:23 `${y}` is neither in\n6:31 `${` without `}`\n"
     "6:39 `drops-privileges` n\n7:27 `max` is shorter tha\n8:1 `hotplug` is for own\n"},
    /* where nothing behind it can be judged, one is all */
    {"version: 2\nfuture: 1\ntype: [\n", "4:1 did not find expecte\n"},
    {"version: 2\nfuture: 1\nmore: 2\n", "1:10 version 2 is not sup\n"},
};

START_TEST(every_mistake)
{
    struct heard h = {.n = 0};
    struct mistakes mistakes = {.each = hear, .arg = &h};
    struct policy *p = NULL;
    const char *text = several[_i].text;
    ck_assert_int_eq(policy_parse_all("bad.yaml", text, strlen(text), &p, &mistakes), -EINVAL);
    ck_assert_str_eq(h.text, several[_i].told);
    ck_assert_uint_eq(mistakes.n, h.n);
}
END_TEST

/* ---- messages ---- */

START_TEST(message_has_a_caret)
{
    char buf[MESSAGE_SIZE];
    struct diagnostic why;
    const char *text = HEAD "hold: {\xc3\xa4: 1}\n";
    refused(text, strlen(text), &why);
    ck_assert_str_eq(diagnostic_format(&why, buf, sizeof buf), "bad.yaml:4:8: unknown key `\xc3\xa4`\n"
                                                               "    4 | hold: {\xc3\xa4: 1}\n"
                                                               "      |        ^\n");
    text = "";
    refused(text, 0, &why);
    ck_assert_str_eq(diagnostic_format(&why, buf, sizeof buf), "bad.yaml: is empty\n");
}
END_TEST

START_TEST(message_is_printable)
{
    char buf[MESSAGE_SIZE];
    struct diagnostic d;
    const char *text = "a\r\n\tb\x1b[31m\xe2\x80\xae\xff c\r\nd";
    diagnostic_set(&d, "x\n", 2, 12, text, strlen(text), "found %s", "\x1b[0m");
    ck_assert_str_eq(diagnostic_format(&d, buf, sizeof buf), "x\\x0a:2:12: found \\x1b[0m\n"
                                                             "    2 |  b?[31m?? c\n"
                                                             "      |            ^\n");
}
END_TEST

START_TEST(message_of_a_long_line)
{
    char *text = repeat("short\n", "0123456789", 100, "\nshort\n");
    struct diagnostic d;
    diagnostic_set(&d, "f", 2, 501, text, strlen(text), "x");
    ck_assert_uint_eq(strlen(d.excerpt), 103);
    ck_assert_str_eq(d.excerpt + 93, "1234567890");
    ck_assert_int_eq(d.excerpt[d.caret - 1], '0');
    ck_assert_uint_eq(d.caret, 63);
    diagnostic_set(&d, "f", 2, 3, text, strlen(text), "x");
    ck_assert_uint_eq(strlen(d.excerpt), 100);
    ck_assert_uint_eq(d.caret, 3);
    free(text);

    text =
        repeat("", "\xf0\x9d\x84\x9e", 100, ""); /* as many as there is room for, and the caret not beyond */
    diagnostic_set(&d, "f", 1, 85, text, strlen(text), "x");
    ck_assert_uint_eq(strlen(d.excerpt), 252);
    ck_assert_uint_eq(d.caret, 64);
    free(text);
}
END_TEST

START_TEST(place_of_a_byte)
{
    const char *text = "a\n\xc3\xa4x\r\ny\rz";
    static const struct {
        size_t offset;
        unsigned line, column;
    } places[] = {{0, 1, 1}, {1, 1, 2}, {2, 2, 1}, {4, 2, 2}, {5, 2, 3}, {7, 3, 1}, {9, 4, 1}, {99, 4, 2}};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        unsigned line, column;
        diagnostic_locate(text, strlen(text), places[i].offset, &line, &column);
        ck_assert_uint_eq(line, places[i].line);
        ck_assert_uint_eq(column, places[i].column);
    }
}
END_TEST

static Suite *policy_refused_suite(void)
{
    Suite *s = suite_create("policy, refused");
    TCase *t = tcase_create("refused");
    tcase_add_loop_test(t, bad_document_is_refused, 0, (int)(sizeof bad / sizeof *bad));
    tcase_add_test(t, long_input);
    tcase_add_test(t, many_keys);
    tcase_add_test(t, many_entries);
    tcase_add_test(t, bytes_that_are_no_text);
    tcase_add_test(t, cut_anywhere);
    tcase_add_loop_test(t, every_mistake, 0, (int)(sizeof several / sizeof *several));
    suite_add_tcase(s, t);

    t = tcase_create("messages");
    tcase_add_test(t, message_has_a_caret);
    tcase_add_test(t, message_is_printable);
    tcase_add_test(t, message_of_a_long_line);
    tcase_add_test(t, place_of_a_byte);
    suite_add_tcase(s, t);
    return s;
}

int main(void)
{
    return run_suite(policy_refused_suite());
}
