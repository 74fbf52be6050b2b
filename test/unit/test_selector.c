/* SPDX-License-Identifier: MIT */
/* DEVICE arguments: what they select. */
#include "schemas/disk_name.h"
#include "schemas/selector.h"
#include "test/lib/unit.h"

/* what libxl's numbers are called */

static const struct {
    const char *devid, *name; /* NULL: none */
} disks[] = {
    {"51712", "xvda"},
    {"51713", "xvda1"},
    {"51728", "xvdb"},
    {"51952", "xvdp"},
    {"51727", "xvda15"},
    {"268439552", "xvdq"},
    {"268439567", "xvdq15"},
    {"268442112", "xvdaa"},
    {"2048", "sda"},
    {"2065", "sdb1"},
    {"768", "hda"},
    {"769", "hda1"},
    {"832", "hdb"},
    {"5632", "hdc"},
    {"5696", "hdd"},
    {"0", NULL},
    {"255", NULL},
    {"896", NULL},
    {"51968", NULL},
    {"536870912", NULL},
    {"", NULL},
    {"xvda", NULL},
    {"-1", NULL},
    {"268435456", "xvda"},
    {"536870911", "xvdbgqcv255"},
};

START_TEST(test_disk_name)
{
    char buf[DISK_NAME_SIZE];
    bool there = disk_name_of_devid(disks[_i].devid, buf);
    ck_assert_int_eq(there, disks[_i].name != NULL);
    if (there)
        ck_assert_str_eq(buf, disks[_i].name);
}
END_TEST

/* patterns */

static const struct {
    const char *pattern, *name;
    bool matches;
} globs[] = {
    {"", "", true},
    {"", "a", false},
    {"*", "", true},
    {"*", "abc", true},
    {"a*c", "abc", true},
    {"a*c", "abcd", false},
    {"*c", "acbc", true},
    {"*a*b*", "xxayyb", true},
    {"a?c", "abc", true},
    {"a?c", "ac", false},
    {"?", "", false},
    {"**", "a", true},
    {"db-*", "db-primary", true},
    {"[ab]", "a", false},
    {"[ab]", "[ab]", true},
    {"\\*", "\\x", true},
    {"*ab", "aab", true},
    {"a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false},
};

START_TEST(test_glob)
{
    ck_assert_int_eq(selector_glob(globs[_i].pattern, globs[_i].name), globs[_i].matches);
}
END_TEST

/* selecting */

static const struct device_key root = {"qdisk", "51712", 7}, data = {"vbd", "51728", 7},
                               card = {"vif", "0", 70}, odd = {"qdisk", "832", 12};
static const struct selectable devices[] = {
    {&root, 0, "db-primary", "xvda", "/local/domain/7/device/vbd/51712"},
    {&data, 3, "db-primary", NULL, "/local/domain/7/device/vbd/51728"},
    {&card, 0, "web", NULL, "/local/domain/70/device/vif/0"},
    {&odd, 0, NULL, "sdz", NULL},
};

static const struct {
    const char *text, *selects; /* the numbers of the devices */
} cases[] = {
    {"qdisk/7/51712", "0"},
    {"qdisk/7/xvda", "0"},
    {"*/7/*", "01"},
    {"*/db-primary/*", "01"},
    {"*/db-*/xvdb", "1"},
    {"vbd/7/xvdb", "1"},
    {"qdisk/12/sdz", "3"},
    {"qdisk/12/hdb", ""}, /* the key says otherwise */
    {"*/*/517?2", "0"},
    {"qdisk/db-primary", "0"},
    {"vif/*", "2"},
    {"*/7", "01"},
    {"7", "01"}, /* and not 70 */
    {"7*", "012"},
    {"web", "2"},
    {"qdisk", "03"},
    {"v*", "12"},
    {"db-secondary", ""},
    {"vif/70/00", ""},
    {"*", "0123"},
    {"/local/domain/0/backend/qdisk/7/51712", "0"},
    {"/local/domain/0/backend/qdisk/7/51712/", "0"},
    {"/local/domain/0/backend/qdisk/7/51712/state", "0"},
    {"/local/domain/0/backend/qdisk/7/517", ""},
    {"/local/domain/0/backend/qdisk", "03"},
    {"/local/domain/0/backend", "023"},
    {"/local/domain/3/backend", "1"},
    {"/local/domain/0/backend/vbd", ""},
    {"/local/domain/0", ""},
    {"/local/domain/7", "01"},
    {"/local/domain/7/device/vbd", "01"},
    {"/local/domain/7/device/vbd/51728/ring-ref", "1"},
    {"/local/domain/12", "3"},
    {"/local/domain", ""},
    {"/", ""},
    {"/libxl/7", "01"},
    {"/libxl/7/device/vbd/51728/backend", "1"},
    {"/libxl", ""},
    {"/libxl/70/device/vif/0", "2"},
};

START_TEST(test_selects)
{
    struct selector s;
    char selected[COUNT(devices) + 1] = "";
    ck_assert_int_eq(selector_parse(cases[_i].text, &s), 0);
    for (int i = 0; i < COUNT(devices); i++)
        if (selector_matches(&s, &devices[i]))
            snprintf(selected + strlen(selected), 2, "%d", i);
    ck_assert_msg(strcmp(selected, cases[_i].selects) == 0, "%s selects %s", cases[_i].text, selected);
}
END_TEST

static const char *const refused[] = {"", "qdisk//0", "qdisk/7/", "a/b/c/d", "qdisk/", "//"};

START_TEST(test_refused)
{
    struct selector s;
    /* a path of slashes is the root of the store */
    ck_assert_int_eq(selector_parse(refused[_i], &s), strcmp(refused[_i], "//") == 0 ? 0 : -22);
}
END_TEST

START_TEST(test_too_long)
{
    char text[STORE_PATH_MAX + 3];
    struct selector s;
    memset(text, 'a', sizeof text);
    text[SELECTOR_PART_SIZE] = '\0';
    ck_assert_int_eq(selector_parse(text, &s), -22);
    text[SELECTOR_PART_SIZE] = 'a';
    text[0] = '/';
    text[STORE_PATH_MAX + 1] = '\0';
    ck_assert_int_eq(selector_parse(text, &s), -22);
    text[STORE_PATH_MAX] = '\0';
    ck_assert_int_eq(selector_parse(text, &s), 0);
}
END_TEST

static const struct {
    const char *text;
    bool exact, names, dev, frontend;
} wants[] = {
    {"qdisk/7/51712", true, false, false, false},
    {"qdisk/7/xvda", false, false, true, false},
    {"qdisk/web/0", false, true, false, false},
    {"*/7/0", false, false, false, false},
    {"qdisk/7", false, false, false, false},
    {"web", false, true, false, false},
    {"7", false, false, false, false},
    {"*/*/*", false, false, false, false},
    {"/local/domain/7", false, false, false, true},
    {"qdisk/99999/0", false, false, false, false},
};

START_TEST(test_wants)
{
    struct selector s;
    struct device_key key;
    ck_assert_int_eq(selector_parse(wants[_i].text, &s), 0);
    ck_assert_int_eq(selector_exact(&s, &key), wants[_i].exact);
    ck_assert_int_eq(selector_wants_names(&s), wants[_i].names);
    ck_assert_int_eq(selector_wants_dev(&s), wants[_i].dev);
    ck_assert_int_eq(selector_wants_frontend(&s), wants[_i].frontend);
    if (wants[_i].exact)
        ck_assert(device_key_equal(&key, &root));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("selector");
    TCase *t = tcase_create("selector");
    tcase_add_loop_test(t, test_disk_name, 0, COUNT(disks));
    tcase_add_loop_test(t, test_glob, 0, COUNT(globs));
    tcase_add_loop_test(t, test_selects, 0, COUNT(cases));
    tcase_add_loop_test(t, test_refused, 0, COUNT(refused));
    tcase_add_test(t, test_too_long);
    tcase_add_loop_test(t, test_wants, 0, COUNT(wants));
    suite_add_tcase(s, t);
    return run_suite(s);
}
