/* SPDX-License-Identifier: MIT */
/* The decision table for `owner: xenrecon`: we drive the backend's state. Each row's condition stands in
 * words in schemas/row.h; here it stands as a predicate, followed by what the row does. A predicate may rely
 * on the rows above it not having matched. */
#include "reconcilers/rows_handshake.h"

#include "reconcilers/data_plane.h"
#include "reconcilers/keys.h"
#include "reconcilers/phase.h"
#include "reconcilers/ring.h"
#include "reconcilers/rows_common.h"
#include "reconcilers/rows_detach.h"
#include "reconcilers/rows_orphan.h"
#include "reconcilers/rows_steady.h"
#include "reconcilers/transitions.h"
#include "reconcilers/worker_command.h"
#include "reconcilers/writes.h"

/* A frontend that closes this often in this time is not answered until the time is over. */
enum { FLAP_CYCLES = 10, FLAP_WINDOW = 60 * 1000 };

/* A worker was started for the device, and InitWait was not written yet. A marker of another incarnation is
 * left from before the toolstack started over in the same directory. */
static bool to_be_published(const struct situation *s)
{
    bool own = s->marked && s->marker.incarnation == s->object.incarnation;
    return phase_held(s) && s->object.unpublished && !own && s->b == XENBUS_INITIALISING;
}

static bool reincarnated(const struct situation *s)
{
    if (!phase_held(s) || to_be_published(s))
        return false;
    return s->marked ? s->marker.incarnation != s->object.incarnation
                     : STATE_IN(s->b, XENBUS_ABSENT, XENBUS_UNKNOWN, XENBUS_INITIALISING);
}

static enum outcome on_reincarnated(struct situation *s)
{
    return transition_release(s, "the directory was removed and made again");
}

static bool claimed_by_qemu(const struct situation *s)
{
    return s->policy->qemu && s->view->qemu == PRESENT;
}

/* May a new object begin? Not under a policy that is no longer in force. */
static bool begins(const struct situation *s)
{
    return phase_held(s) || !s->in->memory->retired_policy;
}

static bool unclaimed_close(const struct situation *s)
{
    return begins(s) && !s->marked && s->online == 0 && s->b == XENBUS_CLOSING && !s->f_active &&
           !claimed_by_qemu(s);
}

static enum outcome on_unclaimed_close(struct situation *s)
{
    /* the directory may have been made again under an object of ours, or the marker be lost under a worker */
    if (!phase_held(s) && phase_worker_lives(s)) {
        s->object.incarnation = s->worker.incarnation;
        phase_enter(s, OBJECT_READY);
        phase_from_worker(s);
    }
    return transition_close(s, XENBUS_CLOSED, "detached before any backend took it");
}

static bool foreign(const struct situation *s)
{
    return !s->marked && s->b >= XENBUS_INIT_WAIT;
}

static enum outcome on_foreign(struct situation *s)
{
    if (phase_held(s)) {
        plan_add_finding(s->plan, FINDING_MARKER_LOST, SEVERITY_WARNING,
                         "%s/" MARKER_KEY " is gone; we go on serving", s->view->path[BACKEND]);
        return DECIDED;
    }
    phase_release(
        s, "another backend serves it"); /* ends a worker that was never told to connect, if there is one */
    plan_add_finding(s->plan, FINDING_FOREIGN_BACKEND, SEVERITY_WARNING,
                     "the backend is %s, and it was not xenrecon that wrote it", xenbus_state_name(s->b));
    return DECIDED;
}

static bool claimed_elsewhere(const struct situation *s)
{
    return (!phase_held(s) || to_be_published(s)) && s->b == XENBUS_INITIALISING && claimed_by_qemu(s);
}

/* The device model may come while a worker starts: until InitWait is written the frontend relies on nothing.
 */
static enum outcome on_claimed_elsewhere(struct situation *s)
{
    phase_release(s, "a device model came to serve it");
    plan_add_finding(s->plan, FINDING_FOREIGN_BACKEND, SEVERITY_WARNING,
                     "the device model of domain %u runs and serves %s devices", s->view->device.domid,
                     s->view->device.type);
    return DECIDED;
}

/* What every device needs, whatever its policy says. */
static const enum common_key needed[] = {KEY_STATE, KEY_FRONTEND, KEY_FRONTEND_ID};
enum { NEEDED = sizeof needed / sizeof *needed };

static bool incomplete(const struct situation *s)
{
    if (phase_held(s) || !STATE_IN(s->b, XENBUS_ABSENT, XENBUS_INITIALISING))
        return false;
    for (int i = 0; i < NEEDED; i++)
        if (s->keys[needed[i]].presence == ABSENT)
            return true;
    return !keys_complete(s, BACKEND, REQUIRED_CREATE) || !keys_complete(s, FRONTEND, REQUIRED_CREATE);
}

static enum outcome on_incomplete(struct situation *s)
{
    struct patience patience = keys_patience(s, s->policy->deadlines.create);
    if (!orphan(s))
        look_for_frontend_keys(s);
    for (int i = 0; i < NEEDED && !patience.waits; i++)
        if (s->keys[needed[i]].presence == ABSENT)
            plan_add_finding(s->plan, FINDING_MISSING_KEY, patience.severity, "%s/%s is missing",
                             s->view->path[BACKEND], common_key_names[needed[i]])
                ->ends = arena_printf(&s->plan->arena, "B/%s", common_key_names[needed[i]]);
    keys_say(s, BACKEND, REQUIRED_CREATE, patience);
    keys_say(s, FRONTEND, REQUIRED_CREATE, patience);
    return DECIDED;
}

static bool create(const struct situation *s)
{
    return s->b == XENBUS_INITIALISING && !orphan(s) && /* a toolstack may write B first, key by key */
           ((!phase_held(s) && begins(s)) || (to_be_published(s) && s->object.phase == OBJECT_READY));
}

static enum outcome on_create(struct situation *s)
{
    if (data_plane_outdated(s))
        return transition_release(s, "the toolstack has changed its keys");
    struct action *a = data_plane_start(s, "the toolstack asks for it, and its keys are complete");
    if (!a)
        return DECIDED;
    s->object.unpublished = false;
    phase_enter(s, OBJECT_READY);
    data_plane_publish(s, a);
    put_key(s, a, "hotplug-status", "connected");
    put_state(s, a, XENBUS_INIT_WAIT, NULL);
    return DECIDED;
}

static bool starting(const struct situation *s)
{
    return to_be_published(s) && s->object.phase == OBJECT_STARTING;
}

static enum outcome on_starting(struct situation *s)
{
    if (data_plane_outdated(s))
        return transition_release(s, "the toolstack has changed its keys");
    return DECIDED;
}

static bool reset(const struct situation *s)
{
    return phase_held(s) && !to_be_published(s) &&
           STATE_IN(s->b, XENBUS_ABSENT, XENBUS_UNKNOWN, XENBUS_INITIALISING);
}

static enum outcome on_reset(struct situation *s)
{
    return transition_release(s, "the toolstack started over");
}

static bool adopt(const struct situation *s)
{
    return !phase_held(s) && s->marked && s->b >= XENBUS_INIT_WAIT;
}

static enum outcome on_adopt(struct situation *s)
{
    s->object.incarnation = s->marker.incarnation;
    phase_enter(s, s->marker.connected ? OBJECT_CONNECTED : OBJECT_READY);
    phase_from_worker(s);
    return AGAIN;
}

static bool busy(const struct situation *s)
{
    return (s->object.phase == OBJECT_CONNECTING || s->object.phase == OBJECT_DISCONNECTING) &&
           !STATE_IN(s->f, XENBUS_CLOSING, XENBUS_CLOSED);
}

/* A dead worker holds nothing, so that a device can be closed without starting another. */
static bool respawn(const struct situation *s)
{
    bool gone = s->f == XENBUS_ABSENT && (s->b != XENBUS_INIT_WAIT || orphan(s));
    bool closes = STATE_IN(s->b, XENBUS_INIT_WAIT, XENBUS_CONNECTED, XENBUS_CLOSING) &&
                  (gone || STATE_IN(s->f, XENBUS_CLOSING, XENBUS_CLOSED));
    return data_plane_lost(s) && !closes;
}

static enum outcome on_respawn(struct situation *s)
{
    if (s->object.phase != OBJECT_STARTING)
        data_plane_restart(s);
    return DECIDED;
}

static bool front_ready(const struct situation *s)
{
    return STATE_IN(s->f, XENBUS_INITIALISED, XENBUS_CONNECTED);
}

static bool connect_row(const struct situation *s)
{
    return STATE_IN(s->b, XENBUS_INIT_WAIT, XENBUS_CLOSED) && front_ready(s);
}

static enum outcome on_connect(struct situation *s)
{
    uint64_t due = s->object.phase_since + s->policy->hold.init_wait;
    if (!keys_for_connecting(s))
        return DECIDED;
    if (s->b == XENBUS_INIT_WAIT && s->in->now && s->in->now < due) {
        plan_requeue_at(s->plan, due, true); /* until then libxl can read InitWait */
        return DECIDED;
    }
    transition_connect(s, false, "the frontend is ready");
    return DECIDED;
}

/* Has the frontend started over too often? Then it has to wait. */
static bool flaps(struct situation *s)
{
    struct object *o = &s->object;
    uint64_t now = s->in->now;
    if (now && now - o->cycles_since >= FLAP_WINDOW) {
        o->cycles_since = now;
        o->cycles = 0;
    }
    if (o->cycles < FLAP_CYCLES)
        return false;
    plan_add_finding(s->plan, FINDING_FLAPPING, SEVERITY_WARNING,
                     "the frontend closed or started over %d times within %d s: it has to wait", FLAP_CYCLES,
                     FLAP_WINDOW / 1000);
    plan_requeue_at(s->plan, o->cycles_since + FLAP_WINDOW, true);
    return true;
}

static bool reconnect(const struct situation *s)
{
    return s->b == XENBUS_CONNECTED && front_ready(s) &&
           (!s->marker.connected || s->marker.ring != ring_of(s->policy, s->view) ||
            (s->f == XENBUS_INITIALISED && s->object.front_connected) || data_plane_strayed(s));
}

static enum outcome on_reconnect(struct situation *s)
{
    bool same = s->marker.connected && s->marker.ring == ring_of(s->policy, s->view);
    bool anew = s->f == XENBUS_INITIALISED && s->object.front_connected;
    bool by_worker = same && !anew;
    bool begins =
        !by_worker && s->object.phase == OBJECT_CONNECTED; /* and is no step of one that has begun */
    const char *why = by_worker ? "the worker takes up again what was connected"
                                : "the frontend started over with B Connected";
    if (!keys_for_connecting(s) || (begins && flaps(s)))
        return DECIDED;
    s->object.cycles += begins;
    transition_connect(s, anew, why);
    return DECIDED;
}

static bool front_closing(const struct situation *s)
{
    return STATE_IN(s->b, XENBUS_INIT_WAIT, XENBUS_CONNECTED) && s->f == XENBUS_CLOSING;
}

static enum outcome on_front_closing(struct situation *s)
{
    return transition_close(s, XENBUS_CLOSING, "the frontend closes");
}

static bool front_closed(const struct situation *s)
{
    if (!STATE_IN(s->f, XENBUS_ABSENT, XENBUS_CLOSED))
        return false;
    return STATE_IN(s->b, XENBUS_CONNECTED, XENBUS_CLOSING) ||
           (s->b == XENBUS_INIT_WAIT && s->policy->cycle == CYCLE_ON_INITIALISING &&
            (s->f == XENBUS_CLOSED || orphan(s))); /* or its state is still to be written */
}

static enum outcome on_front_closed(struct situation *s)
{
    return transition_close(s, XENBUS_CLOSED,
                            s->f == XENBUS_CLOSED ? "the frontend has closed" : "the frontend is gone");
}

static bool front_restart(const struct situation *s)
{
    return (s->b == XENBUS_CONNECTED && STATE_IN(s->f, XENBUS_INITIALISING, XENBUS_INIT_WAIT)) ||
           (s->b == XENBUS_CLOSING &&
            STATE_IN(s->f, XENBUS_INITIALISING, XENBUS_INIT_WAIT, XENBUS_INITIALISED));
}

static enum outcome on_front_restart(struct situation *s)
{
    return transition_close(s, XENBUS_CLOSED, "the frontend has started over");
}

static bool cycle(const struct situation *s)
{
    return s->b == XENBUS_CLOSED && /* online=1: row destroy has taken the others */
           (s->policy->cycle == CYCLE_ON_CLOSED || STATE_IN(s->f, XENBUS_INITIALISING, XENBUS_INIT_WAIT));
}

static enum outcome on_cycle(struct situation *s)
{
    const char *why = s->policy->cycle == CYCLE_ON_CLOSED ? "still attached: by policy, Closed is not the end"
                                                          : "the frontend starts again";
    if (flaps(s) || data_plane_disconnect(s, why) == DISCONNECT_WAITS)
        return DECIDED;
    s->object.cycles++;
    phase_enter(s, OBJECT_READY);
    struct action *a = plan_add_action(s->plan, ACTION_CYCLE, why);
    data_plane_publish_again(s, a);
    put_state(s, a, XENBUS_INIT_WAIT, NULL);
    return DECIDED;
}

static bool publish(const struct situation *s)
{
    return STATE_IN(s->b, XENBUS_INIT_WAIT, XENBUS_CONNECTED) && data_plane_publishes_anew(s);
}

/* A connected frontend reads B again when its state is written, even if it stays the same. */
static enum outcome on_publish(struct situation *s)
{
    struct action *a = plan_add_action(s->plan, ACTION_PUBLISH, "the worker publishes other values");
    data_plane_publish(s, a);
    if (s->b == XENBUS_CONNECTED && s->marker.wrote == s->b)
        put_state_again(s, a);
    return DECIDED;
}

static bool unexpected(const struct situation *s)
{
    return STATE_IN(s->b, XENBUS_INITIALISED, XENBUS_RECONFIGURING, XENBUS_RECONFIGURED);
}

static enum outcome on_unexpected(struct situation *s)
{
    plan_add_finding(s->plan, FINDING_UNEXPECTED_STATE, SEVERITY_WARNING,
                     "the backend is %s, which no backend of this type is", xenbus_state_name(s->b));
    return DECIDED;
}

const struct rule handshake_rules[ROW_COUNT] = {
    [ROW_VANISHED] = {vanished, on_vanished},
    [ROW_UNREADABLE] = {unreadable, on_unreadable},
    [ROW_BAD_VALUE] = {bad_value, on_nothing},
    [ROW_REINCARNATED] = {reincarnated, on_reincarnated},
    [ROW_INCOMPLETE_DIR] = {incomplete_dir, on_incomplete_dir},
    [ROW_MISMATCHED] = {mismatched, on_mismatched},
    [ROW_UNCLAIMED_CLOSE] = {unclaimed_close, on_unclaimed_close},
    [ROW_FOREIGN] = {foreign, on_foreign},
    [ROW_DESTROY] = {destroy, on_destroy},
    [ROW_CLAIMED_ELSEWHERE] = {claimed_elsewhere, on_claimed_elsewhere},
    [ROW_INCOMPLETE] = {incomplete, on_incomplete},
    [ROW_CREATE] = {create, on_create},
    [ROW_STARTING] = {starting, on_starting},
    [ROW_RESET] = {reset, on_reset},
    [ROW_ADOPT] = {adopt, on_adopt},
    [ROW_CLOSE_IDLE] = {close_idle, on_close_idle},
    [ROW_CLOSE_WAIT] = {closing_down, on_close_wait},
    [ROW_TOOLSTACK_CLOSED] = {toolstack_closed, on_toolstack_closed},
    [ROW_BUSY] = {busy, on_nothing},
    [ROW_RESPAWN] = {respawn, on_respawn},
    [ROW_CONNECT] = {connect_row, on_connect},
    [ROW_RECONNECT] = {reconnect, on_reconnect},
    [ROW_FRONT_CLOSING] = {front_closing, on_front_closing},
    [ROW_FRONT_CLOSED] = {front_closed, on_front_closed},
    [ROW_FRONT_RESTART] = {front_restart, on_front_restart},
    [ROW_TOOLSTACK_CLOSE] = {toolstack_close, on_toolstack_close},
    [ROW_CYCLE] = {cycle, on_cycle},
    [ROW_PUBLISH] = {publish, on_publish},
    [ROW_UNEXPECTED] = {unexpected, on_unexpected},
    [ROW_COLLECT] = {collect, on_collect},
    [ROW_ORPHAN] = {orphan, on_orphan},
    [ROW_STEADY] = {always, on_steady},
};
