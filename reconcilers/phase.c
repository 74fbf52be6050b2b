/* SPDX-License-Identifier: MIT */
#include "reconcilers/phase.h"

bool phase_held(const struct situation *s)
{
    return s->object.phase != OBJECT_NONE;
}

void phase_enter(struct situation *s, enum object_phase phase)
{
    s->object.phase = phase;
    s->object.phase_since = s->in->now;
    s->object.front_connected = false;
}

void phase_release(struct situation *s, const char *why)
{
    bool runs = s->worker.state != WORKER_NONE;
    if (phase_held(s) || runs)
        plan_add_action(s->plan, ACTION_RELEASE, why)->task = runs ? TASK_STOP : TASK_NONE;
    s->object = (struct object){0};
    s->worker = (struct worker){.ending = s->worker.ending || phase_worker_lives(s)};
}

bool phase_worker_lives(const struct situation *s)
{
    return s->worker.state != WORKER_NONE && s->worker.state != WORKER_DEAD;
}

bool phase_worker_ends(struct situation *s, const char *why)
{
    struct object kept = s->object;
    bool another = phase_worker_lives(s) && s->worker.incarnation != s->object.incarnation;
    if (another)
        phase_release(s, why);
    s->object = kept;
    return s->worker.ending;
}

bool phase_connected(const struct situation *s)
{
    return s->object.phase == OBJECT_CONNECTED || s->object.phase == OBJECT_CONNECTING || s->marker.connected;
}

static enum object_phase phase_of(const struct situation *s)
{
    if (s->worker.incarnation != s->object.incarnation)
        return OBJECT_DEAD; /* the worker was started for a former device of the same name */
    switch (s->worker.state) {
    case WORKER_STARTING:
        return OBJECT_STARTING;
    case WORKER_READY:
        return OBJECT_READY;
    case WORKER_CONNECTING:
        return OBJECT_CONNECTING;
    case WORKER_CONNECTED:
        return OBJECT_CONNECTED;
    case WORKER_DISCONNECTING:
        return OBJECT_DISCONNECTING;
    case WORKER_NONE:
    case WORKER_DEAD:
        break;
    }
    return OBJECT_DEAD;
}

bool has_worker(const struct situation *s)
{
    return s->in->worker && (s->policy->worker.command || s->worker.state != WORKER_NONE);
}

void phase_from_worker(struct situation *s)
{
    if (!has_worker(s) || !phase_held(s))
        return;
    enum object_phase phase = phase_of(s);
    if (phase != s->object.phase)
        phase_enter(s, phase);
    if (s->marked && s->marker.incarnation == s->object.incarnation)
        s->object.unpublished = false; /* it was published, though the reply to that commit was lost */
}
