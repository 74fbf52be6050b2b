/* SPDX-License-Identifier: MIT */
/* The table of lasting states, over all pairs of states, `online` and owners: beyond its deadlines nothing is
 * silent that waits for somebody, nothing has two lines, and who is blamed is who has to move. And the ages:
 * they are the condition's, not the row's or the worker's. */
#include "schemas/lasting.h"
#include "test/lib/plan_check.h"
#include "test/lib/unit.h"

enum { SINCE = 1000, LATE = 1000 * 1000 };

static const char *const aids[] = {"", " script=/x",
                                   " script=/x hotplug-status=", " script=/x hotplug-status=error",
                                   " script=/x hotplug-status=connected"};

static bool of_the_table(enum finding_code code)
{
    for (size_t i = 0; i < lasting_count; i++)
        if (lasting_lines[i].code == code && lasting_lines[i].who != WAITS_FOR_NOBODY)
            return true;
    return code == FINDING_HOTPLUG_FAILED;
}

static const char *words(char *to, size_t size, const char *more, int online, int b, int f, char *ret_f)
{
    int n = snprintf(to, size, "%s", more[0] ? more + 1 : "-script");
    if (online >= 0)
        n += snprintf(to + n, size - (size_t)n, " online=%d", online);
    if (b >= 0)
        snprintf(to + n, size - (size_t)n, " state=%d", b);
    ret_f[0] = '\0';
    if (f >= 0)
        sprintf(ret_f, "state=%d ring-ref=8 event-channel=9", f);
    return to;
}

static void check_pair(enum owner owner, const char *aid, int online, int b, int f)
{
    char b_words[128], f_words[64];
    struct scene s = {.owner = owner,
                      .b = words(b_words, sizeof b_words, aid, online, b, f, f_words),
                      .f = f_words,
                      .now = LATE,
                      .rest = {.row_since = SINCE}};
    if (owner == OWNER_XENRECON && b >= 2)
        s.marker = (struct scene_marker){OURS, (enum xenbus_state)b, b == 4 ? RING_A : NULL};
    scene_lasts(&s, SINCE);
    struct policy *p = scene_policy(&s);
    struct view *v = scene_view(&s);
    struct memory m = scene_memory(&s);
    struct object o;
    struct plan *plan = scene_decide_with(&s, p, v, &m, &o);
    /* once more as the row that decided, for what goes by the row's age */
    m.row = plan->row;
    m.row_since = SINCE;
    plan_free(plan);
    plan = scene_decide_with(&s, p, v, &m, &o);
    unsigned lines = 0;
    for (size_t i = 0; i < plan->n_findings; i++) {
        const struct finding *x = &plan->findings[i];
        if (!of_the_table(x->code))
            continue;
        lines++;
        ck_assert_msg(x->who != WAITS_FOR_NOBODY || plan->row == ROW_INCOMPLETE_DIR,
                      "%s: nobody is named for online %d B %d F %d", finding_code_name(x->code), online, b,
                      f);
    }
    bool well = online == 1 && b == 4 && f == 4;
    ck_assert_msg(lines <= 1, "%s: %u lines for online %d B %d F %d%s", owner_name(owner), lines, online, b,
                  f, aid);
    ck_assert_msg(well || plan->n_findings || plan->n_actions || plan->requeue_acts,
                  "%s: silent at online %d B %d F %d%s, row %s", owner_name(owner), online, b, f, aid,
                  row_name(plan->row));
    ck_assert_msg(!well || strstr(aid, "status=error") || !plan->n_findings ||
                      plan->findings[0].severity == SEVERITY_INFO,
                  "%s: blamed, and well%s", owner_name(owner), aid);
    plan_free(plan);
    view_free(v);
    policy_free(p);
}

START_TEST(every_pair)
{
    for (enum owner owner = OWNER_XENRECON; owner <= OWNER_EXTERNAL; owner++)
        for (size_t a = 0; a < sizeof aids / sizeof *aids; a++)
            for (int online = -1; online <= 1; online++)
                for (int b = -1; b <= 8; b++)
                    for (int f = -1; f <= 8; f++)
                        check_pair(owner, aids[a], online, b, f);
}
END_TEST

/* Every combination has a line, and every line is some combination's. */
START_TEST(no_line_is_idle)
{
    bool used[64] = {false};
    for (unsigned owner = 1; owner <= BY_OTHERS; owner *= 2)
        for (unsigned online = 1; online <= IS_NEITHER; online *= 2)
            for (unsigned b = 1; b < IN_UNREAD; b *= 2)
                for (unsigned f = 1; f <= IN_UNREAD; f *= 2)
                    for (unsigned aid = 1; aid <= AID_TODO; aid *= 2) {
                        const struct lasting *l = lasting_find(owner, online, b, f, aid);
                        ck_assert_msg(l, "no line for %u %u %x %x %u", owner, online, b, f, aid);
                        used[l - lasting_lines] = true;
                    }
    for (size_t i = 0; i < lasting_count; i++)
        ck_assert_msg(used[i], "never: %s", lasting_lines[i].words);
}
END_TEST

static const struct {
    const char *b, *f, *who;
    enum owner owner;
    enum finding_code code;
} blamed[] = {
    {"online=1 state=2", "state=5", "backend", OWNER_KERNEL, FINDING_STUCK_CLOSE},
    {"online=1 state=2 script=/x hotplug-status=", "state=4", "script", OWNER_KERNEL,
     FINDING_HOTPLUG_INCOMPLETE},
    {"online=1 state=4", "state=3", "frontend", OWNER_KERNEL, FINDING_STUCK_CONNECT},
    {"online=1 state=6", "state=1", "backend", OWNER_KERNEL, FINDING_STUCK_CONNECT},
    {"online=0 state=4", "state=4", "backend", OWNER_EXTERNAL, FINDING_STUCK_DETACH},
    {"online=0 state=5", "state=4", "frontend", OWNER_EXTERNAL, FINDING_STUCK_DETACH},
    {"online=0 state=6", "state=6", "toolstack", OWNER_EXTERNAL, FINDING_NOT_REMOVED},
    {"online=1 state=7", "state=4", "backend", OWNER_KERNEL, FINDING_STUCK_RECONFIGURE},
    {"online=1 state=8", "state=4", "frontend", OWNER_KERNEL, FINDING_STUCK_RECONFIGURE},
};

START_TEST(who_is_waited_for)
{
    struct scene s = {.owner = blamed[_i].owner, .b = blamed[_i].b, .f = blamed[_i].f, .now = LATE};
    scene_lasts(&s, SINCE);
    struct run r = run_decide(&s);
    ck_assert_uint_eq(r.plan->n_findings, 1);
    ck_assert_str_eq(finding_code_name(r.plan->findings[0].code), finding_code_name(blamed[_i].code));
    ck_assert_str_eq(waits_for_name(r.plan->findings[0].who), blamed[_i].who);
    ck_assert_uint_eq(r.plan->findings[0].since, SINCE);
    run_free(&r);
}
END_TEST

/* What would end what lasts leads on: from each place, one change after the other, to where nobody is waited
 * for, or to the removal of the device. */
struct lasting_place {
    unsigned owner, online, b, f, aid;
};

static void end_it(struct lasting_place *x, const char *ends)
{
    const char *value = strstr(ends, "/state=") ? strchr(ends, '=') : NULL;
    unsigned state = value ? lasting_state((enum xenbus_state)(value[1] - '0')) : 0;
    if (strcmp(ends, "worker") == 0 || strncmp(ends, "B/hotplug-status=", 17) == 0)
        x->aid = AID_FINE;
    else if (strcmp(ends, "B/online=1") == 0)
        x->online = IS_ON;
    else if (strncmp(ends, "B/state=", 8) == 0)
        x->b = state;
    else if (strncmp(ends, "F/state=", 8) == 0)
        x->f = state;
    else
        ck_abort_msg("what is %s?", ends);
}

static void check_end(struct lasting_place x)
{
    const struct lasting_place from = x;
    for (int steps = 0; steps < 20; steps++) {
        const struct lasting *l = lasting_find(x.owner, x.online, x.b, x.f, x.aid);
        if (l->who == WAITS_FOR_NOBODY || strcmp(l->ends, "B") == 0)
            return;
        struct lasting_place before = x;
        end_it(&x, l->ends);
        ck_assert_msg(memcmp(&before, &x, sizeof x) != 0, "%s changes nothing at online %u B %x F %x",
                      l->ends, x.online, x.b, x.f);
    }
    ck_abort_msg("no end from online %u B %x F %x, aid %u", from.online, from.b, from.f, from.aid);
}

START_TEST(what_would_end_it_leads_to_an_end)
{
    for (unsigned owner = 1; owner <= BY_OTHERS; owner *= 2)
        for (unsigned online = 1; online <= IS_NEITHER; online *= 2)
            for (unsigned b = 1; b < IN_UNREAD; b *= 2)
                for (unsigned f = 1; f < IN_UNREAD; f *= 2)
                    for (unsigned aid = 1; aid <= AID_TODO; aid *= 2)
                        check_end((struct lasting_place){owner, online, b, f, aid});
}
END_TEST

/* ---- ages ---- */

/* A worker that is ready, and never answers: connecting, killed, dead, started again, without an end. */
START_TEST(age_outlives_workers)
{
    static const enum worker_state life[] = {WORKER_READY, WORKER_CONNECTING, WORKER_DEAD, WORKER_STARTING};
    struct scene s = {.more = "worker: {command: [/w]}",
                      .b = "online=1 state=2",
                      .f = "state=3 " RING_A,
                      .marker = {OURS, XENBUS_INIT_WAIT, NULL},
                      .now = SINCE};
    struct worker w = {.incarnation = 0x1111};
    s.worker = &w;
    unsigned looks = 0;
    bool was_stuck = false;
    for (int round = 0; round < 40; round++) {
        w.state = life[round % 4];
        w.failures = (uint32_t)round / 4;
        w.died = round >= 4 ? "did not answer `connect` within 60.0 s" : NULL;
        w.said = w.state == WORKER_DEAD ? "did not answer `connect` within 60.0 s" : NULL;
        s.phase = OBJECT_READY;
        struct run r = run_decide(&s);
        ck_assert_int_eq(r.plan->condition.wanted, WANTED_CONNECTED);
        ck_assert_uint_eq(r.plan->condition.wanted_since, SINCE);
        ck_assert_uint_eq(r.plan->condition.who_since, SINCE);
        bool error = false, stuck = false;
        s.rest.n_said = 0;
        for (size_t i = 0; i < r.plan->n_findings; i++) {
            const struct finding *f = &r.plan->findings[i];
            error |= f->severity == SEVERITY_ERROR;
            stuck |= f->code == FINDING_STUCK_CONNECT;
            s.rest.said[s.rest.n_said++] = (struct said){f->code, f->since};
        }
        ck_assert_msg(s.now < SINCE + 60000 || error, "nothing is found at %llu", (unsigned long long)s.now);
        ck_assert_msg(stuck || !was_stuck, "it has ended at %llu, in row %s", (unsigned long long)s.now,
                      row_name(r.plan->row));
        was_stuck = stuck;
        s.rest.condition = r.plan->condition;
        s.rest.row = r.plan->row;
        run_free(&r);
        s.now += 20000;
        looks++;
    }
    ck_assert_uint_eq(looks, 40);
    ck_assert(was_stuck);
    /* it ends when it serves */
    w = (struct worker){.state = WORKER_CONNECTED, .incarnation = 0x1111, .ring = scene_ring(RING_A)};
    s.b = "online=1 state=4";
    s.f = "state=4 " RING_A;
    s.marker = (struct scene_marker){OURS, XENBUS_CONNECTED, RING_A};
    s.phase = OBJECT_CONNECTED;
    struct run r = run_decide(&s);
    ck_assert_uint_eq(r.plan->condition.wanted_since, 0);
    ck_assert_uint_eq(r.plan->n_findings, 0);
    run_free(&r);
}
END_TEST

/* What cannot be read for a moment is no end of it. */
START_TEST(age_outlives_what_cannot_be_read)
{
    struct scene s = {.b = "online=1 state? ", .f = "state=1", .now = LATE};
    s.rest.condition = (struct condition){WANTED_CONNECTED, true, WAITS_FOR_FRONTEND, SINCE, SINCE};
    struct run r = run_decide(&s);
    ck_assert_int_eq(r.plan->row, ROW_UNREADABLE);
    ck_assert_uint_eq(r.plan->condition.wanted_since, SINCE);
    ck_assert_uint_eq(r.plan->condition.who_since, SINCE);
    run_free(&r);
}
END_TEST

/* B tells what it tells, also where F is not known. */
static const struct {
    const char *b, *finds;
} alone[] = {
    {"online=1 state=1", "unclaimed-backend"},
    {"online=1 state=4 script=/x hotplug-status=connected", ""},
    {"online=1 state=2 script=/x hotplug-status=error hotplug-error=x", "hotplug-failed"},
    {"online=1 state=2 script=/x hotplug-status=", "hotplug-incomplete"},
    {"online=0 state=4", "stuck-detach"},
    {"online=0 state=6", "not-removed"},
};

START_TEST(without_the_frontend)
{
    struct scene s = {.owner = OWNER_KERNEL, .b = alone[_i].b, .f = "state?"};
    struct run r = run_decide(&s);
    ck_assert_int_eq(r.plan->row, ROW_STEADY);
    const char *found = "";
    for (size_t i = 0; i < r.plan->n_findings; i++)
        if (r.plan->findings[i].code != FINDING_UNREADABLE)
            found = finding_code_name(r.plan->findings[i].code);
    ck_assert_str_eq(found, alone[_i].finds);
    run_free(&r);
    s.f = "state=4"; /* no marker is needed of somebody else's device */
    s.b = "online=1 state=4 xenrecon?";
    r = run_decide(&s);
    ck_assert_uint_eq(r.plan->n_findings, 0);
    run_free(&r);
}
END_TEST

/* Another client spoils every transaction. */
START_TEST(contended)
{
    struct scene s = {.b = "online=1 state=2", .f = "state=1", .marker = {OURS, XENBUS_INIT_WAIT, NULL}};
    s.phase = OBJECT_READY;
    for (int late = 0; late < 2; late++) {
        s.now = 20000;
        s.rest.contended_since = late ? 10000 : 10001;
        struct run r = run_decide(&s);
        ck_assert_int_eq((int)r.plan->n_findings, late);
        ck_assert(!late || r.plan->findings[0].code == FINDING_CONTENDED);
        run_free(&r);
    }
}
END_TEST

/* ---- the manual has the table ---- */

static void print_set(FILE *to, const char *what, unsigned set)
{
    const char *between = "";
    fprintf(to, "%s ", what);
    for (int state = XENBUS_ABSENT; state < XENBUS_STATE_COUNT; state++)
        if ((set & IN_ALL) != IN_ALL && set & lasting_state((enum xenbus_state)state)) {
            fprintf(to, "%s%s", between, xenbus_state_name((enum xenbus_state)state));
            between = ", ";
        }
    fprintf(to, "%s", (set & IN_ALL) == IN_ALL ? "any" : set == IN_UNREAD ? "unknown" : "");
}

static void print_words(FILE *to, const char *words)
{
    for (; *words; words++)
        if (*words == '%')
            fprintf(to, "*%c*", *++words == 'b' ? 'B' : 'F');
        else if (*words == '`')
            fputc('*', to);
        else
            fputc(*words, to);
}

static void print_line(FILE *to, const struct lasting *l)
{
    static const char *const owners[] = {
        [BY_US] = "*owner: xenrecon*; ", [BY_OTHERS] = "other owners; ", [BY_ANY] = ""};
    static const char *const online[] = {
        [IS_ON] = "1", [IS_OFF] = "0", [IS_NEITHER] = "absent", [IS_ON | IS_OFF] = "0 or 1"};
    static const char *const aid[] = {[AID_SILENT] = "; *hotplug-status* absent",
                                      [AID_TODO] =
                                          "; *hotplug-status* empty, or a worker that does not serve",
                                      [AID_FINE | AID_SILENT] = "; with what it needs"};
    fprintf(to, "%s%s\n\t%s", l->who == WAITS_FOR_NOBODY ? "Nobody" : "The ",
            l->who == WAITS_FOR_NOBODY ? "" : waits_for_name(l->who), owners[l->owners]);
    print_set(to, "B", l->b);
    print_set(to, "; F", l->f);
    fprintf(to, "; *online* %s%s.", online[l->online], l->aid == AID_ANY ? "" : aid[l->aid]);
    if (l->who != WAITS_FOR_NOBODY) {
        fprintf(to, " *%s*: ", finding_code_name(l->code));
        print_words(to, l->words);
        fprintf(to, ". Ends with %s.",
                strcmp(l->ends, "B") == 0        ? "the removal of B"
                : strcmp(l->ends, "worker") == 0 ? "a worker that serves"
                                                 : l->ends);
    }
    fputs("\n\n", to);
}

/* With LASTING=FILE the table is written there, to be put into the page. */
START_TEST(manual_has_the_table)
{
    static const char heading[] = "# WHO IS WAITED FOR\n\n";
    const char *file = getenv("LASTING");
    char *text = NULL, *page = file_text("deploy/man/xenrecon-findings.7.scd", &(size_t){0});
    size_t len = 0;
    FILE *to = open_memstream(&text, &len);
    fputs("The first that fits, once its deadline is over:\n\n", to);
    for (size_t i = 0; i < lasting_count; i++)
        print_line(to, &lasting_lines[i]);
    fclose(to);
    if (file) {
        to = fopen(file, "w");
        fputs(text, to);
        fclose(to);
    }
    const char *there = strstr(page, heading);
    ck_assert_ptr_nonnull(there);
    there += strlen(heading);
    ck_assert_msg(
        strncmp(there, text, len) == 0 && strncmp(there + len, "# ", 2) == 0,
        "the table in xenrecon-findings(7) is not that of schemas/lasting.h: LASTING=FILE writes it");
    free(text);
    free(page);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("lasting");
    TCase *t = tcase_create("lasting");
    tcase_add_test(t, every_pair);
    tcase_add_test(t, no_line_is_idle);
    tcase_add_test(t, what_would_end_it_leads_to_an_end);
    tcase_add_loop_test(t, who_is_waited_for, 0, COUNT(blamed));
    tcase_add_test(t, age_outlives_workers);
    tcase_add_test(t, age_outlives_what_cannot_be_read);
    tcase_add_loop_test(t, without_the_frontend, 0, COUNT(alone));
    tcase_add_test(t, contended);
    tcase_add_test(t, manual_has_the_table);
    suite_add_tcase(s, t);
    return run_suite(s);
}
