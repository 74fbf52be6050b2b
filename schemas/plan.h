/* SPDX-License-Identifier: MIT */
/* A plan: what one decision asks for, as data. Printing it and executing it go over the same structure. What
 * it relies on is the view that it was decided from, whole: the transaction that writes has read it. It owns
 * its memory; strings that it holds live in its arena. */
#ifndef XENRECON_PLAN_H
#define XENRECON_PLAN_H

#include "schemas/arena.h"
#include "schemas/finding.h"
#include "schemas/row.h"
#include "schemas/value.h"
#include "schemas/xenbus.h"

#define ACTIONS(X)              \
    X(CREATE, "create")         \
    X(PUBLISH, "publish")       \
    X(CONNECT, "connect")       \
    X(DISCONNECT, "disconnect") \
    X(CLOSE, "close")           \
    X(CYCLE, "cycle")           \
    X(DESTROY, "destroy")       \
    X(RELEASE, "release")       \
    X(ADOPT, "adopt")           \
    X(HOTPLUG, "hotplug")       \
    X(COLLECT, "collect")

enum action_kind {
#define X(name, text) ACTION_##name,
    ACTIONS(X)
#undef X
        ACTION_COUNT,
};

const char *action_name(enum action_kind kind);

struct write {
    const char *path, *value;
};

struct removal {
    const char *path;
    bool if_empty; /* only when nothing is left in it: another device's directory is never taken along */
};

/* What is to be done beside the store once an action's writes are there. */
enum task {
    TASK_NONE,
    TASK_SCRIPT,     /* run argv, with env */
    TASK_START,      /* a worker: argv */
    TASK_CONNECT,    /* it connects to `ring`, with these keys */
    TASK_DISCONNECT, /* it ends the connection */
    TASK_STOP,       /* it ends */
};

struct published {
    const char *key, *value;
};

struct action {
    enum action_kind kind;
    const char *reason;   /* a literal */
    struct write *writes; /* in order; an action's writes are one transaction */
    size_t n_writes, cap_writes;
    struct removal *removals; /* in order, after the writes */
    size_t n_removals, cap_removals;
    enum task task;
    const char *const *argv; /* both end in NULL */
    const char *const *env;  /* NAME=value */
    uint64_t incarnation;    /* of the device that a worker is started for */
    uint64_t ring;
    const struct published *keys;
    size_t n_keys;
};

enum { PLAN_ACTIONS_MAX = 4 };

/* What a device should be: as the toolstack wants it, and the guest. */
#define WANTS(X)                                                                 \
    X(NOTHING, NULL) /* nobody can tell, or there is nothing to be waited for */ \
    X(CONNECTED, "connected")                                                    \
    X(CLOSED, "closed")                                                          \
    X(GONE, "gone")

enum want {
#define X(name, text) WANTED_##name,
    WANTS(X)
#undef X
};

const char *wanted_name(enum want wanted); /* NULL for NOTHING */

/* A device's conditions have an age of their own: it is the same whichever row decides and whichever worker
 * runs, and ends when what was wanted is true. Milliseconds of decide()'s clock; 0: unknown, or it is true.
 */
struct condition {
    enum want wanted;
    bool unmet; /* it is not true yet */
    enum waits_for who;
    uint64_t wanted_since; /* that it is unmet */
    uint64_t who_since;    /* that this end is waited for */
};

struct plan {
    struct arena arena;
    enum row row;
    struct action actions[PLAN_ACTIONS_MAX];
    size_t n_actions;
    struct finding *findings;
    size_t n_findings, cap_findings;
    struct condition condition; /* as it is now */
    bool unread;                /* something that is needed could not be read */
    uint64_t requeue_at;        /* milliseconds, on decide()'s clock; 0: only when something changes */
    bool requeue_acts;          /* at requeue_at there will be something to do, not only something to say */
};

struct plan *plan_new(void);
void plan_free(struct plan *p); /* NULL is fine */

struct action *plan_add_action(struct plan *p, enum action_kind kind, const char *reason);
/* `path` is not copied: it lives in the plan's arena, or longer than the plan. */
void action_write(struct plan *p, struct action *a, const char *path, const char *value);
void action_remove(struct plan *p, struct action *a, const char *path, bool if_empty);
struct finding *plan_add_finding(struct plan *p, enum finding_code code, enum severity severity,
                                 const char *format, ...) __attribute__((format(printf, 4, 5)));
/* The earliest of the times asked for; `requeue_acts` as in the struct. */
void plan_requeue_at(struct plan *p, uint64_t at, bool requeue_acts);

bool plan_has_writes(const struct plan *p);
/* Is there anything in it that changes the world: writes, or a task? */
bool plan_acts(const struct plan *p);
/* The first action with that task, or NULL. */
const struct action *plan_task(const struct plan *p, enum task task);

#endif
