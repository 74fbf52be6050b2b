/* SPDX-License-Identifier: MIT */
/* What frontends and toolstacks do, as programs. Header only. */
#ifndef XENRECON_TEST_PROGRAMS_H
#define XENRECON_TEST_PROGRAMS_H

#include <stdbool.h>

enum verb {
    END,
    WAIT, /* until B is in one of the states; the rest needs no waiting */
    SET,  /* F's state */
    RING, /* F's connect keys */
};

struct step {
    enum verb verb;
    unsigned arg; /* a set of states, a state, or the ring's number */
};

#define IN(a, b)                    \
    {                               \
        WAIT, 1u << (a) | 1u << (b) \
    }
#define TO(state)  \
    {              \
        SET, state \
    }
#define CONNECT(n)  IN(2, 2), {RING, n}, TO(3), IN(4, 4), TO(4)
#define CLOSE       TO(5), IN(5, 6), TO(6)
#define AGAIN_AT(b) IN(b, b)
enum { STEPS = 16 };

static const struct frontend {
    const char *name;
    struct step steps[STEPS];
    bool stuck; /* with `cycle: on-closed` and a toolstack that keeps the device */
} frontends[] = {
    {"connects", {CONNECT(1)}, false},
    {"never says Initialised", {IN(2, 2), {RING, 1}, TO(4), IN(4, 4)}, false},
    {"does not wait for InitWait", {{RING, 1}, TO(3), IN(4, 4), TO(4)}, false},
    {"Initialised at probe", {{RING, 1}, TO(3), IN(2, 4), TO(4)}, false},
    {"reloads", {CONNECT(1), CLOSE, AGAIN_AT(6), TO(1), CONNECT(2)}, true},
    {"closes before it connects", {CLOSE, AGAIN_AT(6), TO(1), CONNECT(1)}, true},
    {"kexec", {CONNECT(1), TO(1), CONNECT(2)}, false},
    {"kexec, does not wait", {CONNECT(1), TO(1), {RING, 2}, TO(3), IN(4, 4), TO(4)}, false},
    {"kexec, talks to Connected", {CONNECT(1), TO(1), IN(2, 4), {RING, 2}, TO(3), IN(4, 4), TO(4)}, false},
    {"waits for nothing", {CONNECT(1), TO(5), TO(6), TO(1), {RING, 2}, TO(3), IN(4, 4), TO(4)}, false},
    {"comes back by InitWait", {CONNECT(1), CLOSE, AGAIN_AT(6), TO(2), CONNECT(2)}, true},
};

enum deed {
    DONE,
    DETACH,       /* online=0, and Closing unless Closed */
    WRITE_CLOSED, /* as libxl does just before it deletes */
    REMOVE,
    REMOVE_FRONTEND,
    REPLACE, /* detaches and attaches faster than anybody looks: new directories of the same names */
    CORRECT, /* writes another value of a key that a worker is started with, if nobody has answered yet */
};

static const struct toolstack {
    const char *name;
    enum deed deeds[3];
} toolstacks[] = {
    {"does nothing", {DONE}},
    {"writes Closed and deletes", {WRITE_CLOSED, REMOVE}},
    {"detaches", {DETACH}},
    {"detaches, then F goes", {DETACH, REMOVE_FRONTEND}},
    {"replaces the device", {REPLACE}},
    {"corrects itself", {CORRECT}},
};

static inline bool toolstack_keeps(const struct toolstack *t)
{
    return t->deeds[0] == DONE || t->deeds[0] == REPLACE || t->deeds[0] == CORRECT;
}

#endif
