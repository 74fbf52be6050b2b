/* SPDX-License-Identifier: MIT */
/* What outlives the daemon: all of it comes back as it was, for the same device only, and no line that
 * somebody has spoilt does any harm. */
#include "reconcilers/ages_line.h"
#include "test/lib/scene.h"
#include "test/lib/unit.h"

enum { NOW = 5000000, SINCE = 1000000 };

static struct memory full(void)
{
    return (struct memory){.condition = {WANTED_CONNECTED, false, WAITS_FOR_BACKEND, SINCE, SINCE + 1},
                           .said = {{FINDING_WORKER_DIED, SINCE + 2}, {FINDING_STUCK_CONNECT, SINCE + 3}},
                           .n_said = 2,
                           .contended_since = SINCE + 4,
                           .row = ROW_CONNECT,
                           .row_since = SINCE + 5,
                           .failure = {-28, 7, ROW_CONNECT, NOW + 100, UINT64_C(0x123456789abcdef0)},
                           .object = {.cycles = 3,
                                      .cycles_since = SINCE + 6,
                                      .script = {.added = true,
                                                 .removing = true,
                                                 .failures = 9,
                                                 .error = -5,
                                                 .until = NOW + 200,
                                                 .said = "100% of a, b=c\n\x01 and \xff"}}};
}

static const struct scene marked = {
    .b = "state=2", .f = "state=1", .marker = {OURS, XENBUS_INIT_WAIT, NULL}, .now = NOW};
static const struct scene unmarked = {.b = "state=1", .f = "state=1", .now = NOW};

/* Everything that is kept is the same. */
static void same_memory(const struct memory *a, const struct memory *b)
{
    ck_assert_int_eq(a->condition.wanted, b->condition.wanted);
    ck_assert_int_eq(a->condition.who, b->condition.who);
    ck_assert_uint_eq(a->condition.wanted_since, b->condition.wanted_since);
    ck_assert_uint_eq(a->condition.who_since, b->condition.who_since);
    ck_assert_uint_eq(a->n_said, b->n_said);
    for (size_t i = 0; i < a->n_said; i++) {
        ck_assert_int_eq(a->said[i].code, b->said[i].code);
        ck_assert_uint_eq(a->said[i].since, b->said[i].since);
    }
    ck_assert_uint_eq(a->contended_since, b->contended_since);
    ck_assert_int_eq(a->row, b->row);
    ck_assert_uint_eq(a->row_since, b->row_since);
    ck_assert_int_eq(a->failure.error, b->failure.error);
    ck_assert_uint_eq(a->failure.attempt, b->failure.attempt);
    ck_assert_int_eq(a->failure.row, b->failure.row);
    ck_assert_uint_eq(a->failure.until, b->failure.until);
    ck_assert_uint_eq(a->failure.digest, b->failure.digest);
    ck_assert_uint_eq(a->object.cycles, b->object.cycles);
    ck_assert_uint_eq(a->object.cycles_since, b->object.cycles_since);
    ck_assert_int_eq(a->object.script.added, b->object.script.added);
    ck_assert_int_eq(a->object.script.removing, b->object.script.removing);
    ck_assert_uint_eq(a->object.script.failures, b->object.script.failures);
    ck_assert_int_eq(a->object.script.error, b->object.script.error);
    ck_assert_uint_eq(a->object.script.until, b->object.script.until);
}

/* The line of a scene with this memory; its length, 0: there is none. */
static size_t line_of(const struct scene *s, const struct memory *m, char line[static AGES_LINE_SIZE])
{
    struct ages a;
    struct view *v = scene_view(s);
    size_t len = ages_of(v, m, &a) ? ages_line_format(&a, line) : 0;
    view_free(v);
    return len;
}

/* Is what a line says taken over for the device of a scene? */
static bool applies(const char *line, size_t len, const struct scene *s, const struct worker *w,
                    struct memory *m)
{
    struct ages a;
    const char *wrong = ages_line_parse(line, len, NOW, &a);
    ck_assert_msg(!wrong, "%.*s: %s", (int)len, line, wrong);
    struct view *v = scene_view(s);
    struct policy *p = scene_policy(s);
    const struct decision_input in = {.policy = p, .view = v, .memory = m, .worker = w, .now = NOW};
    bool same = ages_apply(&a, &in, m);
    policy_free(p);
    view_free(v);
    return same;
}

START_TEST(comes_back)
{
    char line[AGES_LINE_SIZE];
    struct memory before = full(), m = {0};
    size_t len = line_of(&marked, &before, line);
    ck_assert_uint_gt(len, 0);
    ck_assert(!memchr(line, '\n', len));
    ck_assert(applies(line, len, &marked, NULL, &m));
    same_memory(&m, &before);

    struct ages a;
    ck_assert_ptr_null(ages_line_parse(line, len, NOW, &a));
    ck_assert_str_eq(a.said, before.object.script.said);
}
END_TEST

/* What a device is like that nothing is wrong with. */
START_TEST(nothing_is_kept)
{
    char line[AGES_LINE_SIZE];
    struct memory m = {.condition = {.wanted = WANTED_CONNECTED},
                       .row = ROW_STEADY,
                       .row_since = SINCE,
                       .object = {.phase = OBJECT_CONNECTED, .incarnation = 1, .phase_since = SINCE}};
    ck_assert_uint_eq(line_of(&marked, &m, line), 0);
    ck_assert_uint_eq(line_of(&unmarked, &m, line), 0);
}
END_TEST

/* Each part alone is a reason to keep something, and comes back alone. */
START_TEST(each_part)
{
    const struct memory all = full();
    struct memory parts[8];
    char line[AGES_LINE_SIZE];
    memset(parts, 0, sizeof parts);
    parts[0].condition = (struct condition){WANTED_GONE, false, WAITS_FOR_NOBODY, SINCE, 0};
    parts[1].condition = (struct condition){WANTED_NOTHING, false, WAITS_FOR_SCRIPT, 0, SINCE};
    parts[2].n_said = 1;
    parts[2].said[0] = all.said[1];
    parts[3].contended_since = SINCE;
    parts[4].failure = all.failure;
    parts[5].object.cycles = 1;
    parts[5].object.cycles_since = SINCE;
    parts[6].object.script.added = true;
    parts[7].object.script.failures = 1;
    for (int i = 0; i < COUNT(parts); i++) {
        struct memory m = {0};
        size_t len = line_of(&unmarked, &parts[i], line);
        ck_assert_msg(len, "part %d", i);
        ck_assert(applies(line, len, &unmarked, NULL, &m));
        same_memory(&m, &parts[i]);
    }
}
END_TEST

/* As many findings as are remembered, and all that a script can say, fit. */
START_TEST(fits)
{
    struct memory before = full(), m = {0};
    char line[AGES_LINE_SIZE], said[600];
    memset(said, 1, sizeof said - 1);
    said[sizeof said - 1] = '\0';
    before.object.script.said = said;
    for (before.n_said = 0; before.n_said < SAID_MAX; before.n_said++)
        before.said[before.n_said] = (struct said){(enum finding_code)before.n_said, SINCE};
    size_t len = line_of(&marked, &before, line);
    ck_assert_uint_lt(len, sizeof line);
    ck_assert(applies(line, len, &marked, NULL, &m));
    same_memory(&m, &before);
}
END_TEST

/* A device with a marker is the same whatever has become of it, and another incarnation is another. */
START_TEST(marker)
{
    char line[AGES_LINE_SIZE];
    struct memory before = full(), m = {0};
    struct scene s = marked;
    size_t len = line_of(&marked, &before, line);
    s.b = "state=5";
    s.f = "state=4";
    ck_assert(applies(line, len, &s, NULL, &m));
    ck_assert_uint_eq(m.condition.wanted_since, SINCE);
    s = marked;
    s.marker.whose = THEIRS;
    m = (struct memory){0};
    before.object.script.added = false;
    len = line_of(&marked, &before, line);
    ck_assert(!applies(line, len, &s, NULL, &m));
    ck_assert_uint_eq(m.condition.wanted_since, 0);
    ck_assert(!applies(line, len, &unmarked, NULL, &m));
    s.raw_marker = "rubbish";
    ck_assert(!applies(line, len, &s, NULL, &m));
    s.raw_marker = NULL;
    s.b = "state=2 xenrecon?";
    s.marker.whose = NOBODY;
    ck_assert(!applies(line, len, &s, NULL, &m));
}
END_TEST

/* One without must be as it was. */
START_TEST(ends)
{
    static const char *const others[][2] = {{"state=2", "state=1"},
                                            {"state=1", "state=4"},
                                            {"state=1 online=0", "state=1"},
                                            {"state=1 frontend=/local/domain/7/device/vbd/9", "state=1"},
                                            {"state=1 script=/another", "state=1"},
                                            {"state=1 frontend?", "state=1"}};
    char line[AGES_LINE_SIZE];
    struct memory before = full();
    before.object.script.added = false;
    size_t len = line_of(&unmarked, &before, line);
    for (int i = 0; i < COUNT(others); i++) {
        struct memory m = {0};
        struct scene s = unmarked;
        s.b = others[i][0];
        s.f = others[i][1];
        ck_assert_msg(!applies(line, len, &s, NULL, &m), "%s, %s", s.b, s.f);
        ck_assert_uint_eq(m.condition.wanted_since, 0);
    }
}
END_TEST

/* A script's work outlives a change of the ends, but a status that is empty is that of a new device. */
START_TEST(script)
{
    char line[AGES_LINE_SIZE];
    struct memory before = {.object.script = {.added = true}}, m = {0};
    struct scene s = {.owner = OWNER_KERNEL, .b = "state=2 script=/x", .f = "state=1", .now = NOW};
    size_t len = line_of(&s, &before, line);
    ck_assert_uint_gt(len, 0);
    s.b = "state=5 script=/x";
    s.f = "state=4";
    ck_assert(applies(line, len, &s, NULL, &m));
    ck_assert(m.object.script.added);
    m = (struct memory){0};
    s.b = "state=2 script=/x hotplug-status=";
    ck_assert(!applies(line, len, &s, NULL, &m));
    ck_assert(!m.object.script.added);
    s.b = "state=2 script=/y";
    ck_assert(!applies(line, len, &s, NULL, &m));
    ck_assert(!m.object.script.added);
}
END_TEST

/* A worker that was started for a device without a marker is still its worker. */
START_TEST(object)
{
    static const struct worker dead = {.state = WORKER_DEAD, .incarnation = 0xabc, .failures = 4};
    char line[AGES_LINE_SIZE];
    struct memory m = {0}, before = {.object = {.phase = OBJECT_STARTING,
                                                .incarnation = 0xabc,
                                                .command = UINT64_C(0xfedcba9876543210),
                                                .unpublished = true}};
    struct scene s = unmarked;
    s.more = "worker: {command: [/bin/true]}";
    size_t len = line_of(&s, &before, line);
    ck_assert(applies(line, len, &s, &dead, &m));
    ck_assert_uint_eq(m.object.incarnation, before.object.incarnation);
    ck_assert_uint_eq(m.object.command, before.object.command);
    ck_assert(m.object.unpublished);
    m = (struct memory){0};
    applies(line, len, &s, NULL, &m); /* a dry run has no workers */
    ck_assert_int_eq(m.object.phase, OBJECT_NONE);
    applies(line, len, &unmarked, &dead, &m); /* the policy has none any more */
    ck_assert_int_eq(m.object.phase, OBJECT_NONE);
}
END_TEST

/* A backoff that was longer than it can be today is cut. */
START_TEST(backoff)
{
    char line[AGES_LINE_SIZE];
    struct memory before = full(), m = {0};
    before.failure.until = NOW + UINT32_MAX;
    size_t len = line_of(&marked, &before, line);
    ck_assert(applies(line, len, &marked, NULL, &m));
    ck_assert_uint_le(m.failure.until, NOW + 1000 * 1000);
}
END_TEST

#define GOOD "qdisk/7/51712 marker=0000000000001111 ends=2,1,1"

START_TEST(refused)
{
    static const char *const lines[] = {
        "",
        " ",
        "qdisk/7/51712",
        "qdisk/7 marker=0000000000001111",
        "../7/1 marker=0000000000001111",
        "qdisk/7/51712 ends=2,1,1",
        "qdisk/7/51712 marker=0000000000001111",
        "qdisk/7/51712 marker=0000000000000000 ends=2,1,1",
        "qdisk/7/51712 marker=000000000000111 ends=2,1,1",
        "qdisk/7/51712 marker=000000000000111G ends=2,1,1",
        "qdisk/7/51712 marker=0000000000001111,1 ends=2,1,1",
        "qdisk/7/51712 values=0000000000001111 marker=0000000000001111",
        "qdisk/7/51712 marker=0000000000001111 values=0000000000001111",
        GOOD " ",
        GOOD "  wanted=gone",
        GOOD " wanted",
        GOOD " wanted=",
        GOOD " wanted=rich,1",
        GOOD " wanted=gone,",
        GOOD " wanted=gone,0",
        GOOD " wanted=gone,01",
        GOOD " wanted=gone,-1",
        GOOD " wanted=gone,5000001",
        GOOD " wanted=gone,18446744073709551617",
        GOOD " wanted=gone,1,1",
        GOOD " wanted=gone,1 wanted=gone,1",
        GOOD " who=,1",
        GOOD " who=backend",
        GOOD " row=nothing,1",
        GOOD " row=steady",
        GOOD " contended=0",
        GOOD " cycles=256,1",
        GOOD " cycles=1",
        GOOD " object=0000000000000000,0000000000000001",
        GOOD " script=2,0,0,0,0",
        GOOD " script=1,0,0,1,0",
        GOOD " script=1,0,0,-5000,0",
        GOOD " script=1,0,0,0,99999999999",
        GOOD " failed=steady,1,0,1,0000000000000001",
        GOOD " failed=steady,1,28,1,0000000000000001",
        GOOD " failed=steady,1,--28,1,0000000000000001",
        GOOD " found=nothing,1",
        GOOD " found=orphan",
        GOOD " found=orphan,1 found=orphan,1",
        GOOD " found=orphan,1 found=leak,1 found=unwatched,1 found=contended,1 found=flapping,1"
             " found=unreadable,1 found=bad-value,1 found=no-policy,1 found=not-listed,1",
        GOOD " said=",
        GOOD " said=%",
        GOOD " said=%4",
        GOOD " said=%00",
        GOOD " said=%zz",
        GOOD " said=a,b",
        GOOD " ends=1,1,1",
        GOOD " news=1",
        "qdisk/7/51712 marker=0000000000001111 ends=-2,1,1",
        "qdisk/7/51712 marker=0000000000001111 ends=2,10,1",
        "qdisk/7/51712 marker=0000000000001111 ends=2,1,2",
        "qdisk/7/51712 marker=0000000000001111 ends=2,1",
    };
    struct ages a;
    for (int i = 0; i < COUNT(lines); i++) {
        char *line = exactly(lines[i], strlen(lines[i]));
        memset(&a, 0x5a, sizeof a);
        ck_assert_msg(ages_line_parse(line, strlen(lines[i]), NOW, &a) != NULL, "%s", lines[i]);
        ck_assert_int_eq(((unsigned char *)&a)[0], 0x5a);
        free(line);
    }
    ck_assert_ptr_null(ages_line_parse(GOOD, strlen(GOOD), NOW, &a));
}
END_TEST

/* Cut anywhere, and with any byte spoilt: it is refused, or says what can be said again. */
START_TEST(spoilt)
{
    char line[AGES_LINE_SIZE], again[AGES_LINE_SIZE];
    struct memory before = full();
    struct ages a;
    size_t len = line_of(&marked, &before, line);
    for (size_t i = 0; i < len; i++) {
        char *cut = exactly(line, i);
        if (!ages_line_parse(cut, i, NOW, &a))
            ck_assert_uint_eq(ages_line_format(&a, again), i);
        free(cut);
        for (int c = 0; c < 256; c++) {
            char *other = exactly(line, len);
            other[i] = (char)c;
            if (!ages_line_parse(other, len, NOW, &a))
                ck_assert_uint_lt(ages_line_format(&a, again), sizeof again);
            free(other);
        }
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("ages");
    TCase *t = tcase_create("ages");
    tcase_add_test(t, comes_back);
    tcase_add_test(t, nothing_is_kept);
    tcase_add_test(t, each_part);
    tcase_add_test(t, fits);
    tcase_add_test(t, marker);
    tcase_add_test(t, ends);
    tcase_add_test(t, script);
    tcase_add_test(t, object);
    tcase_add_test(t, backoff);
    tcase_add_test(t, refused);
    tcase_add_test(t, spoilt);
    suite_add_tcase(s, t);
    return run_suite(s);
}
