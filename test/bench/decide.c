/* SPDX-License-Identifier: MIT */
/* The decision core alone: how long one decide() takes, situation by situation, and how it grows with the
 * keys of a view and the types of a policy set. Pure layers only.
 *
 *   decide speed              `NAME DECISIONS-PER-SECOND` a line
 *   decide keys N [ROUNDS]    nanoseconds for a decision on a view of N keys (connect keys, all relied on)
 *   decide types N            nanoseconds to find one of N policies
 *   decide count SITUATION N  only makes N decisions: for callgrind */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "reconcilers/decide.h"
#include "schemas/marker.h"

#define HEAD                                                               \
    "version: 1\ntype: qdisk\nfrontend: vbd\nowner: xenrecon\n"            \
    "backend-keys:\n  params: {required: true, match: '^(raw|qcow2):/'}\n" \
    "  mode: {required: true, enum: [r, w]}\n"                             \
    "publish: {feature-flush-cache: 1}\n"                                  \
    "frontend-keys:\n  ring-ref: {type: uint32, required: connect}\n"      \
    "  event-channel: {type: uint32, required: connect}\n"
#define F "/local/domain/7/device/vbd/51712"

struct situation_case {
    const char *name, *online, *b, *f;
    bool marked;
    enum object_phase phase;
    bool front_connected;
};

static const struct situation_case cases[] = {
    {"create", "1", "1", "1", false, OBJECT_NONE, false},
    {"wait", "1", "2", "1", true, OBJECT_READY, false},
    {"connect", "1", "2", "3", true, OBJECT_READY, false},
    {"steady", "1", "4", "4", true, OBJECT_CONNECTED, true},
    {"closing", "1", "4", "5", true, OBJECT_CONNECTED, true},
    {"closed", "1", "5", "6", true, OBJECT_READY, false},
    {"destroy", "0", "6", "6", true, OBJECT_READY, false},
};
enum { CASES = sizeof cases / sizeof *cases };

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static struct policy *parse(const char *text)
{
    struct policy *p;
    struct diagnostic why;
    if (policy_parse("bench.yaml", text, strlen(text), &p, &why))
        errx(1, "%u: %s", why.line, why.message);
    return p;
}

static void put(struct view *v, enum side side, const char *key, const char *value)
{
    view_add(v, side, key, PRESENT, value, strlen(value));
}

/* extra: so many connect keys besides the two */
static struct view *make_view(const struct situation_case *c, const char *marker, unsigned extra)
{
    static const struct device_key key = {.type = "qdisk", .devid = "51712", .domid = 7};
    struct view *v = view_new(0, &key);
    char name[32];
    v->directory = PRESENT;
    put(v, BACKEND, "frontend", F);
    put(v, BACKEND, "frontend-id", "7");
    put(v, BACKEND, "params", "raw:/disk");
    put(v, BACKEND, "mode", "w");
    put(v, BACKEND, "online", c->online);
    put(v, BACKEND, "state", c->b);
    if (marker)
        put(v, BACKEND, MARKER_KEY, marker);
    view_set_frontend(v, F);
    put(v, FRONTEND, "state", c->f);
    put(v, FRONTEND, "ring-ref", "8");
    put(v, FRONTEND, "event-channel", "9");
    for (unsigned i = 0; i < extra; i++) {
        snprintf(name, sizeof name, "ring/%u", i);
        put(v, FRONTEND, name, "8");
    }
    view_seal(v);
    return v;
}

/* As the daemon remembers it. */
static struct memory memory_of(const struct situation_case *c)
{
    return (struct memory){
        .object = {.phase = c->phase, .incarnation = 1, .front_connected = c->front_connected}};
}

static struct plan *decide_once(const struct policy *p, const struct view *v, const struct memory *m)
{
    struct object ignored;
    struct decision_input in = {.policy = p, .view = v, .memory = m, .now = 1000, .fresh_incarnation = 2};
    return decide(&in, &ignored);
}

/* The marker that a connect writes has the ring's hash in it; other states only their own. */
static void marker_of(const struct policy *p, const struct situation_case *c, unsigned extra,
                      char text[MARKER_SIZE])
{
    static const struct situation_case *const connect = &cases[2];
    struct marker waiting = {.incarnation = 1, .wrote = XENBUS_INIT_WAIT};
    marker_format(&waiting, text);
    if (c->phase != OBJECT_CONNECTED) {
        text[17] = c->b[0];
        return;
    }
    struct view *v = make_view(connect, text, extra);
    struct memory m = memory_of(connect);
    struct plan *plan = decide_once(p, v, &m);
    if (plan->n_actions != 1 || plan->actions[0].n_writes != 2)
        errx(1, "a connect does not connect");
    snprintf(text, MARKER_SIZE, "%s", plan->actions[0].writes[0].value);
    plan_free(plan);
    view_free(v);
}

static void repeat(const struct situation_case *c, const struct policy *p, unsigned extra, unsigned n)
{
    char marker[MARKER_SIZE];
    marker_of(p, c, extra, marker);
    struct view *v = make_view(c, c->marked ? marker : NULL, extra);
    struct memory m = memory_of(c);
    for (unsigned i = 0; i < n; i++)
        plan_free(decide_once(p, v, &m));
    view_free(v);
}

static double fastest(const struct situation_case *c, const struct policy *p, unsigned extra, unsigned n)
{
    double best = 0;
    for (int round = 0; round < 7; round++) {
        double begun = now_ns();
        repeat(c, p, extra, n);
        double took = (now_ns() - begun) / n;
        best = best == 0 || took < best ? took : best;
    }
    return best;
}

static void speed(void)
{
    struct policy *p = parse(HEAD);
    for (int i = 0; i < CASES; i++)
        printf("%s %.0f\n", cases[i].name, 1e9 / fastest(&cases[i], p, 0, 20000));
    policy_free(p);
}

/* A connect, which looks at each connect key, and relies on it. A policy declares 256 keys at most: a view
 * has more where a pattern takes in what a directory holds. */
static void keys(unsigned n)
{
    enum { OTHERS = 10 };
    struct policy *p = parse(HEAD "  ring/*: {type: uint32, required: connect}\n");
    unsigned extra = n > OTHERS ? n - OTHERS : 1;
    printf("%.0f\n", fastest(&cases[2], p, extra, 20000 / n + 1));
    policy_free(p);
}

static void types(unsigned n)
{
    struct policy_set set = {0};
    char text[1024], name[32];
    double best = 0;
    uint32_t chance = 1;
    if (n == 0)
        return;
    for (unsigned i = 0; i < n; i++) {
        snprintf(text, sizeof text, "version: 1\ntype: t%u\nowner: xenrecon\n", i);
        policy_set_add(&set, parse(text));
    }
    for (int round = 0; round < 7; round++) {
        double begun = now_ns();
        for (unsigned i = 0; i < 100000; i++) {
            chance = chance * 1664525 + 1013904223; /* no order that the processor could learn */
            snprintf(name, sizeof name, "t%u", (chance >> 16) % n);
            if (!policy_set_find(&set, name))
                errx(1, "%s is not found", name);
        }
        double took = (now_ns() - begun) / 100000;
        best = best == 0 || took < best ? took : best;
    }
    printf("%.0f\n", best);
    policy_set_clear(&set);
}

static void count(const char *name, unsigned n)
{
    struct policy *p = parse(HEAD);
    for (int i = 0; i < CASES; i++)
        if (strcmp(cases[i].name, name) == 0)
            repeat(&cases[i], p, 0, n);
    policy_free(p);
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "speed") == 0)
        speed();
    else if (argc == 3 && strcmp(argv[1], "keys") == 0)
        keys((unsigned)atoi(argv[2]));
    else if (argc == 3 && strcmp(argv[1], "types") == 0)
        types((unsigned)atoi(argv[2]));
    else if (argc == 4 && strcmp(argv[1], "count") == 0)
        count(argv[2], (unsigned)atoi(argv[3]));
    else
        errx(64, "usage: decide speed | keys N | types N | count SITUATION N");
    return 0;
}
