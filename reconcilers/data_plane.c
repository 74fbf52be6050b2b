/* SPDX-License-Identifier: MIT */
#include "reconcilers/data_plane.h"

#include <string.h>

#include "reconcilers/keys.h"
#include "reconcilers/phase.h"
#include "reconcilers/ring.h"
#include "reconcilers/worker_command.h"
#include "reconcilers/writes.h"
#include "schemas/policy/fields.h"

enum {
    CONNECT_AGAIN = 5000, /* milliseconds until a worker that refused a ring is asked once more */
    TEXT_MAX = 255,       /* bytes; a longer value of a guest is not told to its worker */
};

void stop_unwanted_worker(struct situation *s)
{
    bool serves = s->worker.state != WORKER_DEAD && s->marked && s->b >= XENBUS_INIT_WAIT &&
                  s->marker.incarnation == s->worker.incarnation;
    if (s->worker.state != WORKER_NONE && !s->policy->worker.command && !serves && !s->unreadable && !s->bad)
        phase_release(s, "the policy has no worker");
}

/* ---- its start ---- */

static void worker_start(struct situation *s, const char *why)
{
    struct action *a = plan_add_action(s->plan, ACTION_CREATE, why);
    a->task = TASK_START;
    worker_command_show(s, a);
    a->incarnation = s->object.incarnation;
    s->object.command = worker_command_hash(a->argv);
    phase_enter(s, OBJECT_STARTING);
}

/* Are the keys of B complete that a worker is started with? Findings for those that are not. */
static bool worker_can_start(struct situation *s)
{
    for (size_t i = 0; i < s->policy->n_keys[BACKEND]; i++) {
        const struct key_spec *spec = &s->policy->keys[BACKEND][i];
        if (!spec->pattern && !view_has(s->view, BACKEND, spec->name))
            return false; /* not read: the worker died since, and its death is reconciled next */
    }
    if (keys_complete(s, BACKEND, REQUIRED_CREATE))
        return true;
    keys_say(s, BACKEND, REQUIRED_CREATE, (struct patience){SEVERITY_ERROR, false});
    return false;
}

struct action *data_plane_start(struct situation *s, const char *why)
{
    bool begins = !phase_held(s);
    if (begins)
        s->object.incarnation = s->in->fresh_incarnation;
    if (!has_worker(s)) {
        struct action *a = plan_add_action(s->plan, ACTION_CREATE, why);
        worker_command_show(s, a);
        return a;
    }
    if (!begins)
        return plan_add_action(s->plan, ACTION_PUBLISH, "the worker is ready");
    s->object.unpublished = true;
    worker_start(s, why);
    return NULL;
}

bool data_plane_outdated(const struct situation *s)
{
    return has_worker(s) && phase_held(s) && s->object.command != worker_command_now(s);
}

bool data_plane_lost(const struct situation *s)
{
    return s->object.phase == OBJECT_DEAD || (has_worker(s) && s->object.phase == OBJECT_STARTING);
}

void data_plane_restart(struct situation *s)
{
    if (!has_worker(s))
        return;
    if (s->in->now < s->worker.until)
        plan_requeue_at(s->plan, s->worker.until, true);
    else if (worker_can_start(s))
        worker_start(s, "the worker died");
}

/* ---- the connection ---- */

/* What a worker is told: the declared keys that the guest wrote, as far as they can be understood. */
static void tell_keys(struct situation *s, struct action *a)
{
    const struct view *v = s->view;
    struct published *keys = arena_alloc(&s->plan->arena, (v->n_keys[FRONTEND] + 1) * sizeof *keys);
    a->keys = keys;
    for (size_t i = 0; i < v->n_keys[FRONTEND]; i++) {
        const struct view_key *k = &v->keys[FRONTEND][i];
        const struct key_spec *spec = policy_find_key(s->policy, FRONTEND, k->name);
        if (!spec || spec->required == REQUIRED_CREATE || k->value.len > TEXT_MAX ||
            key_spec_check(spec, &k->value))
            continue;
        keys[a->n_keys++] = (struct published){arena_strdup(&s->plan->arena, k->name),
                                               arena_strdup(&s->plan->arena, k->value.text)};
    }
}

static bool refused(struct situation *s, uint64_t ring)
{
    uint64_t now = s->in->now, again = s->object.phase_since + CONNECT_AGAIN;
    if (s->worker.refused != ring || now >= again)
        return false;
    plan_requeue_at(s->plan, again, true);
    return true;
}

/* Does it still hold what the frontend gave it, or may it? One that is started again for a guest that was
 * connected is new, or was found again as it was. */
static bool holds(const struct situation *s)
{
    return STATE_IN(s->object.phase, OBJECT_STARTING, OBJECT_CONNECTING, OBJECT_CONNECTED,
                    OBJECT_DISCONNECTING);
}

static enum disconnect worker_disconnect(struct situation *s, const char *why)
{
    if (!holds(s))
        return DISCONNECT_NOTHING;
    if (s->object.phase != OBJECT_CONNECTING && s->object.phase != OBJECT_CONNECTED)
        return DISCONNECT_WAITS; /* it is disconnecting already, or still starting */
    plan_add_action(s->plan, ACTION_DISCONNECT, why)->task = TASK_DISCONNECT;
    phase_enter(s, OBJECT_DISCONNECTING);
    return DISCONNECT_WAITS;
}

enum disconnect data_plane_disconnect(struct situation *s, const char *why)
{
    if (has_worker(s))
        return worker_disconnect(s, why);
    enum disconnect was = phase_connected(s) ? DISCONNECT_DONE : DISCONNECT_NOTHING;
    if (phase_held(s) && s->object.phase != OBJECT_READY)
        phase_enter(s, OBJECT_READY);
    return was;
}

/* A step towards the ring. True: it is connected to it. */
static bool worker_connect(struct situation *s, bool anew, const char *why)
{
    uint64_t ring = ring_of(s->policy, s->view);
    if (s->object.phase == OBJECT_CONNECTED && s->worker.ring == ring && !anew)
        return true;
    if (s->object.phase == OBJECT_READY && !refused(s, ring)) {
        struct action *a = plan_add_action(s->plan, ACTION_CONNECT, why);
        a->task = TASK_CONNECT;
        a->ring = ring;
        tell_keys(s, a);
        phase_enter(s, OBJECT_CONNECTING);
    } else {
        worker_disconnect(s, why);
    }
    return false;
}

const char *data_plane_connect(struct situation *s, bool anew, const char *why)
{
    if (has_worker(s))
        return worker_connect(s, anew, why) ? "the worker has connected" : NULL;
    if (s->b == XENBUS_CONNECTED)
        plan_add_action(s->plan, ACTION_DISCONNECT, why);
    return why;
}

bool data_plane_strayed(const struct situation *s)
{
    return has_worker(s) && (s->object.phase != OBJECT_CONNECTED || s->worker.ring != s->marker.ring);
}

/* ---- what it publishes ---- */

static bool may_publish(const struct situation *s, const char *key)
{
    if (!*key || key[0] == '/' || key[strlen(key) - 1] == '/' || strstr(key, "//"))
        return false;                                                       /* not a key's name */
    return !reserved_key(key) && !policy_find_key(s->policy, BACKEND, key); /* the toolstack writes it */
}

/* Does the policy publish this key? Then a worker's value for it is ignored. */
static bool given(const struct policy *p, const char *key)
{
    for (size_t i = 0; i < p->n_publish; i++)
        if (strcmp(p->publish[i].key, key) == 0)
            return true;
    return false;
}

void data_plane_publish(struct situation *s, struct action *a)
{
    const struct policy *p = s->policy;
    for (size_t i = 0; i < p->n_publish; i++)
        put_key(s, a, p->publish[i].key, p->publish[i].value);
    for (size_t i = 0; i < s->worker.n_published; i++) {
        const struct published *k = &s->worker.published[i];
        if (!given(p, k->key) && may_publish(s, k->key))
            put_key(s, a, k->key, k->value);
    }
    s->object.published = worker_published(&s->worker);
}

void data_plane_publish_again(struct situation *s, struct action *a)
{
    if (has_worker(s))
        data_plane_publish(s, a);
}

/* Compares only keys that were read. One that the worker added since is compared by the next decision. */
static bool published_differs(const struct situation *s)
{
    for (size_t i = 0; i < s->worker.n_published; i++) {
        const struct published *k = &s->worker.published[i];
        struct value v = view_get(s->view, BACKEND, k->key);
        if (view_has(s->view, BACKEND, k->key) && !given(s->policy, k->key) && may_publish(s, k->key) &&
            (v.presence != PRESENT || v.len != strlen(k->value) || memcmp(v.text, k->value, v.len) != 0))
            return true;
    }
    return false;
}

bool data_plane_publishes_anew(const struct situation *s)
{
    return has_worker(s) && s->object.published != worker_published(&s->worker) &&
           STATE_IN(s->object.phase, OBJECT_READY, OBJECT_CONNECTED) && published_differs(s);
}

void data_plane_compared(struct situation *s)
{
    bool asked = s->worker.n_published > 0;
    for (size_t i = 0; i < s->worker.n_published; i++)
        asked &= view_has(s->view, BACKEND, s->worker.published[i].key);
    if (asked && !published_differs(s))
        s->object.published = worker_published(&s->worker);
}

/* ---- what there is to say ---- */

static void waits_for_worker(struct finding *f)
{
    f->who = WAITS_FOR_BACKEND;
    f->ends = "worker";
}

void data_plane_say(struct situation *s)
{
    for (size_t i = 0; i < s->worker.n_published; i++)
        if (!may_publish(s, s->worker.published[i].key))
            plan_add_finding(s->plan, FINDING_WORKER_ERROR, SEVERITY_WARNING,
                             "the worker publishes %s, which is not its to write",
                             s->worker.published[i].key);
    if (s->worker.lost)
        plan_add_finding(s->plan, FINDING_LOST_WRITE, SEVERITY_ERROR, "the worker says: %s", s->worker.lost);
    /* it stays until one serves: the next may die, too */
    const char *died = s->worker.state == WORKER_DEAD ? s->worker.said : s->worker.died;
    if (died && s->worker.state != WORKER_CONNECTED)
        waits_for_worker(plan_add_finding(s->plan, FINDING_WORKER_DIED, SEVERITY_ERROR,
                                          "the worker %s (%u times in a row)", died, s->worker.failures));
    if (s->worker.said && s->worker.state != WORKER_DEAD)
        waits_for_worker(plan_add_finding(s->plan, FINDING_WORKER_ERROR, SEVERITY_ERROR,
                                          "the worker says: %s", s->worker.said));
}
