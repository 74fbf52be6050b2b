/* SPDX-License-Identifier: MIT */
/* What the daemon remembers of a device between two decisions. `plan` has none: there the marker stands for
 * it. Values only: workers, watches and timers are the controller's. */
#ifndef XENRECON_OBJECT_H
#define XENRECON_OBJECT_H

#include <stdbool.h>
#include <stdint.h>

#include "reconcilers/image.h"
#include "schemas/plan.h"
#include "schemas/row.h"

#define OBJECT_PHASES(X)                                                                           \
    X(NONE, "none")                   /* we do not hold this device */                             \
    X(STARTING, "starting")           /* its worker is not ready yet */                            \
    X(READY, "ready")                 /* created: InitWait was written, or will be in this plan */ \
    X(CONNECTING, "connecting")       /* the worker connects */                                    \
    X(CONNECTED, "connected")         /* serves the frontend */                                    \
    X(DISCONNECTING, "disconnecting") /* the worker disconnects */                                 \
    X(DEAD, "dead")                   /* its worker died */

enum object_phase {
#define X(name, text) OBJECT_##name,
    OBJECT_PHASES(X)
#undef X
};

const char *object_phase_name(enum object_phase phase);

enum script_phase {
    SCRIPT_IDLE,
    SCRIPT_RUNNING, /* or it waits for its turn */
    SCRIPT_ENDED,   /* the next decision takes in its result */
};

/* A device's hotplug script. */
struct script {
    enum script_phase phase;
    bool removing;    /* the script that runs, or ran last, removes; else it adds */
    bool added;       /* a script of ours set the device up, and none took it down since */
    uint8_t failures; /* how often it failed in a row */
    int error;        /* why the last one failed, a negative errno; 0: it did not */
    uint64_t until;   /* milliseconds; after a failure it is not run before then */
    const char *said; /* words of the last one that failed, or NULL; owned by the controller */
};

struct object {
    enum object_phase phase;
    bool unpublished;      /* its worker was started, and InitWait was never written yet */
    bool front_connected;  /* F was seen Connected since we connected */
    uint8_t cycles;        /* frontend closed, or only started over, so often since cycles_since */
    uint64_t cycles_since; /* when the count of cycles began; milliseconds */
    uint64_t phase_since;  /* when the phase began; milliseconds; 0: unknown */
    uint64_t incarnation;  /* of the directory that it is held for, as in its marker */
    uint64_t command;      /* hash of the words that its worker was started with */
    uint64_t published;    /* hash of what the worker publishes, as it is in B; 0: not compared yet */
    struct script script;
};

/* The last failure of a plan, and how long nothing is tried again. */
struct failure {
    int error;       /* negative errno; 0: nothing went wrong */
    uint8_t attempt; /* failures in a row */
    enum row row;
    uint64_t until;  /* the end of the backoff; milliseconds */
    uint64_t digest; /* digest of the view; another view ends the backoff */
};

/* Milliseconds between looks at a device whose frontend cannot be watched. */
enum { UNWATCHED_POLL = 5000 };

/* Since when something is found of a device. */
struct said {
    enum finding_code code;
    uint64_t since; /* milliseconds */
};
enum { SAID_MAX = 8 };

struct memory {
    struct object object;
    struct condition condition;
    struct said said[SAID_MAX]; /* what was found last */
    size_t n_said;
    uint64_t
        contended_since; /* since when every transaction is spoiled by others; milliseconds; 0: none was */
    enum row row;        /* the row that decided last time */
    uint64_t row_since;  /* since when that row decides; milliseconds; 0: never decided */
    bool retired_policy; /* a reload dropped its policy: under it nothing is begun any more */
    int unwatched;       /* why the store refuses to watch its frontend, a negative errno; 0: it does not */
    struct failure failure;
    struct shared_image shared; /* who else writes to the device's image */
};

#endif
