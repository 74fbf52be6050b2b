/* SPDX-License-Identifier: MIT */
/* The small values: states, markers, numbers, views; and what helps with them. */
#include <check.h>
#include <stdint.h>
#include <stdlib.h>

#include "schemas/diagnostic.h"
#include "schemas/json.h"
#include "schemas/marker.h"
#include "schemas/mem.h"
#include "schemas/value.h"
#include "schemas/view.h"
#include "schemas/xenbus.h"
#include "test/lib/unit.h"

/* xenbus states */

START_TEST(test_state_round_trip)
{
    char digit = (char)('0' + _i);
    enum xenbus_state state;
    ck_assert_int_eq(xenbus_state_parse(&digit, 1, &state), 0);
    ck_assert_int_eq((int)state, _i);
    ck_assert(xenbus_state_text(state)[0] == digit && !xenbus_state_text(state)[1]);
    ck_assert_str_ne(xenbus_state_name(state), "invalid");
    ck_assert_str_ne(xenbus_state_name(state), "absent");
    for (int other = 0; other < _i; other++)
        ck_assert_str_ne(xenbus_state_name(state), xenbus_state_name((enum xenbus_state)other));
}
END_TEST

START_TEST(test_state_names)
{
    ck_assert_int_eq(XENBUS_STATE_COUNT, 9);
    ck_assert_str_eq(xenbus_state_name(XENBUS_INIT_WAIT), "InitWait");
    ck_assert_str_eq(xenbus_state_name(XENBUS_RECONFIGURED), "Reconfigured");
    ck_assert_str_eq(xenbus_state_name(XENBUS_ABSENT), "absent");
    ck_assert_str_eq(xenbus_state_name(XENBUS_STATE_COUNT), "invalid");
    ck_assert_str_eq(xenbus_state_name((enum xenbus_state) - 5), "invalid");
}
END_TEST

static const struct {
    const char *text;
    size_t len;
} bad_states[] = {
    {BYTES("")},  {BYTES("9")}, {BYTES("-1")}, {BYTES("04")},  {BYTES("4 ")}, {BYTES(" 4")}, {BYTES("4\n")},
    {BYTES("x")}, {BYTES("/")}, {BYTES(":")},  {BYTES("4\0")}, {BYTES("\0")}, {BYTES("10")}, {BYTES("\xb4")},
};

START_TEST(test_state_rejects)
{
    enum xenbus_state state = XENBUS_CONNECTED;
    char *text = exactly(bad_states[_i].text, bad_states[_i].len);
    ck_assert_int_lt(xenbus_state_parse(text, bad_states[_i].len, &state), 0);
    ck_assert_int_eq(state, XENBUS_CONNECTED);
    free(text);
}
END_TEST

/* markers */

static const struct {
    const char *text;
    struct marker marker;
} good_markers[] = {
    {"0000000000000000 0 -", {0, XENBUS_UNKNOWN, false, 0}},
    {"0123456789abcdef 2 -", {UINT64_C(0x0123456789abcdef), XENBUS_INIT_WAIT, false, 0}},
    {"ffffffffffffffff 8 ffffffffffffffff", {UINT64_MAX, XENBUS_RECONFIGURED, true, UINT64_MAX}},
    {"00000000000000a0 4 0000000000000001", {0xa0, XENBUS_CONNECTED, true, 1}},
    {"00000000000000a0 4 0000000000000000", {0xa0, XENBUS_CONNECTED, true, 0}},
};

START_TEST(test_marker_round_trip)
{
    struct marker m;
    char buf[MARKER_SIZE];
    size_t len = strlen(good_markers[_i].text);
    char *text = exactly(good_markers[_i].text, len);
    ck_assert_int_eq(marker_parse(text, len, &m), 0);
    ck_assert_uint_eq(m.incarnation, good_markers[_i].marker.incarnation);
    ck_assert_int_eq(m.wrote, good_markers[_i].marker.wrote);
    ck_assert_int_eq(m.connected, good_markers[_i].marker.connected);
    ck_assert_uint_eq(m.ring, good_markers[_i].marker.ring);
    marker_format(&good_markers[_i].marker, buf);
    ck_assert_str_eq(buf, good_markers[_i].text);
    free(text);
}
END_TEST

static const struct {
    const char *text;
    size_t len;
} bad_markers[] = {
    {BYTES("")},
    {BYTES("-")},
    {BYTES("0123456789abcdef 2")},
    {BYTES("0123456789abcdef 2 ")},
    {BYTES("0123456789abcdef 9 -")},
    {BYTES("0123456789abcdef x -")},
    {BYTES("0123456789abcdef 2 0")},
    {BYTES("0123456789abcdef 2 - ")},
    {BYTES("0123456789abcdef 2 -\n")},
    {BYTES("0123456789abcdef 22 -")},
    {BYTES("0123456789ABCDEF 2 -")},
    {BYTES("0123456789abcdeg 2 -")},
    {BYTES(":123456789abcdef 2 -")},
    {BYTES("0123456789abcde\0 2 -")},
    {BYTES("0123456789abcdef\t2 -")},
    {BYTES("0123456789abcdef 2\t-")},
    {BYTES("123456789abcdef 2 --")},
    {BYTES("0x23456789abcdef 2 -")},
    {BYTES("0123456789abcdef 2 0123456789abcde")},
    {BYTES("0123456789abcdef 2 0123456789abcdeG")},
    {BYTES("0123456789abcdef 2 0123456789abcdef0")},
    {BYTES("0123456789abcdef 2 ----------------")},
};

START_TEST(test_marker_rejects)
{
    struct marker m = {.incarnation = 42};
    char *text = exactly(bad_markers[_i].text, bad_markers[_i].len);
    ck_assert_int_lt(marker_parse(text, bad_markers[_i].len, &m), 0);
    ck_assert_uint_eq(m.incarnation, 42);
    free(text);
}
END_TEST

/* numbers and values */

static const struct {
    const char *text;
    size_t len;
    uint64_t max;
    bool good;
    uint64_t n;
} decimals[] = {
    {BYTES("0"), 0, true, 0},
    {BYTES("7"), 7, true, 7},
    {BYTES("8"), 7, false, 0},
    {BYTES("65535"), UINT16_MAX, true, UINT16_MAX},
    {BYTES("65536"), UINT16_MAX, false, 0},
    {BYTES("4294967295"), UINT32_MAX, true, UINT32_MAX},
    {BYTES("4294967296"), UINT32_MAX, false, 0},
    {BYTES("18446744073709551615"), UINT64_MAX, true, UINT64_MAX},
    {BYTES("18446744073709551616"), UINT64_MAX, false, 0},
    {BYTES("18446744073709551620"), UINT64_MAX, false, 0},
    {BYTES("99999999999999999999"), UINT64_MAX, false, 0},
    {BYTES("100000000000000000000"), UINT64_MAX, false, 0},
    {BYTES(""), UINT64_MAX, false, 0},
    {BYTES("00"), UINT64_MAX, false, 0},
    {BYTES("01"), UINT64_MAX, false, 0},
    {BYTES("-1"), UINT64_MAX, false, 0},
    {BYTES("+1"), UINT64_MAX, false, 0},
    {BYTES(" 1"), UINT64_MAX, false, 0},
    {BYTES("1 "), UINT64_MAX, false, 0},
    {BYTES("1\0"), UINT64_MAX, false, 0},
    {BYTES("1\n"), UINT64_MAX, false, 0},
    {BYTES("0x1"), UINT64_MAX, false, 0},
    {BYTES("1:"), UINT64_MAX, false, 0},
    {BYTES("1/"), UINT64_MAX, false, 0},
    {BYTES("1e3"), UINT64_MAX, false, 0},
    {BYTES("\xb1"), UINT64_MAX, false, 0},
};

START_TEST(test_decimal)
{
    uint64_t n = 4242;
    char *text = exactly(decimals[_i].text, decimals[_i].len);
    int status = parse_decimal(text, decimals[_i].len, decimals[_i].max, &n);
    ck_assert_msg((status == 0) == decimals[_i].good, "`%s`: %d", decimals[_i].text, status);
    ck_assert_int_le(status, 0);
    ck_assert_uint_eq(n, decimals[_i].good ? decimals[_i].n : 4242);
    free(text);
}
END_TEST

START_TEST(test_value_equal)
{
    const struct value a = {PRESENT, BYTES("a\0b")}, b = {PRESENT, BYTES("a\0c")},
                       prefix = {PRESENT, BYTES("a")};
    const struct value again = {PRESENT, BYTES("a\0b")}, empty = {PRESENT, BYTES("")};
    const struct value absent = {.presence = ABSENT}, unreadable = {.presence = UNREADABLE};
    ck_assert(value_equal(&a, &again));
    ck_assert(!value_equal(&a, &b));
    ck_assert(!value_equal(&a, &prefix) && !value_equal(&prefix, &a));
    ck_assert(!value_equal(&empty, &absent));
    ck_assert(!value_equal(&absent, &unreadable));
    ck_assert(value_equal(&absent, &absent));
}
END_TEST

START_TEST(test_hash)
{
    /* the function's published test vectors */
    ck_assert_uint_eq(hash_bytes(HASH_INIT, "", 0), UINT64_C(0xcbf29ce484222325));
    ck_assert_uint_eq(hash_bytes(HASH_INIT, "a", 1), UINT64_C(0xaf63dc4c8601ec8c));
    ck_assert_uint_eq(hash_bytes(HASH_INIT, "foobar", 6), UINT64_C(0x85944171f73967e8));
    ck_assert_uint_eq(hash_bytes(hash_bytes(HASH_INIT, "foo", 3), "bar", 3), UINT64_C(0x85944171f73967e8));
}
END_TEST

/* views */

static const struct view_key some_keys[] = {
    {"state", {PRESENT, BYTES("2")}},     {"online", {PRESENT, BYTES("1")}},
    {"params", {PRESENT, BYTES("a\0b")}}, {"port/1", {PRESENT, BYTES("")}},
    {"secret", {.presence = UNREADABLE}}, {"gone", {.presence = ABSENT}},
};

static struct view *make_view(int rotate, bool backwards)
{
    static const struct device_key key = {.type = "qdisk", .devid = "51712", .domid = 7};
    struct view *v = view_new(3, &key);
    int n = COUNT(some_keys);
    v->directory = PRESENT;
    for (int i = 0; i < n; i++) {
        const struct view_key *k = &some_keys[((backwards ? n - i : i) + rotate) % n];
        view_add(v, BACKEND, k->name, k->value.presence, k->value.text, k->value.len);
    }
    view_add(v, FRONTEND, "state", PRESENT, "3", 1);
    view_set_frontend(v, "/local/domain/7/device/vbd/51712");
    view_seal(v);
    return v;
}

START_TEST(test_view_order_independent)
{
    struct view *first = make_view(0, false), *other = make_view(_i / 2, _i % 2);
    ck_assert_uint_eq(view_digest(first), view_digest(other));
    for (int i = 0; i < COUNT(some_keys); i++) {
        struct value v = view_get(other, BACKEND, some_keys[i].name);
        ck_assert_msg(value_equal(&v, &some_keys[i].value), "%s", some_keys[i].name);
    }
    view_free(first);
    view_free(other);
}
END_TEST

START_TEST(test_view_get)
{
    struct view *v = make_view(0, false), *empty = view_new(0, &v->device);
    ck_assert_str_eq(view_get(v, FRONTEND, "state").text, "3");
    ck_assert_int_eq(view_get(v, FRONTEND, "online").presence, ABSENT);
    ck_assert_int_eq(view_get(v, BACKEND, "").presence, ABSENT);
    ck_assert_int_eq(view_get(v, BACKEND, "stat").presence, ABSENT);
    ck_assert_int_eq(view_get(v, BACKEND, "states").presence, ABSENT);
    ck_assert_str_eq(v->path[BACKEND], "/local/domain/3/backend/qdisk/7/51712");
    ck_assert_str_eq(view_key_path(v, BACKEND, "state", &v->arena),
                     "/local/domain/3/backend/qdisk/7/51712/state");
    ck_assert_str_eq(view_key_path(v, FRONTEND, "state", &v->arena),
                     "/local/domain/7/device/vbd/51712/state");

    view_seal(empty);
    ck_assert_int_eq(view_get(empty, BACKEND, "state").presence, ABSENT);
    ck_assert_int_eq(empty->directory, UNREADABLE);
    ck_assert_ptr_null(empty->path[FRONTEND]);
    view_free(empty);
    view_free(v);
    view_free(NULL);
}
END_TEST

/* Each of these is a different view: none may have the digest of another. */
static struct view *changed_view(int change)
{
    struct view *v = make_view(0, false);
    switch (change) {
    case 1:
        v->directory = ABSENT;
        break;
    case 2:
        v->domain = ABSENT;
        break;
    case 3:
        v->qemu = PRESENT;
        break;
    case 4:
        v->keys[BACKEND][0].value.presence = UNREADABLE;
        break;
    case 5:
        v->keys[FRONTEND][0].value.text = "4";
        break;
    case 6:
        v->keys[FRONTEND][0].name = "stata";
        break;
    case 7: /* the same key, but of the other end */
        view_add(v, BACKEND, "z", PRESENT, "1", 1);
        view_seal(v);
        break;
    case 8:
        view_add(v, FRONTEND, "z", PRESENT, "1", 1);
        view_seal(v);
        break;
    case 9: /* the last key of B comes first in F */
        view_add(v, BACKEND, "ring", PRESENT, "1", 1);
        view_seal(v);
        break;
    case 10:
        view_add(v, FRONTEND, "ring", PRESENT, "1", 1);
        view_seal(v);
        break;
    case 11:
        view_set_frontend(v, "/local/domain/7/device/vbd/51728");
        break;
    case 12:
        v->null_model = true;
        break;
    default:
        break;
    }
    return v;
}

enum { VIEW_CHANGES = 13 };

START_TEST(test_view_digest_differs)
{
    struct view *one = changed_view(_i);
    for (int i = 0; i < VIEW_CHANGES; i++) {
        struct view *other = changed_view(i);
        ck_assert_msg((view_digest(one) == view_digest(other)) == (i == _i), "changes %d and %d", _i, i);
        view_free(other);
    }
    view_free(one);
}
END_TEST

/* Nothing but where B ends and F begins tells these apart. */
START_TEST(test_view_digest_sides)
{
    static const struct device_key key = {.type = "t", .devid = "0", .domid = 1};
    struct view *a = view_new(0, &key), *b = view_new(0, &key);
    view_add(a, BACKEND, "state", PRESENT, "4", 1);
    view_add(b, FRONTEND, "state", PRESENT, "4", 1);
    view_seal(a);
    view_seal(b);
    ck_assert_uint_ne(view_digest(a), view_digest(b));
    view_free(a);
    view_free(b);
}
END_TEST

/* ---- memory, JSON and diagnostics ---- */

START_TEST(test_nothing_is_memory_too)
{
    void *a = xcalloc(0, 4), *b = xcalloc(4, 0), *c = xrealloc(NULL, 0);
    ck_assert(a && b && c);
    free(a);
    free(b);
    free(c);
}
END_TEST

START_TEST(test_json)
{
    json_t *o = jobject();
    jput(o, "hex", jhex(UINT64_C(0xfedcba9876543210)));
    jput(o, "seconds", jseconds(1500));
    jput(o, "count", jcount(7));
    char *line = jline(o);
    ck_assert_str_eq(line, "{\"hex\":\"fedcba9876543210\",\"seconds\":1.5,\"count\":7}");
    free(line);
    ck_assert_uint_eq(jget_hex(o, "hex"), UINT64_C(0xfedcba9876543210));
    ck_assert_uint_eq(jget_hex(o, "count"), 0);
    ck_assert_uint_eq(jget_hex(o, "none"), 0);
    ck_assert_int_eq(jget_int(o, "count", 9), 7);
    ck_assert_int_eq(jget_int(o, "seconds", 9), 9);
    ck_assert_int_eq(jget_int(o, "none", 9), 9);
    ck_assert_double_eq(jget_real(o, "seconds", 9), 1.5);
    ck_assert_double_eq(jget_real(o, "count", 9), 7);
    ck_assert_double_eq(jget_real(o, "hex", 9), 9);
    ck_assert_double_eq(jget_real(o, "none", 9), 9);
    json_decref(o);
}
END_TEST

/* A place that is not in the text, or no place. */
START_TEST(test_places)
{
    static const char text[] = "one\ntwo\n";
    struct diagnostic d;
    char buf[2 * sizeof d];
    diagnostic_set(&d, "f", 2, 0, BYTES(text), "wrong");
    ck_assert_str_eq(diagnostic_format(&d, buf, sizeof buf), "f:2:0: wrong\n    2 | two\n      | ^\n");
    diagnostic_set(&d, "f", 2, 200, BYTES(text), "wrong");
    ck_assert_str_eq(d.excerpt, "...");
    diagnostic_set(&d, "f", 0, 0, BYTES(text), "wrong");
    ck_assert_str_eq(d.excerpt, "");
    ck_assert_str_eq(diagnostic_format(&d, buf, sizeof buf), "f: wrong\n");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("schemas");
    TCase *t = tcase_create("values");
    tcase_add_loop_test(t, test_state_round_trip, 0, XENBUS_STATE_COUNT);
    tcase_add_test(t, test_state_names);
    tcase_add_loop_test(t, test_state_rejects, 0, COUNT(bad_states));
    tcase_add_loop_test(t, test_marker_round_trip, 0, COUNT(good_markers));
    tcase_add_loop_test(t, test_marker_rejects, 0, COUNT(bad_markers));
    tcase_add_loop_test(t, test_decimal, 0, COUNT(decimals));
    tcase_add_test(t, test_value_equal);
    tcase_add_test(t, test_hash);
    suite_add_tcase(s, t);
    t = tcase_create("helpers");
    tcase_add_test(t, test_nothing_is_memory_too);
    tcase_add_test(t, test_json);
    tcase_add_test(t, test_places);
    suite_add_tcase(s, t);
    t = tcase_create("views");
    tcase_add_loop_test(t, test_view_order_independent, 0, 2 * COUNT(some_keys));
    tcase_add_test(t, test_view_get);
    tcase_add_loop_test(t, test_view_digest_differs, 0, VIEW_CHANGES);
    tcase_add_test(t, test_view_digest_sides);
    suite_add_tcase(s, t);
    return run_suite(s);
}
