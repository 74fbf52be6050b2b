/* SPDX-License-Identifier: MIT */
/* What a device waits for: a table of what both ends show, beside the decision table. The first line that
 * fits says who is waited for, and, beyond its deadline, what is found. Each state of B and F, with `online`
 * and the owner, has one; where nothing is waited for, the line says so. In words here, once, for reports and
 * the manual. */
#ifndef XENRECON_LASTING_H
#define XENRECON_LASTING_H

#include "schemas/finding.h"
#include "schemas/policy/limit.h"
#include "schemas/xenbus.h"

/* Sets, as bits. */
enum lasting_set {
    /* states, from absent to Reconfigured; and F's that nobody could read */
    IN_ABSENT = 1 << 0,
    IN_0 = 1 << 1,
    IN_1 = 1 << 2,
    IN_2 = 1 << 3,
    IN_3 = 1 << 4,
    IN_4 = 1 << 5,
    IN_5 = 1 << 6,
    IN_6 = 1 << 7,
    IN_7 = 1 << 8,
    IN_8 = 1 << 9,
    IN_UNREAD = 1 << 10,
    IN_ALL = (1 << 11) - 1,
    IN_IDLE = IN_ABSENT | IN_0 | IN_1 | IN_6, /* a frontend that does not use B */
    IN_USE = IN_2 | IN_3 | IN_4 | IN_5 | IN_7 | IN_8,
    /* `online` */
    IS_ON = 1,
    IS_OFF = 2,
    IS_NEITHER = 4,
    /* owners */
    BY_US = 1,
    BY_OTHERS = 2,
    BY_ANY = 3,
    /* the help that B needs: a script, which says in hotplug-status how it went, or a worker */
    AID_FINE = 1,   /* needs none, or has it */
    AID_SILENT = 2, /* there is a script, and no word of it */
    AID_TODO = 4,   /* hotplug-status is empty; the worker does not serve */
    AID_ANY = 7,
};

/* owner, online, B, F, aid: who is waited for, finding, severities with and without ages, limit, what would
 * end it (as in struct finding), words. In the words, `%b` and `%f` are the states. Where one line's end
 * leads is another line: in the end nobody is waited for, or the device is gone. */
#define LASTING(X)                                                                                           \
    X(BY_ANY, IS_NEITHER, IN_ALL, IN_ALL, AID_ANY, TOOLSTACK, INCOMPLETE_DIR, WARNING, WARNING, CREATE,      \
      "B/online=1", "it has no `online` key: the toolstack has not finished writing it")                     \
    X(BY_OTHERS, IS_ON, IN_2 | IN_3, IN_ALL & ~(IN_5 | IN_6), AID_TODO, SCRIPT, HOTPLUG_INCOMPLETE, ERROR,   \
      WARNING, CREATE, "B/hotplug-status=connected",                                                         \
      "the backend is %b, but its hotplug script has not completed")                                         \
    X(BY_OTHERS, IS_ON, IN_2 | IN_3, IN_3 | IN_4, AID_SILENT, SCRIPT, HOTPLUG_INCOMPLETE, ERROR, WARNING,    \
      CREATE, "B/hotplug-status=connected", "the backend is %b, but its hotplug script has not completed")   \
    X(BY_OTHERS, IS_ON, IN_4, IN_4, AID_TODO, SCRIPT, HOTPLUG_INCOMPLETE, INFO, INFO, CREATE,                \
      "B/hotplug-status=connected",                                                                          \
      "both ends are Connected, and hotplug-status is empty: some systems' scripts never write it")          \
    X(BY_ANY, IS_ON, IN_4, IN_4, AID_FINE | AID_SILENT, NOBODY, STUCK_CONNECT, INFO, INFO, CONNECT, NULL,    \
      "")                                                                                                    \
    X(BY_US, IS_ON, IN_4, IN_4, AID_TODO, BACKEND, STUCK_CONNECT, ERROR, WARNING, CONNECT, "worker",         \
      "both ends are Connected, but the worker does not serve")                                              \
    X(BY_US, IS_ON, IN_1, IN_ALL, AID_ANY, BACKEND, STUCK_CREATE, ERROR, WARNING, CREATE, "B/state=2",       \
      "the backend is still %b")                                                                             \
    X(BY_OTHERS, IS_ON, IN_0 | IN_1, IN_ALL, AID_ANY, BACKEND, UNCLAIMED_BACKEND, WARNING, WARNING, CREATE,  \
      "B/state=2", "no backend has claimed this device")                                                     \
    X(BY_ANY, IS_ON, IN_ABSENT | IN_0, IN_ALL, AID_ANY, TOOLSTACK, INCOMPLETE_DIR, WARNING, WARNING, CREATE, \
      "B/state=1", "the backend has no state: the toolstack has not finished writing it")                    \
    X(BY_US, IS_ON, IN_2 | IN_3, IN_3 | IN_4, AID_ANY, BACKEND, STUCK_CONNECT, ERROR, WARNING, CONNECT,      \
      "B/state=4", "the guest is ready, but its backend is still %b")                                        \
    X(BY_OTHERS, IS_ON, IN_2 | IN_3, IN_3 | IN_4, AID_ANY, BACKEND, STUCK_CONNECT, WARNING, WARNING,         \
      CONNECT, "B/state=4", "the guest is ready, but its backend is still %b")                               \
    X(BY_ANY, IS_ON, IN_2 | IN_3 | IN_4, IN_5, AID_ANY, BACKEND, STUCK_CLOSE, WARNING, WARNING, CLOSE,       \
      "B/state=5", "the frontend is %f, and its backend does not follow: it is still %b")                    \
    X(BY_ANY, IS_ON, IN_4, IN_6, AID_ANY, BACKEND, STUCK_CLOSE, WARNING, WARNING, CLOSE, "B/state=6",        \
      "the frontend is %f, and its backend does not follow: it is still %b")                                 \
    X(BY_ANY, IS_ON, IN_2 | IN_3, IN_6, AID_ANY, FRONTEND, CLOSED_ONLINE, INFO, INFO, CLOSE, "F/state=3",    \
      "attached, but the guest has closed its end")                                                          \
    X(BY_ANY, IS_ON, IN_2 | IN_3, IN_ABSENT | IN_0 | IN_1 | IN_2 | IN_7 | IN_8, AID_ANY, FRONTEND,           \
      STUCK_CONNECT, WARNING, INFO, CONNECT, "F/state=3",                                                    \
      "waiting for the guest's driver: the frontend is %f")                                                  \
    X(BY_ANY, IS_ON, IN_4, IN_3, AID_ANY, FRONTEND, STUCK_CONNECT, WARNING, WARNING, CONNECT, "F/state=4",   \
      "the backend is %b, but the guest has not finished connecting: the frontend is still %f")              \
    X(BY_US, IS_ON, IN_4, IN_1 | IN_2, AID_ANY, BACKEND, STUCK_CONNECT, ERROR, WARNING, CONNECT,             \
      "B/state=2", "the frontend has started over, but its backend is still %b")                             \
    X(BY_OTHERS, IS_ON, IN_4, IN_1 | IN_2, AID_ANY, BACKEND, ENDS_DISAGREE, WARNING, WARNING, CONNECT,       \
      "B/state=2", "the backend is %b, but the frontend %f")                                                 \
    X(BY_ANY, IS_ON, IN_4, IN_ABSENT | IN_0, AID_ANY, FRONTEND, ENDS_DISAGREE, WARNING, WARNING, CONNECT,    \
      "F/state=4", "the backend is %b, but the frontend %f")                                                 \
    X(BY_ANY, IS_ON, IN_4, IN_7 | IN_8, AID_ANY, FRONTEND, STUCK_RECONFIGURE, WARNING, INFO, CONNECT,        \
      "F/state=4", "the frontend is still %f")                                                               \
    X(BY_ANY, IS_ON, IN_5, IN_IDLE, AID_ANY, BACKEND, STUCK_CLOSE, ERROR, WARNING, CLOSE, "B/state=6",       \
      "the backend is still %b, and the frontend does not use it: it is %f")                                 \
    X(BY_ANY, IS_ON, IN_5, IN_USE, AID_ANY, FRONTEND, STUCK_CLOSE, ERROR, WARNING, CLOSE, "F/state=6",       \
      "the backend is %b, and the frontend still %f")                                                        \
    X(BY_ANY, IS_ON, IN_6, IN_ABSENT | IN_0 | IN_6, AID_ANY, FRONTEND, CLOSED_ONLINE, INFO, INFO, CLOSE,     \
      "F/state=1", "attached, but the backend is %b, and the frontend %f")                                   \
    X(BY_ANY, IS_ON, IN_6, IN_1 | IN_2 | IN_3, AID_ANY, BACKEND, STUCK_CONNECT, WARNING, WARNING, CONNECT,   \
      "B/state=2", "the frontend starts again (it is %f), but its backend stays %b")                         \
    X(BY_ANY, IS_ON, IN_6, IN_4 | IN_5 | IN_7 | IN_8, AID_ANY, FRONTEND, STUCK_CLOSE, WARNING, WARNING,      \
      CLOSE, "F/state=6", "the backend is %b, and the frontend still %f")                                    \
    X(BY_ANY, IS_ON, IN_7, IN_ALL, AID_ANY, BACKEND, STUCK_RECONFIGURE, WARNING, INFO, CONNECT, "B/state=8", \
      "the backend was told to reconfigure, and is still %b")                                                \
    X(BY_ANY, IS_ON, IN_8, IN_ALL, AID_ANY, FRONTEND, STUCK_RECONFIGURE, WARNING, INFO, CONNECT,             \
      "B/state=4", "the backend is %b, and the frontend has not taken it up")                                \
    X(BY_ANY, IS_OFF, IN_6, IN_ALL, AID_ANY, TOOLSTACK, NOT_REMOVED, WARNING, INFO, CLOSE, "B",              \
      "detached and Closed, but nobody removes it")                                                          \
    X(BY_ANY, IS_OFF, IN_5, IN_USE, AID_ANY, FRONTEND, STUCK_DETACH, ERROR, WARNING, CLOSE, "F/state=6",     \
      "detached, but the frontend is still %f")                                                              \
    X(BY_ANY, IS_OFF, IN_5, IN_IDLE, AID_ANY, BACKEND, STUCK_DETACH, ERROR, WARNING, CLOSE, "B/state=6",     \
      "detached, and the frontend does not use it, but the backend is still %b")                             \
    X(BY_ANY, IS_OFF, IN_2 | IN_3 | IN_4 | IN_7 | IN_8, IN_ALL, AID_ANY, BACKEND, STUCK_DETACH, WARNING,     \
      WARNING, CLOSE, "B/state=5", "detached, but the backend has not begun to close: it is still %b")       \
    X(BY_ANY, IS_OFF, IN_ABSENT | IN_0 | IN_1, IN_ALL, AID_ANY, TOOLSTACK, NOT_REMOVED, WARNING, INFO,       \
      CLOSE, "B", "detached before any backend took it, and nobody removes it")                              \
    X(BY_ANY, IS_ON | IS_OFF, IN_ALL, IN_UNREAD, AID_ANY, NOBODY, UNREADABLE, INFO, INFO, CLOSE, NULL, "")

struct lasting {
    unsigned owners, online, b, f, aid; /* sets */
    enum waits_for who;                 /* NOBODY: nothing is wrong as far as one can see */
    enum finding_code code;
    enum severity aged, unaged;
    enum policy_limit limit;
    const char *ends;
    const char *words;
};

extern const struct lasting lasting_lines[];
extern const size_t lasting_count;

/* The bit of a state in a set. */
unsigned lasting_state(enum xenbus_state state);
/* The first line that fits; each argument is one bit. NULL: none does, which cannot be. */
const struct lasting *lasting_find(unsigned owner, unsigned online, unsigned b, unsigned f, unsigned aid);

#endif
