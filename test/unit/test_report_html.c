/* SPDX-License-Identifier: MIT */
/* The report as HTML: well-formed, and whatever is in the store, it comes out as text. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schemas/report/report.h"
#include "test/lib/require.h"
#include "test/lib/unit.h"

#define B "/local/domain/0/backend/qdisk/7/51712"
#define F "/local/domain/7/device/vbd/51712"

static const char policy_text[] =
    "version: 1\n"
    "type: qdisk\n"
    "frontend: vbd\n"
    "owner: xenrecon\n"
    "backend-keys: {password: {secret: true}, 'port/*': {secret: true}, params: {}}\n";

/* For free(). */
static char *printed(const struct report *r)
{
    char *text = NULL;
    size_t len = 0;
    FILE *to = open_memstream(&text, &len);
    ck_assert_ptr_nonnull(to);
    report_print_html(r, to);
    ck_assert_int_eq(fclose(to), 0);
    ck_assert_uint_eq(strlen(text), len);
    return text;
}

/* With a value on both sides; `others`: besides keys that are not there. */
static void keep(struct report *r, const char *key, const char *value, size_t len, bool others)
{
    struct policy *policy;
    struct diagnostic why;
    struct view *view = view_new(0, &r->devices[r->n_devices - 1].key);
    ck_assert_int_eq(policy_parse("qdisk.yaml", BYTES(policy_text), &policy, &why), 0);
    view_add(view, BACKEND, key, PRESENT, value, len);
    if (others) {
        view_add(view, BACKEND, "absent-key", ABSENT, NULL, 0);
        view_add(view, FRONTEND, "unreadable-key", UNREADABLE, NULL, 0);
    }
    view_set_frontend(view, F);
    view_add(view, FRONTEND, key, PRESENT, value, len);
    view_seal(view);
    report_keep_values(r, policy, view);
    view_free(view);
    policy_free(policy);
}

static struct report_device device(const char *key, enum xenbus_state b, enum xenbus_state f, enum row row)
{
    struct report_device d = {
        .owner = OWNER_XENRECON, .online = 1, .backend_state = b, .frontend_state = f, .plan = plan_new()};
    ck_assert_int_eq(device_key_parse(key, strlen(key), &d.key), 0);
    d.plan->row = row;
    return d;
}

/* The text in every place that can hold any: so many. */
enum { SLOTS = 20 };
static struct report *everywhere(const char *text)
{
    struct report *r = report_new(0);
    struct report_device d = device("qdisk/7/51712", XENBUS_INIT_WAIT, XENBUS_INITIALISED, ROW_CONNECT);
    const char **words = arena_alloc(&d.plan->arena, 2 * sizeof *words);
    struct action *a = plan_add_action(d.plan, ACTION_CONNECT, text);
    words[0] = text;
    action_write(d.plan, a, text, text);
    action_remove(d.plan, a, text, true);
    a->argv = a->env = words;
    plan_add_finding(d.plan, FINDING_GUEST_ERROR, SEVERITY_WARNING, "%s",
                     text); /* in the list, and at the device */
    plan_add_finding(r->host, FINDING_LEAK, SEVERITY_INFO, "%s", text);
    d.frontend = text;
    r->origin = text;
    report_add(r, &d);
    keep(r, text, text, strlen(text), false); /* two names, two values */
    d.plan = plan_new();
    plan_add_finding(d.plan, FINDING_GUEST_ERROR, SEVERITY_ERROR, "%s", text);
    report_add(r, &d); /* with the frontend's path again */
    keep(r, "params", text, strlen(text), false);
    return r;
}

/* ---- a strict reader ---- */

struct tag {
    const char *name;
    size_t len;
};

/* Reads one tag, and returns what is behind it. */
static const char *read_tag(const char *at, struct tag *open, int *depth)
{
    const bool end = at[1] == '/';
    struct tag t = {at + 1 + end, strcspn(at + 1 + end, " />")};
    bool quoted = false;
    const char *p = at + 1;
    for (; *p && (quoted || *p != '>'); p++) {
        require(!strchr("<'`\n", *p) || (*p == '\'' && strncmp(at, "<meta ", 6) == 0), "in a tag: %.60s", at);
        if (*p == '"') {
            require(quoted || p[-1] == '=', "a quote out of place: %.60s", at);
            quoted = !quoted;
        }
    }
    require(*p == '>', "a tag without an end: %.60s", at);
    if (end) {
        require(*depth > 0, "%.20s closes nothing", at);
        const struct tag *top = &open[--*depth];
        require(top->len == t.len && !memcmp(top->name, t.name, t.len), "%.20s closes %.20s", at, top->name);
    } else if (p[-1] != '/') {
        ck_assert_int_lt(*depth, 16);
        open[(*depth)++] = t;
        if (!strncmp(at, "<style>", 7) || !strncmp(at, "<script>", 8))
            p += strcspn(p + 1, "<&");
    }
    return p + 1;
}

/* The tags and the text between them, for free(). Fails over whatever is not as it should be. */
struct parts {
    char *tags, *text;
};
static struct parts read_html(const char *html)
{
    struct parts parts = {calloc(1, strlen(html) + 1), calloc(1, strlen(html) + 1)};
    struct tag open[16];
    size_t tags = 0, text = 0;
    int depth = 0;
    ck_assert(parts.tags && parts.text);
    require(!strncmp(html, "<!DOCTYPE html>\n", 16), "how it begins");
    for (const char *p = html + 16; *p;) {
        if (*p == '<') {
            const char *behind = read_tag(p, open, &depth);
            memcpy(parts.tags + tags, p, (size_t)(behind - p));
            tags += (size_t)(behind - p);
            p = behind;
            continue;
        }
        require(*p == '\n' || ((unsigned char)*p >= ' ' && !strchr("\"'`>\x7f", *p)), "not escaped: %.40s",
                p);
        require(*p != '&' || (p[1] == '#' && p[2] >= '1' && p[2] <= '9'), "a reference: %.20s", p);
        parts.text[text++] = *p++;
    }
    ck_assert_int_eq(depth, 0);
    return parts;
}

static struct parts read_report(const struct report *r)
{
    char *html = printed(r);
    struct parts parts = read_html(html);
    free(html);
    return parts;
}

static void parts_free(struct parts *p)
{
    free(p->tags);
    free(p->text);
}

static int times(const char *text, const char *word)
{
    int n = 0;
    for (const char *p = text; (p = strstr(p, word)); p += strlen(word))
        n++;
    return n;
}

/* ---- hostile texts ---- */

static const struct {
    const char *text, *shown, *quoted; /* as it should come out, and between quotes; NULL: the same */
} hostile[] = {
    {"</script><script>x()</script>", "&#60;/script&#62;&#60;script&#62;x()&#60;/script&#62;", NULL},
    {"</style><img src=x onerror=x()>", "&#60;/style&#62;&#60;img src=x onerror=x()&#62;", NULL},
    {"\" onload=\"x()", "&#34; onload=&#34;x()", "\\&#34; onload=\\&#34;x()"},
    {"' onload='x()", "&#39; onload=&#39;x()", NULL},
    {"` onload=`x()", "&#96; onload=&#96;x()", NULL},
    {"javascript:x()", "javascript:x()", NULL},
    {"&lt;script&gt;&#60;", "&#38;lt;script&#38;gt;&#38;#60;", NULL},
    {"<!--", "&#60;!--", NULL},
    {"]]><![CDATA[<?php", "]]&#62;&#60;![CDATA[&#60;?php", NULL},
    {"back\\slash", "back\\slash", "back\\\\slash"},
    {"\x01\x08\t\n\r\x1b[2J\x7f", "\\x01\\x08\\x09\\x0a\\x0d\\x1b[2J\\x7f", NULL},
    {"\xc2\x85\xc2\x9b", "\\xc2\\x85\\xc2\\x9b", NULL},
    {"\xff<\xc3(\xed\xa0\x80", "\\xff&#60;\\xc3(\\xed\\xa0\\x80", NULL},
    {"\xc0\xbcscript", "\\xc0\\xbcscript", NULL},                /* an overlong `<` */
    {"\xe2\x80\xae", "\\xe2\\x80\\xae", NULL},                   /* right-to-left override */
    {"\xe2\x81\xa6\xd8\x9c", "\\xe2\\x81\\xa6\\xd8\\x9c", NULL}, /* isolate, Arabic letter mark */
    {"\xef\xbb\xbf\xe2\x80\x8b", "\\xef\\xbb\\xbf\\xe2\\x80\\x8b",
     NULL}, /* byte order mark, zero width space */
    {"caf\xc3\xa9 \xd7\x90", "caf\xc3\xa9 \xd7\x90", NULL},
    {"%s%n%1$s", "%s%n%1$s", NULL},
};

/* The report has the tags that it has with a harmless text, to the letter, and the text in each place. */
START_TEST(test_hostile_text_is_text)
{
    enum { QUOTED = 5 };
    struct report *r = everywhere(hostile[_i].text), *harmless = everywhere("HARMLESS");
    struct parts got = read_report(r), want = read_report(harmless);
    ck_assert_msg(!strcmp(got.tags, want.tags), "other tags than without it");
    ck_assert_int_eq(times(want.text, "HARMLESS"), SLOTS);
    const char *shown = hostile[_i].shown, *quoted = hostile[_i].quoted;
    if (quoted) {
        ck_assert_int_eq(times(got.text, quoted), QUOTED);
        ck_assert_int_eq(times(got.text, shown), strstr(quoted, shown) ? SLOTS : SLOTS - QUOTED);
    } else {
        ck_assert_int_eq(times(got.text, shown), SLOTS);
    }
    parts_free(&got);
    parts_free(&want);
    report_free(r);
    report_free(harmless);
}
END_TEST

/* Each byte by itself, and two of them. */
START_TEST(test_every_byte)
{
    struct report *harmless = everywhere("HARMLESS");
    struct parts want = read_report(harmless);
    for (int c = 1; c < 256; c++) {
        const char text[] = {(char)c, (char)_i, '\0'};
        struct report *r = everywhere(text);
        struct parts got = read_report(r);
        ck_assert_msg(!strcmp(got.tags, want.tags), "other tags than without it");
        parts_free(&got);
        report_free(r);
    }
    parts_free(&want);
    report_free(harmless);
}
END_TEST

/* ---- values ---- */

/* The text of a report on one device with this value. */
static char *text_with(const char *key, const char *value, size_t len)
{
    struct report *r = report_new(0);
    struct report_device d = device("qdisk/7/51712", XENBUS_CONNECTED, XENBUS_CONNECTED, ROW_STEADY);
    d.frontend = F;
    report_add(r, &d);
    keep(r, key, value, len, true);
    struct parts parts = read_report(r);
    free(parts.tags);
    report_free(r);
    return parts.text;
}

START_TEST(test_values)
{
    char *text = text_with("params", BYTES("a\0<b"));
    ck_assert_ptr_nonnull(strstr(text, "values (4)\nbackend B " B "\n\nabsent-keyabsent\n"
                                       "params&#34;a\\x00&#60;b&#34;\n\n"
                                       "frontend F " F "\n\nparams&#34;a\\x00&#60;b&#34;\n"
                                       "unreadable-keyunreadable\n"));
    free(text);
    text = text_with("state", BYTES("4"));
    ck_assert_int_eq(times(text, "state&#34;4&#34; Connected\n"), 2);
    free(text);
}
END_TEST

START_TEST(test_secrets)
{
    static const char *const keys[] = {"password", "port/1"};
    char *text = text_with(keys[_i], BYTES("hunter2"));
    ck_assert_int_eq(times(text, "(secret)"), 1); /* of the backend's side, of which the policy says so */
    ck_assert_int_eq(times(text, "hunter2"), 1);
    free(text);
}
END_TEST

START_TEST(test_no_values_unless_kept)
{
    struct report *r = report_new(0);
    struct report_device d = device("vif/7/0", XENBUS_CONNECTED, XENBUS_ABSENT, ROW_STEADY);
    report_add(r, &d);
    struct parts parts = read_report(r);
    ck_assert_ptr_nonnull(strstr(parts.text, "values (0)\nbackend B /local/domain/0/backend/vif/7/0\n"
                                             "frontend F is not known\n"));
    parts_free(&parts);
    report_free(r);
}
END_TEST

/* ---- what it says ---- */

static struct report *sample(void)
{
    struct report *r = report_new(0);
    struct report_device d = device("vif/7/0", XENBUS_CLOSING, XENBUS_CONNECTED, ROW_STEADY);
    d.frontend_name = "web";
    plan_add_finding(d.plan, FINDING_GUEST_ERROR, SEVERITY_INFO, "said this");
    plan_add_finding(d.plan, FINDING_STUCK_DETACH, SEVERITY_ERROR, "stuck");
    report_add(r, &d);
    d = device("qdisk/9/1", XENBUS_INIT_WAIT, XENBUS_INVALID, ROW_CONNECT);
    struct action *a = plan_add_action(d.plan, ACTION_CONNECT, "ready");
    action_write(d.plan, a, "/local/domain/0/backend/qdisk/9/1/state", "4");
    d.backend_domid = 3;
    report_add(r, &d);
    d.backend_domid = 0;
    d.plan = plan_new();
    a = plan_add_action(d.plan, ACTION_CONNECT, "ready");
    action_write(d.plan, a, "/local/domain/0/backend/qdisk/9/1/state", "4");
    action_write(d.plan, a, "/local/domain/0/backend/qdisk/9/10/state", "6");
    report_add(r, &d);
    plan_add_finding(r->host, FINDING_LEAK, SEVERITY_WARNING, "empty");
    return r;
}

/* The words are there, in this order. */
static const char *const order[] = {
    "Devices of several backend domains",
    "1failed",
    "2pending",
    "3devices",
    "1error",
    "1warning",
    "2actions",
    "Findings",
    "error stuck-detach",
    "a guest has to unmount it",
    "vif/7/0 stuck",
    "warning leak",
    "empty",
    "info guest-error",
    "vif/7/0 said this",
    "failed 1 device",
    "vif/7/0",
    "failed of web (7): backend Closing, frontend Connected, online yes owner xenrecon\n",
    "row steady: nothing else applies",
    "info guest-error said this",
    "error stuck-detach stuck",
    "values (0)",
    "pending 2 devices",
    ", backend domain 3",
    "row connect: B InitWait",
    "connect ready",
    "write /local/domain/0/backend/qdisk/9/1/state = &#34;4&#34;",
};

START_TEST(test_order)
{
    struct report *r = sample();
    struct parts parts = read_report(r);
    const char *at = parts.text;
    for (int i = 0; i < COUNT(order); i++) {
        const char *found = strstr(at, order[i]);
        ck_assert_msg(found != NULL, "no `%s` in: %s", order[i], at);
        at = found + strlen(order[i]);
    }
    ck_assert_int_eq(times(parts.tags, "<section>"), 2);
    parts_free(&parts);
    report_free(r);
}
END_TEST

/* Where the ends are on the strip, and where the plan takes the backend: of its own directory only. */
START_TEST(test_strip)
{
    struct report *r = sample();
    struct parts parts = read_report(r);
    ck_assert_int_eq(times(parts.tags, "aria-label=\"backend Closing, frontend Connected\""), 1);
    ck_assert_int_eq(times(parts.tags, "<circle class=\"now\""),
                     4); /* two, and one whose frontend has none, twice */
    ck_assert_int_eq(times(parts.tags, "<circle class=\"next\""), 1);
    ck_assert_int_eq(times(parts.tags, "<path class=\"next\""), 1);
    const char *frontend = strstr(parts.tags, "<circle class=\"now\" cx=\"416\" cy=\"58\"");
    ck_assert_msg(frontend != NULL, "the frontend is not at Connected");
    ck_assert_ptr_nonnull(strstr(frontend, "<circle class=\"next\" cx=\"416\" cy=\"18\""));
    parts_free(&parts);
    report_free(r);
}
END_TEST

/* Two findings of a kind, rubbish for a state, a backend that is not on the strip, a state that stays, a
 * command without an environment, a directory that goes whatever is in it. */
START_TEST(test_odds)
{
    static const char *const words[] = {"/bin/x", NULL};
    struct report *r = report_new(0);
    struct report_device d = device("qdisk/7/51712", XENBUS_INIT_WAIT, XENBUS_ABSENT, ROW_CYCLE);
    struct action *a = plan_add_action(d.plan, ACTION_CYCLE, "again");
    action_write(d.plan, a, B "/state", "x");
    action_write(d.plan, a, B "/state", "2");
    action_remove(d.plan, a, F, false);
    a->argv = words;
    plan_add_finding(d.plan, FINDING_STUCK_CLOSE, SEVERITY_ERROR, "first");
    plan_add_finding(d.plan, FINDING_STUCK_CLOSE, SEVERITY_ERROR, "second");
    plan_add_finding(d.plan, FINDING_ORPHAN, SEVERITY_WARNING, "third");
    report_add(r, &d);
    keep(r, "state", BYTES("9"), false);
    d = device("qdisk/8/51712", XENBUS_ABSENT, XENBUS_ABSENT, ROW_CREATE);
    action_write(d.plan, plan_add_action(d.plan, ACTION_CREATE, "new"),
                 "/local/domain/0/backend/qdisk/8/51712/state", "2");
    report_add(r, &d);
    struct parts parts = read_report(r);
    ck_assert_int_eq(times(parts.text, "error stuck-close"), 3); /* once above, then for each */
    ck_assert_int_eq(times(parts.tags, "<circle class=\"next\""), 2);
    ck_assert_int_eq(times(parts.tags, "<path class=\"next\""), 0);
    ck_assert_int_eq(times(parts.text, "if it is empty"), 0);
    ck_assert_int_eq(times(parts.text, "run /bin/x"), 1);
    ck_assert_ptr_nonnull(strstr(parts.text, "state&#34;9&#34;"));
    parts_free(&parts);
    report_free(r);
}
END_TEST

START_TEST(test_nothing)
{
    struct report *r = report_new(3);
    struct parts parts = read_report(r);
    ck_assert_ptr_nonnull(strstr(parts.text, "Devices of backend domain 3"));
    ck_assert_int_eq(times(parts.text, "None."), 2);
    parts_free(&parts);
    report_free(r);
}
END_TEST

/* The file needs no other, and lets nothing else run. */
START_TEST(test_policy)
{
    struct report *r = sample();
    char *html = printed(r);
    ck_assert_ptr_nonnull(strstr(html,
                                 "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
                                 "style-src 'sha256-"));
    ck_assert_int_eq(times(html, "unsafe"), 0);
    ck_assert_int_eq(times(html, "src="), 0);
    ck_assert_int_eq(times(html, "url("), 0);
    ck_assert_int_eq(times(html, "style="), 0);
    ck_assert_int_eq(times(html, "http://") + times(html, "https://"),
                     times(html, "xmlns=\"http://www.w3.org/"));
    free(html);
    report_free(r);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("report_html");
    TCase *t = tcase_create("report_html");
    static const unsigned char before[] = {'<', '&', '"', 'x', 0xc2, 0xe2};
    tcase_add_loop_test(t, test_hostile_text_is_text, 0, COUNT(hostile));
    for (int i = 0; i < COUNT(before); i++)
        tcase_add_loop_test(t, test_every_byte, before[i], before[i] + 1);
    tcase_add_test(t, test_values);
    tcase_add_loop_test(t, test_secrets, 0, 2);
    tcase_add_test(t, test_no_values_unless_kept);
    tcase_add_test(t, test_order);
    tcase_add_test(t, test_strip);
    tcase_add_test(t, test_odds);
    tcase_add_test(t, test_nothing);
    tcase_add_test(t, test_policy);
    suite_add_tcase(s, t);
    return run_suite(s);
}
