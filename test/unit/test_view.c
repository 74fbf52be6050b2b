/* SPDX-License-Identifier: MIT */
/* Views as they begin, copies of them with one key changed, and keys that were asked for twice. */
#include "schemas/view.h"

#include <check.h>
#include <stdint.h>

#include "test/lib/unit.h"

static const struct device_key device = {.type = "qdisk", .devid = "51712", .domid = 7};

static void assert_value(const struct value *v, enum presence presence, const char *text, size_t len)
{
    struct value wanted = {presence, text, len};
    ck_assert_msg(value_equal(v, &wanted), "presence %d, `%s`", v->presence, v->text ? v->text : "");
    ck_assert_uint_eq(v->len, len);
}

static void assert_key(const struct view *v, enum side side, const char *name, enum presence presence,
                       const char *text)
{
    struct value is = view_get(v, side, name);
    assert_value(&is, presence, text, text ? strlen(text) : 0);
}

START_TEST(begins)
{
    struct view *v = view_new(3, &device);
    ck_assert(v->backend_domid == 3 && device_key_equal(&v->device, &device));
    ck_assert(v->directory == UNREADABLE && v->front == PRESENT && v->domain == PRESENT && v->qemu == ABSENT);
    ck_assert(!v->null_model && !v->path[FRONTEND]);
    for (enum side side = 0; side < 2; side++)
        ck_assert(v->n_keys[side] == 0 && v->error[side].presence == ABSENT);
    view_free(v);
}
END_TEST

/* Nothing of it is the original's. */
START_TEST(copies)
{
    struct view *v = view_new(3, &device);
    v->directory = PRESENT;
    v->front = ABSENT;
    v->domain = UNREADABLE;
    v->qemu = PRESENT;
    v->null_model = true;
    view_set_frontend(v, "/local/domain/7/device/vbd/51712");
    view_set_error(v, BACKEND, PRESENT, BYTES("1 b\0e"));
    view_set_error(v, FRONTEND, UNREADABLE, NULL, 0);
    view_add(v, BACKEND, "state", PRESENT, "4", 1);
    view_add(v, BACKEND, "online", UNREADABLE, NULL, 0);
    view_add(v, BACKEND, "params", ABSENT, NULL, 0);
    view_add(v, FRONTEND, "state", PRESENT, "3", 1);
    view_add(v, FRONTEND, "empty", PRESENT, "", 0);
    view_seal(v);
    uint64_t digest = view_digest(v);
    struct view *copy = view_copy(v);
    view_free(v);
    view_seal(copy);
    ck_assert_uint_eq(view_digest(copy), digest);
    ck_assert(copy->backend_domid == 3 && device_key_equal(&copy->device, &device));
    ck_assert(copy->directory == PRESENT && copy->front == ABSENT && copy->domain == UNREADABLE);
    ck_assert(copy->qemu == PRESENT && copy->null_model);
    ck_assert_str_eq(copy->path[BACKEND], "/local/domain/3/backend/qdisk/7/51712");
    ck_assert_str_eq(copy->path[FRONTEND], "/local/domain/7/device/vbd/51712");
    assert_value(&copy->error[BACKEND], PRESENT, BYTES("1 b\0e"));
    assert_value(&copy->error[FRONTEND], UNREADABLE, NULL, 0);
    ck_assert(copy->n_keys[BACKEND] == 3 && copy->n_keys[FRONTEND] == 2);
    assert_key(copy, BACKEND, "state", PRESENT, "4");
    assert_key(copy, BACKEND, "online", UNREADABLE, NULL);
    ck_assert(view_has(copy, BACKEND, "params") && !view_has(copy, FRONTEND, "params"));
    assert_key(copy, FRONTEND, "state", PRESENT, "3");
    assert_key(copy, FRONTEND, "empty", PRESENT, "");
    view_free(copy);
    v = view_new(0, &device); /* with no frontend */
    copy = view_copy(v);
    ck_assert_ptr_null(copy->path[FRONTEND]);
    ck_assert_uint_eq(view_digest(copy), view_digest(v));
    view_free(v);
    view_free(copy);
}
END_TEST

/* One key is another, be it the first or the last, or is there now; the others stay. */
START_TEST(replaces)
{
    static const char *const names[] = {"a", "b", "c", "d"}; /* d: not there yet */
    struct view *v = view_new(0, &device);
    for (int i = 0; i < 3; i++)
        view_add(v, FRONTEND, names[i], PRESENT, "1", 1);
    view_add(v, BACKEND, names[_i], PRESENT, "1", 1);
    view_replace(v, FRONTEND, names[_i], PRESENT, "22", 2);
    view_seal(v);
    ck_assert_uint_eq(v->n_keys[FRONTEND], _i == 3 ? 4 : 3);
    for (int i = 0; i < 3; i++)
        assert_key(v, FRONTEND, names[i], PRESENT, i == _i ? "22" : "1");
    assert_key(v, FRONTEND, names[_i], PRESENT, "22");
    assert_key(v, BACKEND, names[_i], PRESENT, "1");
    view_free(v);
}
END_TEST

/* Asked for twice it is one key, and what could not be read stays so. */
START_TEST(unites)
{
    static const struct {
        enum presence first, second, is;
    } twice[] = {
        {PRESENT, PRESENT, PRESENT},       {PRESENT, UNREADABLE, UNREADABLE},
        {UNREADABLE, PRESENT, UNREADABLE}, {ABSENT, UNREADABLE, UNREADABLE},
        {ABSENT, ABSENT, ABSENT},
    };
    for (int i = 0; i < COUNT(twice); i++) {
        struct view *v = view_new(0, &device);
        view_add(v, BACKEND, "b", twice[i].first, "1", 1);
        view_add(v, BACKEND, "a", PRESENT, "2", 1);
        view_add(v, BACKEND, "b", twice[i].second, "1", 1);
        view_add(v, BACKEND, "c", PRESENT, "3", 1);
        view_seal(v);
        ck_assert_uint_eq(v->n_keys[BACKEND], 3);
        assert_key(v, BACKEND, "a", PRESENT, "2");
        assert_key(v, BACKEND, "b", twice[i].is, twice[i].is == PRESENT ? "1" : NULL);
        assert_key(v, BACKEND, "c", PRESENT, "3");
        view_free(v);
    }
}
END_TEST

/* Bytes above 127 come last, for who sorts and for who searches. */
START_TEST(finds_any_byte)
{
    static const char *const names[] = {"\xff", "\x80x", "\x80", "z", "a", "ab", "/", "~"};
    struct view *v = view_new(0, &device);
    for (int i = 0; i < COUNT(names); i++)
        view_add(v, BACKEND, names[i], PRESENT, names[i], strlen(names[i]));
    view_seal(v);
    for (int i = 0; i < COUNT(names); i++)
        assert_key(v, BACKEND, names[i], PRESENT, names[i]);
    ck_assert(!view_has(v, BACKEND, "\x81") && !view_has(v, BACKEND, "") && !view_has(v, BACKEND, "b"));
    view_free(v);
}
END_TEST

/* No two of these are the same. */
static struct view *differs(int how)
{
    static const struct {
        const char *name, *text;
        size_t len;
    } keys[][2] = {
        {{"ab", BYTES("c")}},
        {{"a", BYTES("bc")}},
        {{"a", BYTES("b\0")}},
        {{"a", BYTES("")}},
        {{"a", BYTES("b")}, {"c", BYTES("d")}},
        {{"a", BYTES("bc")}, {"d", BYTES("")}},
        {{"a", BYTES("b")}, {"c", BYTES("d\0\1e")}}, /* \1: as PRESENT is told */
        {{"a", BYTES("bc\0\1")}, {"d", BYTES("e")}},
    };
    struct view *v = view_new(0, &device);
    if (how == COUNT(keys))
        v->front = ABSENT;
    if (how == COUNT(keys) + 1)
        view_set_frontend(v, "/local/domain/7/device/vbd/51712");
    if (how > COUNT(keys) + 1)
        view_add(v, BACKEND, "a", how == COUNT(keys) + 2 ? ABSENT : UNREADABLE, NULL, 0);
    for (int i = 0; i < 2 && how < COUNT(keys); i++)
        if (keys[how][i].name)
            view_add(v, BACKEND, keys[how][i].name, PRESENT, keys[how][i].text, keys[how][i].len);
    view_seal(v);
    return v;
}

START_TEST(digests)
{
    enum { DIFFERENT = 12 };
    uint64_t digest[DIFFERENT];
    for (int i = 0; i < DIFFERENT; i++) {
        struct view *v = differs(i);
        digest[i] = view_digest(v);
        for (int j = 0; j < i; j++)
            ck_assert_msg(digest[i] != digest[j], "%d and %d", i, j);
        view_free(v);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("views");
    TCase *t = tcase_create("views");
    tcase_add_test(t, begins);
    tcase_add_test(t, copies);
    tcase_add_loop_test(t, replaces, 0, 4);
    tcase_add_test(t, unites);
    tcase_add_test(t, finds_any_byte);
    tcase_add_test(t, digests);
    suite_add_tcase(s, t);
    return run_suite(s);
}
