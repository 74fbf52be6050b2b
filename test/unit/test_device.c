/* SPDX-License-Identifier: MIT */
/* Device keys and paths. */
#include <check.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schemas/device.h"
#include "test/lib/unit.h"

/* device keys */

#define NAME31 "abcdefghijklmnopqrstuvwxyz-_012"

static const struct {
    const char *text, *type, *devid;
    uint16_t domid;
} good_keys[] = {
    {"qdisk/7/51712", "qdisk", "51712", 7},
    {"vif/0/0", "vif", "0", 0},
    {"vbd/32751/xvda", "vbd", "xvda", 32751},
    {"xen_9pfs/1/Root-Disk_2", "xen_9pfs", "Root-Disk_2", 1},
    {"a/1/007", "a", "007", 1},
    {NAME31 "/12345/" NAME31, NAME31, NAME31, 12345},
    {"azAZ09-_/1/azAZ09-_", "azAZ09-_", "azAZ09-_", 1},
};

START_TEST(test_key_round_trip)
{
    struct device_key key;
    char buf[DEVICE_KEY_SIZE];
    size_t len = strlen(good_keys[_i].text);
    char *text = exactly(good_keys[_i].text, len);
    ck_assert_int_eq(device_key_parse(text, len, &key), 0);
    ck_assert_str_eq(key.type, good_keys[_i].type);
    ck_assert_str_eq(key.devid, good_keys[_i].devid);
    ck_assert_uint_eq(key.domid, good_keys[_i].domid);
    device_key_format(&key, buf);
    ck_assert_str_eq(buf, good_keys[_i].text);
    free(text);
}
END_TEST

static const struct {
    const char *text;
    size_t len;
} bad_keys[] = {
    {BYTES("")},
    {BYTES("/")},
    {BYTES("qdisk")},
    {BYTES("qdisk/")},
    {BYTES("qdisk/7")},
    {BYTES("qdisk/7/")},
    {BYTES("/7/51712")},
    {BYTES("qdisk//51712")},
    {BYTES("/qdisk/7/51712")},
    {BYTES("qdisk/7/51712/")},
    {BYTES("qdisk/7/51712/state")},
    {BYTES("qdisk/07/51712")},
    {BYTES("qdisk/-7/51712")},
    {BYTES("qdisk/+7/51712")},
    {BYTES("qdisk/ 7/51712")},
    {BYTES("qdisk/0x7/51712")},
    {BYTES("qdisk/32752/0")},
    {BYTES("qdisk/65543/0")},
    {BYTES("qdisk/18446744073709551623/0")},
    {BYTES("qdisk/x/51712")},
    {BYTES("q disk/7/51712")},
    {BYTES("../7/51712")},
    {BYTES("qdisk/7/..")},
    {BYTES("qdisk/7/a.b")},
    {BYTES("qdisk/7/51712\n")},
    {BYTES("qdisk/7/51712\0")},
    {BYTES("qdisk/7/5\0")},
    {BYTES("qd\xc3\xa9sk/7/51712")},
    {BYTES("qdisk/7/*")},
    {BYTES("qdisk/7/`")}, /* what is next to letters and digits */
    {BYTES("qdisk/7/{")},
    {BYTES("qdisk/7/@")},
    {BYTES("qdisk/7/[")},
    {BYTES("qdisk/7/:")},
    {BYTES("qdisk/7/,")},
    {BYTES("qdisk/7/^")},
    {BYTES(NAME31 "3/7/0")},
    {BYTES("qdisk/7/" NAME31 "3")},
};

START_TEST(test_key_rejects)
{
    struct device_key key = {.type = "kept", .devid = "kept", .domid = 42};
    char *text = exactly(bad_keys[_i].text, bad_keys[_i].len);
    ck_assert_int_lt(device_key_parse(text, bad_keys[_i].len, &key), 0);
    ck_assert_str_eq(key.type, "kept");
    ck_assert_str_eq(key.devid, "kept");
    ck_assert_uint_eq(key.domid, 42);
    free(text);
}
END_TEST

START_TEST(test_key_order)
{
    static const char *const sorted[] = {
        "vif/1/0",      "a/2/bc",     "ab/2/c",        "qdisk/2/0",
        "qdisk/2/9",    "qdisk/2/10", "qdisk/2/51712", "qdisk/2/99999999999999999999",
        "qdisk/2/xvda", "vbd/2/0",    "vbe/2/0",       "vbd/3/0",
        "console/10/0",
    };
    for (int i = 0; i < COUNT(sorted); i++)
        for (int j = 0; j < COUNT(sorted); j++) {
            struct device_key a, b;
            ck_assert_int_eq(device_key_parse(sorted[i], strlen(sorted[i]), &a), 0);
            ck_assert_int_eq(device_key_parse(sorted[j], strlen(sorted[j]), &b), 0);
            int by = device_key_compare(&a, &b);
            ck_assert_msg((by > 0) - (by < 0) == (i > j) - (i < j), "%s and %s compare as %d", sorted[i],
                          sorted[j], by);
            ck_assert_int_eq(device_key_equal(&a, &b), i == j);
            ck_assert_int_eq(device_key_hash(&a) == device_key_hash(&b), i == j);
        }
}
END_TEST

/* Any three keys must compare consistently, or sorting is undefined. */
START_TEST(test_key_order_is_transitive)
{
    static const char *const ids[] = {"0", "00", "1", "010", "02", "9", "10", "10a", "9a", "a", "-1", "1-"};
    struct device_key k[COUNT(ids)] = {0};
    for (int i = 0; i < COUNT(ids); i++)
        snprintf(k[i].devid, sizeof k[i].devid, "%s", ids[i]);
    for (int a = 0; a < COUNT(ids); a++)
        for (int b = 0; b < COUNT(ids); b++) {
            if (a != b)
                ck_assert_int_ne(device_key_compare(&k[a], &k[b]), 0);
            for (int c = 0; c < COUNT(ids); c++)
                if (device_key_compare(&k[a], &k[b]) < 0 && device_key_compare(&k[b], &k[c]) < 0)
                    ck_assert_msg(device_key_compare(&k[a], &k[c]) < 0, "%s < %s < %s", ids[a], ids[b],
                                  ids[c]);
        }
}
END_TEST

static const struct {
    const char *path, *type, *devid, *rest;
    enum backend_place place;
    uint16_t domid;
} places[] = {
    {"/local/domain/3/backend", "", "", NULL, BACKEND_ROOT, 0},
    {"/local/domain/3/backend/qdisk", "qdisk", "", NULL, BACKEND_TYPE, 0},
    {"/local/domain/3/backend/qdisk/7", "qdisk", "", NULL, BACKEND_DOMAIN, 7},
    {"/local/domain/3/backend/qdisk/7/51712", "qdisk", "51712", "", BACKEND_DEVICE, 7},
    {"/local/domain/3/backend/qdisk/7/51712/state", "qdisk", "51712", "state", BACKEND_KEY, 7},
    {"/local/domain/3/backend/qdisk/7/51712/a/b", "qdisk", "51712", "a/b", BACKEND_KEY, 7},
    {"/local/domain/3/backend/qdisk/7/51712/a b", "qdisk", "51712", "a b", BACKEND_KEY, 7},
    {"", NULL, NULL, NULL, BACKEND_OUTSIDE, 0},
    {"@releaseDomain", NULL, NULL, NULL, BACKEND_OUTSIDE, 0},
    {"/local/domain/3", NULL, NULL, NULL, BACKEND_OUTSIDE, 0},
    {"/local/domain/3/backends", NULL, NULL, NULL, BACKEND_OUTSIDE, 0},
    {"/local/domain/3/backend-qdisk/7/51712", NULL, NULL, NULL, BACKEND_OUTSIDE, 0},
    {"/local/domain/3/backend2/qdisk", NULL, NULL, NULL, BACKEND_OUTSIDE, 0},
    {"/local/domain/33/backend", NULL, NULL, NULL, BACKEND_OUTSIDE, 0},
    {"/local/domain/30/backend/qdisk/7/51712", NULL, NULL, NULL, BACKEND_OUTSIDE, 0},
    {"local/domain/3/backend/qdisk/7/51712", NULL, NULL, NULL, BACKEND_OUTSIDE, 0},
    {"backend/qdisk/7/51712", NULL, NULL, NULL, BACKEND_OUTSIDE, 0},
    {"/local/domain/3/backend//7", NULL, NULL, NULL, BACKEND_OUTSIDE, 0},
    {"/local/domain/3/backend/qd isk", NULL, NULL, NULL, BACKEND_OUTSIDE, 0},
    {"/local/domain/3/backend/qdisk/x", NULL, NULL, NULL, BACKEND_OUTSIDE, 0},
    {"/local/domain/3/backend/qdisk/07/51712", NULL, NULL, NULL, BACKEND_OUTSIDE, 0},
    {"/local/domain/3/backend/qdisk/40000/51712", NULL, NULL, NULL, BACKEND_OUTSIDE, 0},
    {"/local/domain/3/backend/qdisk/7//state", NULL, NULL, NULL, BACKEND_OUTSIDE, 0},
    {"/local/domain/3/backend/qdisk/7/a.b/state", NULL, NULL, NULL, BACKEND_OUTSIDE, 0},
};

START_TEST(test_locate)
{
    struct device_key key;
    const char *rest = NULL;
    memset(&key, 'x', sizeof key);
    ck_assert_int_eq(device_locate(3, places[_i].path, &key, &rest), places[_i].place);
    if (places[_i].place != BACKEND_OUTSIDE) {
        ck_assert_str_eq(key.type, places[_i].type);
        ck_assert_str_eq(key.devid, places[_i].devid);
        ck_assert_uint_eq(key.domid, places[_i].domid);
    }
    ck_assert_pstr_eq(rest, places[_i].rest);
}
END_TEST

START_TEST(test_backend_path)
{
    struct device_key key = {.domid = 32751}, found;
    const char *rest;
    char path[BACKEND_PATH_SIZE];
    memset(key.type, 't', DEVICE_NAME_MAX);
    memset(key.devid, 'd', DEVICE_NAME_MAX);
    device_backend_path(32751, &key, path);
    ck_assert_int_eq(device_locate(32751, path, &found, &rest), BACKEND_DEVICE);
    ck_assert(device_key_equal(&key, &found));
}
END_TEST

static const struct {
    const char *path;
    size_t len;
    bool valid;
} frontends[] = {
    {BYTES("/local/domain/7/device/vbd/51712"), true},
    {BYTES("/local/domain/7/console"), true},
    {BYTES("/local/domain/7/device/vbd@1/a-b_C"), true},
    {BYTES(""), false},
    {BYTES("/local/domain/7"), false},
    {BYTES("/local/domain/7/"), false},
    {BYTES("/local/domain/7//device"), false},
    {BYTES("/local/domain/7/device/"), false},
    {BYTES("/local/domain/7/device//vbd"), false},
    {BYTES("/local/domain/77/device/vbd/0"), false},
    {BYTES("/local/domain/0/device/vbd/0"), false},
    {BYTES("/local/domain/07/device/vbd/0"), false},
    {BYTES("local/domain/7/device/vbd/0"), false},
    {BYTES("/vm/abcdefghi/7/device/vbd/0"), false}, /* it lies as deep */
    {BYTES("device/vbd/0"), false},
    {BYTES("/local/domain/7/../0/backend"), false},
    {BYTES("/local/domain/7/device/./0"), false},
    {BYTES("/local/domain/7/device/v bd"), false},
    {BYTES("/local/domain/7/device/vbd\n"), false},
    {BYTES("/local/domain/7/device/vbd\0"), false},
    {BYTES("/local/domain/7/device\0/vbd"), false},
    {BYTES("/local/domain/7/d\xc3\xa9vice"), false},
    {BYTES("@releaseDomain"), false},
};

START_TEST(test_frontend_path)
{
    char *path = exactly(frontends[_i].path, frontends[_i].len);
    ck_assert_int_eq(device_frontend_path_valid(path, frontends[_i].len, 7), frontends[_i].valid);
    free(path);
}
END_TEST

START_TEST(test_frontend_path_length)
{
    static const char prefix[] = "/local/domain/7/";
    char path[STORE_PATH_MAX + 1];
    memset(path, 'a', sizeof path);
    memcpy(path, prefix, sizeof prefix - 1);
    ck_assert(device_frontend_path_valid(path, 1024, 7));
    ck_assert(device_frontend_path_valid(path, STORE_PATH_MAX - 256, 7));
    ck_assert(!device_frontend_path_valid(path, STORE_PATH_MAX - 255, 7));
    ck_assert(device_frontend_path_valid(path, sizeof prefix, 7)); /* one character below it */
    ck_assert(!device_frontend_path_valid(path, STORE_PATH_MAX, 7));
    ck_assert(!device_frontend_path_valid(path, STORE_PATH_MAX + 1, 7));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("device");
    TCase *t = tcase_create("devices");
    tcase_add_loop_test(t, test_key_round_trip, 0, COUNT(good_keys));
    tcase_add_loop_test(t, test_key_rejects, 0, COUNT(bad_keys));
    tcase_add_test(t, test_key_order);
    tcase_add_test(t, test_key_order_is_transitive);
    tcase_add_loop_test(t, test_locate, 0, COUNT(places));
    tcase_add_test(t, test_backend_path);
    tcase_add_loop_test(t, test_frontend_path, 0, COUNT(frontends));
    tcase_add_test(t, test_frontend_path_length);
    suite_add_tcase(s, t);
    return run_suite(s);
}
