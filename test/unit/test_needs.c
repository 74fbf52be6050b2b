/* SPDX-License-Identifier: MIT */
/* What a decision requires was asked for, and what was not asked for changes no decision: for the policies
 * that are shipped, and for made-up ones that declare keys in every way there is. */
#include "reconcilers/needs.h"

#include <check.h>
#include <dirent.h>

#include "reconcilers/decide.h"
#include "test/lib/plan_check.h"
#include "test/lib/unit.h"

#define HEAD "version: 1\ntype: t\nfrontend: vif\n"
#define OURS HEAD "owner: xenrecon\n"
#define KEYS "backend-keys: {a: {required: true}, b: {}, 'c/*': {}}\n"
#define FRONTS \
    "frontend-keys: {d: {required: true}, e: {required: connect}, g: {}, 'h/*': {required: connect}}\n"
#define EITHER                                                                                     \
    "frontend-keys: {d: {required: true, or: g}, e: {required: connect, or: i}, g: {}, i: {}, k: " \
    "{required: connect}}\n"
#define MARKER "0000000000001111 2 -"

static const char *const made_up[] = {
    OURS KEYS FRONTS,
    OURS KEYS FRONTS "worker: {command: [/w, '${a}']}\n",
    OURS KEYS EITHER,
    OURS KEYS EITHER "worker: {command: [/w]}\nqemu: true\n",
    OURS KEYS "handshake: none\nqemu: true\nworker: {command: [/w]}\n",
    OURS KEYS FRONTS "qemu: true\ndestroy: {frontend: true, parents: true}\ncycle: on-closed\n",
    HEAD "owner: kernel\n" KEYS FRONTS "hotplug: {run: true, in-dom0: true}\n",
    HEAD "owner: kernel\n" KEYS "orphan: {action: remove}\n",
    HEAD "owner: external\n" KEYS FRONTS,
};

static struct policy_set policies; /* `list` only: their types are not what tells them apart */

static void add_policy(const char *name, const char *text, size_t len)
{
    struct policy *p;
    struct diagnostic why;
    ck_assert_msg(!policy_parse(name, text, len, &p, &why), "%s: %s", name, why.message);
    policies.list = realloc(policies.list, (policies.n + 1) * sizeof *policies.list);
    policies.list[policies.n++] = p;
}

static void load_policies(void)
{
    DIR *dir = opendir("deploy/policies");
    ck_assert_msg(dir, "run this from the root of the repository");
    for (const struct dirent *e; (e = readdir(dir));) {
        char path[512];
        size_t len;
        if (e->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "deploy/policies/%s", e->d_name);
        char *text = file_text(path, &len);
        add_policy(path, text, len);
        free(text);
    }
    closedir(dir);
    ck_assert_int_ge((int)policies.n, 20);
    for (int i = 0; i < COUNT(made_up); i++)
        add_policy("made up", made_up[i], strlen(made_up[i]));
}

static void free_policies(void)
{
    for (size_t i = 0; i < policies.n; i++)
        policy_free(policies.list[i]);
    free(policies.list);
    policies = (struct policy_set){0};
}

/* What the table looks at, each in every way. */
struct state {
    int online, b, f; /* -1: absent */
    int worker;       /* -1: none is run */
    bool marked, in_dom0, gone;
    uint64_t now;
    enum presence qemu, key; /* `key`: of every declared one */
    bool alternatives;       /* instead of what they stand for */
};

/* Runs through the states: each time another one, until there is none left. */
static bool next(unsigned *at, struct state *s)
{
    unsigned n = (*at)++;
    s->online = (int)(n % 3) - 1, n /= 3;
    s->b = (int)(n % 10) - 1, n /= 10;
    s->f = (int)(n % 10) - 1, n /= 10;
    s->worker = (int)(n % 4) - 1, n /= 4; /* -1, and NONE to READY; DEAD instead of STARTING */
    s->worker = s->worker == WORKER_STARTING ? WORKER_DEAD : s->worker;
    s->marked = n % 2, n /= 2;
    s->in_dom0 = n % 2, n /= 2;
    s->gone = n % 2, n /= 2;
    s->qemu = n % 2 ? UNREADABLE : ABSENT, n /= 2;
    s->key = n % 3, n /= 3;
    s->alternatives = n % 2, n /= 2;
    s->now = 1000;
    return n == 0;
}

static struct needs needs_in(const struct policy *p, const struct state *s, const struct worker *w)
{
    const struct needs_input in = {.policy = p,
                                   .backend_domid = s->in_dom0 ? 0 : 3,
                                   .ends = {s->online, s->b, s->gone ? XENBUS_ABSENT : s->f},
                                   .marked = s->marked,
                                   .domain_gone = s->gone,
                                   .worker = s->worker < 0 ? NULL : w,
                                   .published_unknown = true,
                                   .now = s->now};
    return needs_of(&in);
}

static void what_is_required_was_asked_for(const struct policy *p)
{
    struct state s;
    unsigned keys = 0;
    enum { DECLARED = NEED_BACKEND_DECLARED | NEED_FRONTEND_REQUIRED | NEED_RING };
    for (unsigned at = 0; next(&at, &s);) {
        struct worker worker = {.state = s.worker < 0 ? WORKER_NONE : (enum worker_state)s.worker};
        struct needs n = needs_in(p, &s, &worker);
        ck_assert_msg(!(n.required & ~n.read & ~(unsigned)DECLARED), "%s: required %x, read %x", p->source,
                      n.required, n.read);
        for (enum side side = 0; side < 2; side++)
            for (size_t i = 0; i < p->n_keys[side]; i++) {
                const struct key_spec *spec = &p->keys[side][i];
                if (!needs_requires_key(n.required, side, spec))
                    continue;
                keys++;
                ck_assert_msg(needs_reads_key(n.read, p, side, spec), "%s: %s is required and not read",
                              p->source, spec->name);
            }
    }
    ck_assert_msg(keys || p->owner != OWNER_XENRECON || !p->n_keys[BACKEND], "%s: nothing was required",
                  p->source);
}

static void add_declared(struct view *v, const struct state *s, enum side side, const struct key_spec *spec)
{
    static const char *const values[] = {"1", "disk", "w", "none", "raw:/x", "/x", "virtio,1", "x"};
    char name[64];
    snprintf(name, sizeof name, "%s", spec->name);
    for (char *star; (star = strchr(name, '*'));)
        *star = '0';
    const char *text = values[0];
    for (int i = 0; i < COUNT(values); i++) {
        const struct value value = {PRESENT, values[i], strlen(values[i])};
        if (!key_spec_check(spec, &value))
            text = values[i];
    }
    view_add(v, side, name, spec->alternative && s->alternatives ? ABSENT : s->key, text, strlen(text));
}

/* Of everything, or only of what is read. */
static struct view *view_of(const struct policy *p, const struct state *s, unsigned read)
{
    struct device_key key = {.devid = "0", .domid = 7};
    char path[128];
    snprintf(key.type, sizeof key.type, "%s", p->type);
    snprintf(path, sizeof path, "/local/domain/7/device/%s/0", p->frontend);
    struct view *v = view_new(s->in_dom0 ? 0 : 3, &key);
    v->directory = PRESENT;
    v->domain = s->gone && (read & NEED_FRONTEND_PRESENCE) ? ABSENT : PRESENT;
    v->qemu = read & NEED_DEVICE_MODEL ? s->qemu : ABSENT;
    view_set_frontend(v, path);
    view_add(v, BACKEND, "frontend", PRESENT, path, strlen(path));
    view_add(v, BACKEND, "frontend-id", PRESENT, "7", 1);
    view_add(v, BACKEND, "online", s->online < 0 ? ABSENT : PRESENT, s->online ? "1" : "0", 1);
    view_add(v, BACKEND, "state", s->b < 0 ? ABSENT : PRESENT, s->b < 0 ? "" : xenbus_state_text(s->b), 1);
    view_add(v, BACKEND, MARKER_KEY, s->marked ? PRESENT : ABSENT, MARKER, strlen(MARKER));
    enum xenbus_state f = s->gone ? XENBUS_ABSENT : (enum xenbus_state)s->f;
    view_add(v, FRONTEND, "state", f < 0 ? ABSENT : PRESENT, f < 0 ? "" : xenbus_state_text(f), 1);
    if (read & NEED_BACK_LINK)
        view_add(v, FRONTEND, "backend", PRESENT, v->path[BACKEND], strlen(v->path[BACKEND]));
    if (read & NEED_CARRIER)
        view_add(v, FRONTEND, needs_carrier, s->key, "1", 1);
    for (const char *const *name = needs_hotplug; (read & NEED_HOTPLUG) && *name; name++)
        view_add(v, BACKEND, *name, s->key, "/block", 6);
    for (enum side side = 0; side < 2; side++)
        for (size_t i = 0; i < p->n_keys[side]; i++)
            if (needs_reads_key(read, p, side, &p->keys[side][i]))
                add_declared(v, s, side, &p->keys[side][i]);
    view_seal(v);
    return v;
}

static struct plan *plan_of(const struct policy *p, const struct view *v, const struct worker *w,
                            uint64_t now)
{
    static const struct memory memory;
    struct object object;
    const struct decision_input in = {.policy = p, .view = v, .memory = &memory, .worker = w, .now = now};
    return decide(&in, &object);
}

enum { SOME = 11 }; /* of so many states one is tried, under each policy another one */

/* Where the domain is gone, or a device model is there, is only known to those who read it: a view of
 * everything has what was read of them. */
static void what_was_not_asked_for_changes_nothing(const struct policy *p, unsigned from)
{
    enum { KEYS_OF_POLICY = NEED_BACKEND_DECLARED | NEED_FRONTEND_DECLARED | NEED_BACK_LINK };
    struct state s;
    unsigned rows = 0;
    for (unsigned at = from; next(&at, &s); at += SOME - 1) {
        struct worker worker = {.state = s.worker < 0 ? WORKER_NONE : (enum worker_state)s.worker,
                                .incarnation = 0x1111};
        const struct worker *w = s.worker < 0 || p->owner != OWNER_XENRECON ? NULL : &worker;
        unsigned read = needs_in(p, &s, &worker).read;
        struct view *some = view_of(p, &s, read), *all = view_of(p, &s, read | KEYS_OF_POLICY);
        struct plan *of_some = plan_of(p, some, w, s.now), *of_all = plan_of(p, all, w, s.now);
        plan_assert_same(of_some, of_all, p->source);
        rows |= of_some->row == ROW_STEADY || of_some->row == ROW_CONNECT;
        plan_free(of_some);
        plan_free(of_all);
        view_free(some);
        view_free(all);
    }
    ck_assert(rows);
}

START_TEST(each_required_was_asked_for)
{
    for (size_t i = 0; i < policies.n; i++)
        what_is_required_was_asked_for(policies.list[i]);
}
END_TEST

START_TEST(all_else_changes_nothing)
{
    for (size_t i = 0; i < policies.n; i++)
        what_was_not_asked_for_changes_nothing(policies.list[i], (unsigned)i % SOME);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("needs");
    TCase *tc = tcase_create("needs");
    tcase_add_unchecked_fixture(tc, load_policies, free_policies);
    tcase_add_test(tc, each_required_was_asked_for);
    tcase_add_test(tc, all_else_changes_nothing);
    suite_add_tcase(s, tc);
    return run_suite(s);
}
