/* SPDX-License-Identifier: MIT */
/* Which devices write to one image: how images are named, and who is told of whom while they come and go. */
#include "reconcilers/image.h"
#include "test/lib/unit.h"

static struct value text(const char *s)
{
    return s ? (struct value){PRESENT, s, strlen(s)} : (struct value){0};
}

static struct image named(const char *params, const char *mode, const char *type, const char *device)
{
    const struct image_keys keys = {text(params), text(mode), text(type), text(device)};
    return image_of(0, &keys);
}

static uint64_t by_params(const char *params)
{
    return named(params, "w", "disk", NULL).names[IMAGE_BY_PARAMS];
}

START_TEST(names)
{
    static const struct {
        const char *one, *other;
        bool same;
    } cases[] = {
        {"/a/b", "raw:/a/b", true},       {"aio:/a/b", "phy:/a/b", true}, {"file:/a//b", "/a/b", true},
        {"/./a/b/.", "/a/b", true},       {"tap:aio:/a/b", "/a/b", true}, {"qcow2:/a/b", "vhd:/a/b", true},
        {"qcow2:/a/b", "raw:/a/b", true}, {"/a/b", "/a/c", false},        {"/a/b", "/ab", false},
        {"/a/bc", "/a/b", false},         {"/a/..b", "/a/b", false},      {"/a/../b", "/b", false},
        {"nbd:h:1", "nbd:h:1", true},     {"nbd:h:1", "nbd:h:2", false},  {"rbd:a/b", "rbd:a//b", false},
        {"/A/b", "/a/b", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        ck_assert_msg((by_params(cases[i].one) == by_params(cases[i].other)) == cases[i].same, "%s and %s",
                      cases[i].one, cases[i].other);
}
END_TEST

START_TEST(who_writes)
{
    static const char *const none[] = {NULL, "", "raw:", "aio:", "empty:"};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        ck_assert_uint_eq(by_params(none[i]), 0);
    ck_assert_uint_eq(named("/a", "r", "disk", "fd:1").names[IMAGE_BY_PARAMS], 0);
    ck_assert_uint_eq(named("/a", "r", "disk", "fd:1").names[IMAGE_ITSELF], 0);
    ck_assert_uint_eq(named("/a", NULL, "disk", NULL).names[IMAGE_BY_PARAMS], 0);
    ck_assert_uint_eq(named("/a", "w", "cdrom", NULL).names[IMAGE_BY_PARAMS], 0);
    ck_assert(named("/a", "w!", "disk", NULL).shared && !named("/a", "w", "disk", NULL).shared);
    ck_assert(named("vmdk:/a", "w", "disk", NULL).formatted && !named("aio:/a", "w", NULL, NULL).formatted);
    ck_assert_uint_eq(named("/a", "w", "disk", "fd:1").names[IMAGE_ITSELF], image_name(0, "device:fd:1"));
    ck_assert_uint_ne(image_name(0, "device:fd:1"),
                      image_name(1, "device:fd:1")); /* another host, as it were */
}
END_TEST

/* ---- the index ---- */

enum { DEVICES = 60 };

static struct image_index x;
static const struct image nothing;
static struct device_key keys[DEVICES];
static struct image_holder holders[DEVICES];
static const struct device_key *known[DEVICES]; /* the other, as each was told last */
static unsigned told;

static void on_met(void *arg, struct image_holder *h)
{
    ck_assert_ptr_eq(arg, &x);
    known[h - holders] = image_index_other(h).with;
    told++;
}

static void set(int i, struct image image)
{
    keys[i].domid = (uint16_t)i;
    holders[i].device = &keys[i];
    told = 0;
    image_index_set(&x, &holders[i], &image, on_met, &x);
    known[i] = image_index_other(&holders[i]).with;
}

/* Nobody was forgotten: what each knows is so still, and true. */
static void check_all(void)
{
    for (int i = 0; i < DEVICES; i++) {
        const struct image *a = &holders[i].image;
        bool any = false, found = false;
        for (int k = 0; k < DEVICES; k++)
            for (int n = 0; n < IMAGE_NAMES; n++) {
                bool shares = k != i && a->names[n] && a->names[n] == holders[k].image.names[n];
                any |= shares;
                found |= shares && known[i] == &keys[k];
            }
        ck_assert_ptr_eq(known[i], image_index_other(&holders[i]).with);
        ck_assert_msg(found == any && (known[i] != NULL) == any, "device %d", i);
    }
}

START_TEST(come_and_go)
{
    unsigned most = 0;
    srand(1);
    for (int step = 0; step < 20000; step++) {
        struct image image = nothing;
        for (int n = 0; n < IMAGE_NAMES; n++)
            image.names[n] = rand() % 3 ? (unsigned)rand() % 12 << 1 : 0;
        set(rand() % DEVICES, rand() % 4 ? image : nothing);
        most = told > most ? told : most;
        check_all();
    }
    ck_assert_uint_le(most, 8); /* however many write to one */
    for (int i = 0; i < DEVICES; i++)
        set(i, nothing);
    ck_assert_uint_eq(x.n, 0);
    image_index_finish(&x);
}
END_TEST

START_TEST(meant)
{
    set(0, named("/a", "w!", "disk", NULL));
    set(1, named("/a", "w!", "disk", NULL));
    ck_assert_ptr_null(known[0]);
    ck_assert_ptr_null(known[1]);
    set(1, named("/a", "w", "disk", NULL)); /* the other does not know */
    ck_assert_ptr_eq(known[0], &keys[1]);
    ck_assert_ptr_eq(known[1], &keys[0]);
    ck_assert(!image_index_other(&holders[0]).formatted);
    set(0, named("qcow2:/a", "w", "disk", NULL)); /* one takes it for more than raw */
    ck_assert(image_index_other(&holders[0]).formatted && image_index_other(&holders[1]).formatted);
    set(0, nothing);
    ck_assert_ptr_null(known[1]);
    set(1, nothing);
    image_index_finish(&x);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("image");
    TCase *t = tcase_create("names");
    tcase_add_test(t, names);
    tcase_add_test(t, who_writes);
    suite_add_tcase(s, t);
    t = tcase_create("index");
    tcase_add_test(t, come_and_go);
    tcase_add_test(t, meant);
    suite_add_tcase(s, t);
    return run_suite(s);
}
