/* SPDX-License-Identifier: MIT */
/* Scenes: a device in the store, what the daemon remembers of it, and the policy, in a few words; for tests
 * of decide(). Header only: unit tests link nothing of test/. */
#ifndef XENRECON_TEST_SCENE_H
#define XENRECON_TEST_SCENE_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reconcilers/decide.h"
#include "schemas/marker.h"
#include "test/lib/require.h"

#define SCENE_B "/local/domain/0/backend/qdisk/7/51712"
#define SCENE_F "/local/domain/7/device/vbd/51712"

#define RING_A "ring-ref=8 event-channel=9"
#define RING_B "ring-ref=16 event-channel=9"
#define RING_C "ring-ref=8 event-channel=10"

static const char scene_yaml[] = "version: 1\n"
                                 "type: qdisk\n"
                                 "frontend: vbd\n"
                                 "owner: xenrecon\n"
                                 "backend-keys:\n"
                                 "  params: {match: '^(raw|qcow2):/'}\n"
                                 "  mode: {required: true, enum: [r, w]}\n"
                                 "frontend-keys:\n"
                                 "  ring-ref: {type: uint32, required: connect}\n"
                                 "  event-channel: {type: uint32, required: connect}\n"
                                 "  protocol: {}\n"
                                 "publish: {feature-flush-cache: 1}\n"
                                 "deadlines: {create: 10s, connect: 60s, close: 20s}\n";

enum whose {
    NOBODY,
    OURS,
    THEIRS, /* another incarnation than OURS */
    FRESH,  /* the one that decide() is offered */
};

static const uint64_t scene_incarnation[] = {
    [OURS] = UINT64_C(0x1111), [THEIRS] = UINT64_C(0x2222), [FRESH] = UINT64_C(0xf2e5)};

struct scene_marker {
    enum whose whose;
    enum xenbus_state wrote;
    const char *ring; /* the words of the keys that are connected; NULL: none */
};

struct scene {
    const char *yaml; /* the policy, instead of the one above */
    const char *more; /* lines for its end, or NULL */
    bool qemu_type;   /* as the policy says */
    enum handshake handshake;
    enum owner owner;
    bool protocol_required; /* the key `protocol` of F, `required: true` */
    enum presence qemu;     /* a device model runs for this domain */
    bool null_model;        /* one that serves nothing */
    uint16_t self;          /* the backend's domain */
    bool gone;              /* there is no B */
    bool directory_unreadable;
    const char *b, *f;      /* words: `key=value`, `key?` unreadable, `-key` not there; B has defaults */
    const char *raw_marker; /* instead of: */
    struct scene_marker marker;
    bool dead; /* the frontend's domain does not exist */
    bool domain_unreadable;
    bool front_gone, front_unreadable; /* F's directory */
    enum object_phase phase;           /* with OURS, unless: */
    enum whose object_is;
    bool front_connected;
    bool unpublished;
    const struct worker *worker;
    uint64_t now;       /* 0: unknown */
    struct memory rest; /* row, row_since, failure */
};

static inline struct policy *scene_policy(const struct scene *s)
{
    char text[4096];
    struct policy *p = NULL;
    struct diagnostic why;
    int n = snprintf(text, sizeof text, "%s%s%s", s->yaml ? s->yaml : scene_yaml, s->more ? s->more : "",
                     s->more ? "\n" : "");
    if (policy_parse("scene.yaml", text, (size_t)n, &p, &why))
        ck_abort_msg("%u: %s in\n%s", why.line, why.message, text);
    p->qemu = s->qemu_type;
    p->handshake = s->handshake;
    p->owner = s->owner;
    for (size_t i = 0; s->protocol_required && i < p->n_keys[FRONTEND]; i++)
        if (!strcmp(p->keys[FRONTEND][i].name, "protocol"))
            p->keys[FRONTEND][i].required = REQUIRED_CREATE;
    return p;
}

/* Calls each(arg, key, presence, value, len) for every word. `%` in a value stands for a space. */
typedef void scene_word_fn(void *arg, const char *key, enum presence presence, const char *value, size_t len);
static inline void scene_words(const char *words, scene_word_fn *each, void *arg)
{
    char buf[512];
    if (!words)
        return;
    require(snprintf(buf, sizeof buf, "%s", words) < (int)sizeof buf, "too many words: %s", words);
    char *save;
    for (char *w = strtok_r(buf, " ", &save); w; w = strtok_r(NULL, " ", &save)) {
        char *eq = strchr(w, '=');
        size_t len = strlen(w);
        if (eq) {
            *eq = '\0';
            for (char *p = eq + 1; *p; p++)
                if (*p == '%')
                    *p = ' ';
            each(arg, w, PRESENT, eq + 1, strlen(eq + 1));
        } else if (w[0] == '-') {
            each(arg, w + 1, ABSENT, NULL, 0);
        } else {
            require(w[len - 1] == '?', "bad word `%s`", w);
            w[len - 1] = '\0';
            each(arg, w, UNREADABLE, NULL, 0);
        }
    }
}

struct scene_side {
    struct view *view;
    enum side side;
};

/* A later word for the same key takes the place of an earlier one. */
static inline void scene_add(void *arg, const char *key, enum presence presence, const char *value,
                             size_t len)
{
    struct scene_side *to = arg;
    struct view *v = to->view;
    for (size_t i = 0; i < v->n_keys[to->side]; i++)
        if (!strcmp(v->keys[to->side][i].name, key))
            v->keys[to->side][i] = v->keys[to->side][--v->n_keys[to->side]];
    view_add(v, to->side, key, presence, value, len);
}

static inline uint64_t scene_ring(const char *words);

static inline void scene_marker_text(const struct scene_marker *m, char buf[static MARKER_SIZE])
{
    struct marker value = {scene_incarnation[m->whose], m->wrote, m->ring != NULL,
                           m->ring ? scene_ring(m->ring) : 0};
    marker_format(&value, buf);
}

static inline struct view *scene_view(const struct scene *s)
{
    struct device_key key = {.type = "qdisk", .devid = "51712", .domid = 7};
    struct view *v = view_new(s->self, &key);
    struct scene_side b = {v, BACKEND}, f = {v, FRONTEND};
    v->directory = s->gone ? ABSENT : s->directory_unreadable ? UNREADABLE : PRESENT;
    v->domain = s->dead ? ABSENT : s->domain_unreadable ? UNREADABLE : PRESENT;
    v->front = s->front_gone ? ABSENT : s->front_unreadable ? UNREADABLE : PRESENT;
    v->qemu = s->qemu;
    v->null_model = s->null_model;
    if (v->directory == PRESENT) {
        scene_words("frontend=" SCENE_F " frontend-id=7 mode=w -params", scene_add, &b);
        scene_words(s->b, scene_add, &b);
        char marker[MARKER_SIZE];
        if (s->marker.whose)
            scene_marker_text(&s->marker, marker);
        if (s->raw_marker)
            view_add(v, BACKEND, MARKER_KEY, PRESENT, s->raw_marker, strlen(s->raw_marker));
        else if (s->marker.whose)
            view_add(v, BACKEND, MARKER_KEY, PRESENT, marker, strlen(marker));
    }
    for (size_t i = 0; i < v->n_keys[BACKEND]; i++) {
        const struct view_key *k = &v->keys[BACKEND][i];
        if (!strcmp(k->name, "frontend") && k->value.presence == PRESENT &&
            device_frontend_path_valid(k->value.text, k->value.len, key.domid))
            view_set_frontend(v, k->value.text);
    }
    if (v->path[FRONTEND])
        scene_words(s->f, scene_add, &f);
    view_seal(v);
    return v;
}

static inline struct memory scene_memory(const struct scene *s)
{
    struct memory m = s->rest;
    if (s->phase)
        m.object = (struct object){.phase = s->phase,
                                   .front_connected = s->front_connected,
                                   .unpublished = s->unpublished || s->phase == OBJECT_STARTING,
                                   .incarnation = scene_incarnation[s->object_is ? s->object_is : OURS]};
    return m;
}

static inline struct plan *scene_decide_with(const struct scene *s, const struct policy *p,
                                             const struct view *v, const struct memory *m,
                                             struct object *ret_object)
{
    struct decision_input in = {p, v, m, s->worker, s->now, scene_incarnation[FRESH]};
    return decide(&in, ret_object);
}

/* It has been like this since then: what is remembered of its condition. */
static inline void scene_lasts(struct scene *s, uint64_t since)
{
    struct scene then = *s;
    then.now = since;
    struct policy *p = scene_policy(&then);
    struct view *v = scene_view(&then);
    struct memory m = scene_memory(&then);
    struct object o;
    struct plan *plan = scene_decide_with(&then, p, v, &m, &o);
    s->rest.condition = plan->condition;
    plan_free(plan);
    view_free(v);
    policy_free(p);
}

/* The last value that the plan writes to a key of B, or NULL. */
static inline const char *scene_written(const struct plan *plan, const struct view *v, const char *key)
{
    size_t n = strlen(v->path[BACKEND]);
    const char *value = NULL;
    for (size_t i = 0; i < plan->n_actions; i++)
        for (size_t j = 0; j < plan->actions[i].n_writes; j++) {
            const struct write *w = &plan->actions[i].writes[j];
            if (!strncmp(w->path, v->path[BACKEND], n) && w->path[n] == '/' && !strcmp(w->path + n + 1, key))
                value = w->value;
        }
    return value;
}

/* The hash that decide() gives these connect keys: taken from the marker that a connect writes. */
static inline uint64_t scene_ring(const char *words)
{
    char f[256];
    snprintf(f, sizeof f, "state=3 %s", words);
    struct scene s = {
        .b = "online=1 state=2", .f = f, .marker = {OURS, XENBUS_INIT_WAIT, NULL}, .phase = OBJECT_READY};
    struct policy *p = scene_policy(&s);
    struct view *v = scene_view(&s);
    struct memory m = scene_memory(&s);
    struct object o;
    struct marker made;
    struct plan *plan = scene_decide_with(&s, p, v, &m, &o);
    const char *text = scene_written(plan, v, MARKER_KEY);
    ck_assert_msg(text && !marker_parse(text, strlen(text), &made) && made.connected,
                  "a connect must write a marker with the ring");
    plan_free(plan);
    view_free(v);
    policy_free(p);
    return made.ring;
}

#endif
