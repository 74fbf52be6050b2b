/* SPDX-License-Identifier: MIT */
/* The report, as people and as programs read it. */
#include <check.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schemas/report/fold.h"
#include "test/lib/json_schema.h"
#include "test/lib/unit.h"

#define B "/local/domain/0/backend/qdisk/7/51712"
#define F "/local/domain/7/device/vbd/51712"

/* What the printer prints, for free(). */
static char *printed(const struct report *r, void (*print)(const struct report *, FILE *))
{
    char *text = NULL;
    size_t len = 0;
    FILE *to = open_memstream(&text, &len);
    ck_assert_ptr_nonnull(to);
    print(r, to);
    ck_assert_int_eq(fclose(to), 0);
    ck_assert_uint_eq(strlen(text), len);
    return text;
}

static json_t *printed_json(const struct report *r)
{
    json_error_t error;
    char *text = printed(r, report_print_json);
    json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, &error);
    ck_assert_msg(root != NULL, "%s in:\n%s", error.text, text);
    ck_assert_int_eq(text[strlen(text) - 1], '\n');
    free(text);
    return root;
}

static json_t *plan_schema(void)
{
    json_error_t error;
    json_t *schema = json_load_file("schemas/plan.schema.json", JSON_REJECT_DUPLICATES, &error);
    ck_assert_msg(schema != NULL, "plan.schema.json:%d: %s", error.line, error.text);
    return schema;
}

static void assert_fits_schema(json_t *root)
{
    json_t *schema = plan_schema();
    ck_assert(schema_valid(schema, schema, root));
    json_decref(schema);
}

static struct report_device device(const char *key, enum owner owner, int online, enum xenbus_state b,
                                   enum xenbus_state f, enum row row)
{
    struct report_device d = {.owner = owner,
                              .online = online,
                              .backend_state = b,
                              .frontend_state = f,
                              .frontend = NULL,
                              .plan = plan_new()};
    ck_assert_int_eq(device_key_parse(key, strlen(key), &d.key), 0);
    d.plan->row = row;
    return d;
}

/* One device of each kind: at rest, to be acted on, stuck, half written, to be removed. */
static struct report *sample(void)
{
    struct report *r = report_new(0);
    struct report_device d =
        device("vif/7/0", OWNER_KERNEL, 1, XENBUS_CONNECTED, XENBUS_CONNECTED, ROW_STEADY);
    report_add(r, &d);

    char frontend[] = F;
    d = device("qdisk/7/51712", OWNER_XENRECON, 1, XENBUS_INIT_WAIT, XENBUS_INITIALISED, ROW_CONNECT);
    d.frontend = frontend;
    d.frontend_name = "web";
    struct action *a = plan_add_action(d.plan, ACTION_CONNECT, "the frontend is Initialised");
    action_write(d.plan, a, B "/state", "4");
    action_write(d.plan, a, B "/xenrecon", "00000000000000a0 4 0000000000000001");
    report_add(r, &d);
    frontend[1] = 'X'; /* the report has a copy */

    d = device("vkbd/5/0", OWNER_XENRECON, 0, XENBUS_CLOSING, XENBUS_CONNECTED, ROW_CLOSE_WAIT);
    plan_add_finding(d.plan, FINDING_STUCK_DETACH, SEVERITY_ERROR, "the frontend is %s, for more than %d s",
                     "Connected", 60);
    report_add(r, &d);

    d = device("qdisk/7/51728", OWNER_EXTERNAL, -1, XENBUS_ABSENT, XENBUS_ABSENT, ROW_INCOMPLETE_DIR);
    plan_add_finding(d.plan, FINDING_INCOMPLETE_DIR, SEVERITY_WARNING, "`online` is absent");
    d.backend_domid = 3;
    report_add(r, &d);

    d = device("vkbd/12/0", OWNER_XENRECON, 0, XENBUS_CLOSED, XENBUS_ABSENT, ROW_DESTROY);
    a = plan_add_action(d.plan, ACTION_DESTROY, "online is 0");
    action_remove(d.plan, a, "/local/domain/0/backend/vkbd/12/0", false);
    action_remove(d.plan, a, "/local/domain/0/backend/vkbd/12", true);
    report_add(r, &d);

    plan_add_finding(r->host, FINDING_NO_POLICY, SEVERITY_WARNING, "type vfoo has no policy: 2 devices");
    plan_add_finding(r->host, FINDING_NO_POLICY, SEVERITY_INFO, "something else");
    report_sort(r);
    return r;
}

static const char sample_text[] =
    "5 devices of backend domains 0 and 3: 1 failed, 1 degraded, 2 pending, 1 ok; 2 actions, 1 error, 2 "
    "warnings\n"
    "\n"
    "HEALTH    DEVICE         DOMAIN   OWNER     ONLINE  BACKEND    FRONTEND\n"
    "failed    vkbd/5/0       5        xenrecon  no      Closing    Connected\n"
    "    ! error stuck-detach: the frontend is Connected, for more than 60 s\n"
    "        look at the end that is waited for: a guest has to unmount it; it is never taken away by force\n"
    "degraded  qdisk/7/51728  7        external  -       absent     absent       (backend domain 3)\n"
    "    ! warning incomplete-dir: `online` is absent\n"
    "        ask the toolstack: it did not finish writing this directory, or keeps something of its own "
    "there\n"
    "pending   qdisk/7/51712  web (7)  xenrecon  yes     InitWait   Initialised\n"
    "    * connect: the frontend is Initialised\n"
    "        write  " B "/state    = \"4\"\n"
    "        write  " B "/xenrecon = \"00000000000000a0 4 0000000000000001\"\n"
    "pending   vkbd/12/0      12       xenrecon  no      Closed     absent\n"
    "    * destroy: online is 0\n"
    "        remove /local/domain/0/backend/vkbd/12/0\n"
    "        remove /local/domain/0/backend/vkbd/12 (if it is empty)\n"
    "ok        vif/7/0        7        kernel    yes     Connected  Connected\n"
    "\n"
    "Of no single device:\n"
    "    ! warning no-policy: type vfoo has no policy: 2 devices\n"
    "    ! info no-policy: something else\n"
    "        write a policy for this type if this domain should look after it\n";

START_TEST(test_text)
{
    struct report *r = sample();
    char *text = printed(r, report_print_text);
    ck_assert_str_eq(text, sample_text);
    free(text);
    report_free(r);
}
END_TEST

START_TEST(test_summary)
{
    struct report *r = sample();
    struct report_summary s = report_summarize(r);
    ck_assert_uint_eq(s.devices, 5);
    ck_assert_uint_eq(s.actions, 2);
    ck_assert_uint_eq(s.errors, 1);
    ck_assert_uint_eq(s.warnings, 2);
    report_free(r);
    report_free(NULL);
}
END_TEST

START_TEST(test_nothing_to_do)
{
    struct report *r = report_new(3);
    char *text = printed(r, report_print_text);
    ck_assert_str_eq(text, "0 devices of backend domain 3; nothing to do\n");
    free(text);

    struct report_device d =
        device("vif/7/0", OWNER_KERNEL, 1, XENBUS_CONNECTED, XENBUS_CONNECTED, ROW_STEADY);
    d.backend_domid = 3;
    report_add(r, &d);
    text = printed(r, report_print_text);
    ck_assert_str_eq(text, "1 device of backend domain 3: 1 ok; nothing to do\n"
                           "\n"
                           "HEALTH  DEVICE   OWNER   ONLINE  BACKEND    FRONTEND\n"
                           "ok      vif/7/0  kernel  yes     Connected  Connected\n");
    free(text);
    r->wide = true;
    r->terminal.colour = true;
    text = printed(r, report_print_text);
    ck_assert_ptr_nonnull(strstr(text, "ROW\033[0m\n"));
    ck_assert_ptr_nonnull(
        strstr(text, "\033[32mok\033[0m      vif/7/0  kernel  yes     Connected  Connected  steady\n"));
    free(text);
    report_free(r);
}
END_TEST

/* One more device than is told one by one, and two that differ. */
static struct report *alike(void)
{
    struct report *r = report_new(5);
    for (int i = 0; i <= FOLD_DEVICES_MIN + 1; i++) {
        struct arena a = {0};
        struct report_device d =
            device(arena_printf(&a, "vif/%d/0", i + 1), OWNER_KERNEL, i == 1 ? -2 : 1, XENBUS_INIT_WAIT,
                   i == 1 ? XENBUS_UNREADABLE : XENBUS_CONNECTED, ROW_STEADY);
        char path[BACKEND_PATH_SIZE];
        d.backend_domid = i == 2 ? 6 : 5;
        device_backend_path(d.backend_domid, &d.key, path);
        plan_add_finding(d.plan, FINDING_MISSING_KEY, i ? SEVERITY_WARNING : SEVERITY_ERROR,
                         "%s/mac is missing", path);
        if (i == 3)
            plan_add_finding(d.plan, FINDING_MISSING_KEY, SEVERITY_WARNING, "%sx/mac is missing", path);
        report_add(r, &d);
        arena_free(&a);
    }
    return r;
}

static const char alike_text[] =
    "6 devices of backend domains 5 and 6: 1 failed, 5 degraded; nothing to do, 1 error, 6 warnings\n"
    "\n"
    "HEALTH    DEVICE   OWNER   ONLINE  BACKEND   FRONTEND\n"
    "failed    vif/1/0  kernel  yes     InitWait  Connected\n"
    "    ! error missing-key: /local/domain/5/backend/vif/1/0/mac is missing\n"
    "        the keys named must be written before this device can go on\n"
    "degraded  vif/2/0  kernel  ?       InitWait  ?          ! missing-key\n"
    "degraded  vif/3/0  kernel  yes     InitWait  Connected  (backend domain 6)  ! missing-key\n"
    "degraded  vif/4/0  kernel  yes     InitWait  Connected  ! missing-key\n"
    "    ! warning missing-key: /local/domain/5/backend/vif/4/0x/mac is missing\n"
    "        the keys named must be written before this device can go on\n"
    "degraded  vif/5/0  kernel  yes     InitWait  Connected  ! missing-key\n"
    "degraded  vif/6/0  kernel  yes     InitWait  Connected  ! missing-key\n"
    "\n"
    "Of several devices:\n"
    "    ! warning missing-key: B/mac is missing\n"
    "        the keys named must be written before this device can go on\n"
    "        vif/2/0, vif/3/0, vif/4/0, vif/5/0, vif/6/0\n";

START_TEST(test_alike)
{
    struct report *r = alike();
    char *text = printed(r, report_print_text), *json = printed(r, report_print_json);
    ck_assert_str_eq(text, alike_text);
    ck_assert_ptr_nonnull(strstr(json, "vif/6/0/mac is missing")); /* of each by itself */
    ck_assert_ptr_nonnull(strstr(json, "\"frontend_state\": \"?\""));
    free(text);
    free(json);
    report_free(r);
}
END_TEST

START_TEST(test_many_domains)
{
    struct report *r = report_new(0);
    for (int i = 0; i < 9; i++) {
        struct report_device d =
            device("vif/7/0", OWNER_KERNEL, 1, XENBUS_CONNECTED, XENBUS_CONNECTED, ROW_STEADY);
        d.backend_domid = (uint16_t)(20 - i);
        report_add(r, &d);
    }
    char *text = printed(r, report_print_text);
    ck_assert_str_eq(
        strtok(text, "\n"),
        "9 devices of backend domains 12, 13, 14, 15, 16, 17, 18 and 2 more: 9 ok; nothing to do");
    free(text);
    report_free(r);
}
END_TEST

/* The contract, to the letter and in its order. */
static const char sample_json[] =
    "{\"version\":1,\"host\":null,\"source\":null,\"generated\":null,\"program\":\"xenrecon " XENRECON_VERSION
    "\","
    "\"domid\":0,\"summary\":{\"devices\":5,\"actions\":2,\"errors\":1,\"warnings\":2,"
    "\"health\":{\"failed\":1,\"degraded\":1,\"unknown\":0,\"pending\":2,\"ok\":1}},"
    "\"devices\":["
    "{\"device\":\"vkbd/5/"
    "0\",\"backend_domid\":0,\"type\":\"vkbd\",\"frontend_domid\":5,\"frontend_name\":null,\"devid\":\"0\","
    "\"health\":\"failed\",\"owner\":\"xenrecon\",\"online\":false,\"backend_state\":\"Closing\",\"frontend_"
    "state\":\"Connected\","
    "\"frontend\":null,\"row\":\"close-wait\",\"wanted\":null,\"wanted_since\":null,"
    "\"actions\":[],"
    "\"findings\":[{\"code\":\"stuck-detach\",\"severity\":\"error\","
    "\"message\":\"the frontend is Connected, for more than 60 s\","
    "\"advice\":\"look at the end that is waited for: a guest has to unmount it; it is never taken away by "
    "force\",\"waits_for\":null,\"since\":null}]},"
    "{\"device\":\"qdisk/7/"
    "51728\",\"backend_domid\":3,\"type\":\"qdisk\",\"frontend_domid\":7,\"frontend_name\":null,\"devid\":"
    "\"51728\","
    "\"health\":\"degraded\",\"owner\":\"external\",\"online\":null,\"backend_state\":null,\"frontend_"
    "state\":null,\"frontend\":null,"
    "\"row\":\"incomplete-dir\",\"wanted\":null,\"wanted_since\":null,"
    "\"actions\":[],\"findings\":[{\"code\":\"incomplete-dir\","
    "\"severity\":\"warning\",\"message\":\"`online` is absent\","
    "\"advice\":\"ask the toolstack: it did not finish writing this directory, or keeps something of its own "
    "there\",\"waits_for\":null,\"since\":null}]},"
    "{\"device\":\"qdisk/7/"
    "51712\",\"backend_domid\":0,\"type\":\"qdisk\",\"frontend_domid\":7,\"frontend_name\":\"web\",\"devid\":"
    "\"51712\","
    "\"health\":\"pending\",\"owner\":\"xenrecon\",\"online\":true,\"backend_state\":\"InitWait\",\"frontend_"
    "state\":"
    "\"Initialised\","
    "\"frontend\":\"" F "\",\"row\":\"connect\",\"wanted\":null,\"wanted_since\":null,"
    "\"actions\":[{\"action\":\"connect\","
    "\"reason\":\"the frontend is Initialised\",\"writes\":[{\"path\":\"" B "/state\",\"value\":\"4\"},"
    "{\"path\":\"" B "/xenrecon\",\"value\":\"00000000000000a0 4 0000000000000001\"}],\"removes\":[]}],"
    "\"findings\":[]},"
    "{\"device\":\"vkbd/12/"
    "0\",\"backend_domid\":0,\"type\":\"vkbd\",\"frontend_domid\":12,\"frontend_name\":null,\"devid\":\"0\","
    "\"health\":\"pending\",\"owner\":\"xenrecon\",\"online\":false,\"backend_state\":\"Closed\",\"frontend_"
    "state\":null,"
    "\"frontend\":null,\"row\":\"destroy\",\"wanted\":null,\"wanted_since\":null,"
    "\"actions\":[{\"action\":\"destroy\",\"reason\":\"online is 0\","
    "\"writes\":[],\"removes\":[\"/local/domain/0/backend/vkbd/12/0\",\"/local/domain/0/backend/vkbd/12\"]}],"
    "\"findings\":[]},"
    "{\"device\":\"vif/7/"
    "0\",\"backend_domid\":0,\"type\":\"vif\",\"frontend_domid\":7,\"frontend_name\":null,\"devid\":\"0\","
    "\"health\":\"ok\",\"owner\":\"kernel\",\"online\":true,\"backend_state\":\"Connected\",\"frontend_"
    "state\":\"Connected\","
    "\"frontend\":null,\"row\":\"steady\",\"wanted\":null,\"wanted_since\":null,"
    "\"actions\":[],\"findings\":[]}],"
    "\"findings\":[{\"code\":\"no-policy\",\"severity\":\"warning\","
    "\"message\":\"type vfoo has no policy: 2 devices\","
    "\"advice\":\"write a policy for this type if this domain should look after "
    "it\",\"waits_for\":null,\"since\":null},"
    "{\"code\":\"no-policy\",\"severity\":\"info\",\"message\":\"something else\","
    "\"advice\":\"write a policy for this type if this domain should look after "
    "it\",\"waits_for\":null,\"since\":null}]}";

START_TEST(test_json)
{
    struct report *r = sample();
    json_t *root = printed_json(r);
    char *compact = json_dumps(root, JSON_COMPACT);
    ck_assert_str_eq(compact, sample_json);
    assert_fits_schema(root);
    free(compact);
    json_decref(root);
    report_free(r);
}
END_TEST

START_TEST(test_json_of_nothing)
{
    struct report *r = report_new(3);
    json_t *root = printed_json(r);
    char *compact = json_dumps(root, JSON_COMPACT);
    ck_assert_str_eq(compact, "{\"version\":1,\"host\":null,\"source\":null,\"generated\":null,\"program\":"
                              "\"xenrecon " XENRECON_VERSION
                              "\",\"domid\":3,\"summary\":{\"devices\":0,\"actions\":0,\"errors\":0,"
                              "\"warnings\":0,\"health\":{\"failed\":0,\"degraded\":0,\"unknown\":0,"
                              "\"pending\":0,\"ok\":0}},\"devices\":[],\"findings\":[]}");
    assert_fits_schema(root);
    free(compact);
    json_decref(root);
    report_free(r);
}
END_TEST

/* Does the schema refuse anything at all? Each is what to change in a good report. */
static const struct {
    const char *path[4]; /* of the object, from its root; "0" is an array's first */
    const char *key, *value;
} breakages[] = {
    {{NULL}, "version", "2"},
    {{NULL}, "extra", "1"},
    {{NULL}, "domid", "\"0\""},
    {{NULL}, "domid", "32752"},
    {{"summary"}, "errors", "-1"},
    {{"devices", "0"}, "row", "\"no-such-row\""},
    {{"devices", "0"}, "online", "1"},
    {{"devices", "0"}, "backend_state", "4"},
    {{"devices", "0"}, "extra", "null"},
    {{"devices", "0"}, "device", "\"vkbd/5\""},
    {{"devices", "0"}, "frontend_domid", "70000"},
    {{"devices", "0", "findings", "0"}, "code", "\"no-such-code\""},
    {{"findings", "0"}, "severity", "\"fatal\""},
    {{"findings", "0"}, "message", "null"},
};

START_TEST(test_schema_refuses)
{
    struct report *r = sample();
    json_t *root = printed_json(r), *schema = plan_schema(), *at = root;
    for (int i = 0; i < 4 && breakages[_i].path[i]; i++)
        at = json_is_array(at) ? json_array_get(at, 0) : json_object_get(at, breakages[_i].path[i]);
    ck_assert(json_is_object(at));
    json_object_set_new(at, breakages[_i].key, json_loads(breakages[_i].value, JSON_DECODE_ANY, NULL));
    ck_assert(!schema_valid(schema, schema, root));
    json_decref(schema);
    json_decref(root);
    report_free(r);
}
END_TEST

/* What a guest can have written must neither reach the terminal nor break the JSON. */
static const struct {
    const char *value, *in_text, *in_json;
} nasty[] = {
    {"\x1b]0;owned\x07", "\\x1b]0;owned\\x07", "\\x1b]0;owned\\x07"},
    {"a\nvif/7/0  kernel  yes", "a\\x0avif/7/0  kernel  yes", "a\\x0avif/7/0  kernel  yes"},
    {"\xff\xc3(", "\\xff\\xc3(", "\\xff\\xc3("},
    {"\xc2\x9b"
     "31m",
     "\\xc2\\x9b31m", "\\xc2\\x9b31m"},
    {"say \"hi\" \\", "say \\\"hi\\\" \\\\", "say \"hi\" \\"},
    {"caf\xc3\xa9", "caf\xc3\xa9", "caf\xc3\xa9"},
};

START_TEST(test_nasty_values)
{
    const char *value = nasty[_i].value;
    char want[128];
    struct report *r = report_new(0);
    struct report_device d =
        device("vif/7/0", OWNER_XENRECON, 1, XENBUS_INITIALISING, XENBUS_ABSENT, ROW_CREATE);
    struct action *a = plan_add_action(d.plan, ACTION_CREATE, value);
    action_write(d.plan, a, value, value);
    action_remove(d.plan, a, value, false);
    plan_add_finding(d.plan, FINDING_BAD_VALUE, SEVERITY_ERROR, "%s", value);
    plan_add_finding(r->host, FINDING_BAD_VALUE, SEVERITY_ERROR, "%s", value);
    d.frontend = value;
    report_add(r, &d);

    char *text = printed(r, report_print_text);
    snprintf(want, sizeof want, " = \"%s\"\n", nasty[_i].in_text);
    ck_assert_msg(strstr(text, want) != NULL, "no `%s` in:\n%s", want, text);
    int lines = 0;
    for (const char *p = text; *p; p++) {
        lines += *p == '\n';
        ck_assert(*p == '\n' || ((unsigned char)*p >= 0x20 && *p != 0x7f));
    }
    ck_assert_int_eq(lines, 13);
    ck_assert_ptr_null(strstr(text, "\xc2\x9b"));
    free(text);

    json_t *root = printed_json(r);
    json_t *dev = json_array_get(json_object_get(root, "devices"), 0);
    json_t *act = json_array_get(json_object_get(dev, "actions"), 0);
    json_t *write = json_array_get(json_object_get(act, "writes"), 0);
    json_t *all[7] = {
        json_object_get(dev, "frontend"),
        json_object_get(act, "reason"),
        json_object_get(write, "path"),
        json_object_get(write, "value"),
        json_array_get(json_object_get(act, "removes"), 0),
        json_object_get(json_array_get(json_object_get(dev, "findings"), 0), "message"),
        json_object_get(json_array_get(json_object_get(root, "findings"), 0), "message"),
    };
    for (int i = 0; i < 7; i++)
        ck_assert_pstr_eq(json_string_value(all[i]), nasty[_i].in_json);
    assert_fits_schema(root);
    json_decref(root);
    report_free(r);
}
END_TEST

/* A path that is very long is printed, but does not push the other values away. */
START_TEST(test_long_paths_do_not_align)
{
    char path[400];
    struct report *r = report_new(0);
    struct report_device d =
        device("vif/7/0", OWNER_XENRECON, 1, XENBUS_INITIALISING, XENBUS_ABSENT, ROW_CREATE);
    struct action *a = plan_add_action(d.plan, ACTION_CREATE, "reason");
    memset(path, 'p', sizeof path - 1);
    path[sizeof path - 1] = '\0';
    action_write(d.plan, a, path, "1");
    action_write(d.plan, a, "/short", "2");
    action_write(d.plan, a, "/longer", "3");
    report_add(r, &d);
    char *text = printed(r, report_print_text);
    ck_assert_ptr_nonnull(strstr(text, "ppp = \"1\"\n"));
    ck_assert_ptr_nonnull(strstr(text, "        write  /short  = \"2\"\n        write  /longer = \"3\"\n"));
    free(text);
    report_free(r);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("report");
    TCase *t = tcase_create("report");
    tcase_add_test(t, test_text);
    tcase_add_test(t, test_summary);
    tcase_add_test(t, test_nothing_to_do);
    tcase_add_test(t, test_alike);
    tcase_add_test(t, test_many_domains);
    tcase_add_test(t, test_json);
    tcase_add_test(t, test_json_of_nothing);
    tcase_add_loop_test(t, test_schema_refuses, 0, COUNT(breakages));
    tcase_add_loop_test(t, test_nasty_values, 0, COUNT(nasty));
    tcase_add_test(t, test_long_paths_do_not_align);
    suite_add_tcase(s, t);
    return run_suite(s);
}
