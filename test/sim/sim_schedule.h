/* SPDX-License-Identifier: MIT */
/* A schedule: the world that it begins with, and what happens in it, step by step. As text, one step a line,
 * it can be kept, cut down and run again. */
#ifndef XENRECON_SIM_SCHEDULE_H
#define XENRECON_SIM_SCHEDULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { SIM_DEVICES = 3 };

#define SIM_STEPS(X)                                                                                    \
    X(SERVE, "serve")     /* the oldest request is carried out, and its reply delivered */              \
    X(PROCESS, "process") /* it is carried out */                                                       \
    X(REFUSE, "refuse")   /* it is answered with an error; 1: with another one */                       \
    X(REPLY, "reply")     /* number N of those that wait is delivered; likewise: */                     \
    X(EVENT, "event")                                                                                   \
    X(LOSE, "lose-event")                                                                               \
    X(REPEAT, "repeat-event") /* delivered, and it comes again */                                       \
    X(TICK, "tick")           /* the time that the engine wanted to be woken at has come */             \
    X(LATER, "later")         /* N milliseconds pass */                                                 \
    X(RESYNC, "resync")                                                                                 \
    X(FRONTEND, "frontend") /* of device N does what comes next; likewise: */                           \
    X(TOOLSTACK, "toolstack")                                                                           \
    X(NEWS, "news")            /* of the worker reach the engine */                                     \
    X(ENDS, "old-worker-ends") /* as in enum crew_move */                                               \
    X(ANSWERS, "worker-answers")                                                                        \
    X(ANNOUNCES, "worker-announces")                                                                    \
    X(PUBLISHES, "worker-publishes")                                                                    \
    X(REFUSES, "worker-refuses")                                                                        \
    X(DIES, "worker-dies")                                                                              \
    X(PARTS, "worker-is-cut-off")                                                                       \
    X(GROWS, "disk-grows")                                                                              \
    X(BACKEND, "other-backend") /* of device N, a kernel or QEMU, does what comes next; likewise: */    \
    X(SCRIPT_ENDS, "script-ends")                                                                       \
    X(SCRIPT_FAILS, "script-fails")                                                                     \
    X(OLD_SCRIPT_ENDS, "old-script-ends") /* one that was run by a controller that has died since */    \
    X(DOMAIN_DIES, "domain-dies")         /* that of device N */                                        \
    X(DOMAIN_RETURNS, "domain-returns")   /* another one of its number, with new devices */             \
    X(MODEL, "device-model")              /* of that domain comes, or goes */                           \
    X(RELOAD, "reload")                   /* of the policies: N as in enum sim_variant */               \
    X(CRASH, "crash")           /* the controller, and a new one starts; N: that many requests later */ \
    X(STORE_DIES, "store-dies") /* N: that many requests later */                                       \
    X(STORE_RETURNS, "store-returns") /* 1: empty */

enum sim_step_kind {
#define X(name, text) STEP_##name,
    SIM_STEPS(X)
#undef X
        STEP_COUNT,
};

struct sim_step {
    enum sim_step_kind kind;
    unsigned n;
};

/* How the world is at its beginning, and how much may go wrong in it. */
#define SIM_SETUP(X)                                                                            \
    X(devices)                                                                                  \
    X(frontend0)                                                                                \
    X(frontend1)                                                                                \
    X(frontend2) /* programs, as in programs.h */                                               \
    X(toolstack0)                                                                               \
    X(toolstack1)                                                                               \
    X(toolstack2)                                                                               \
    X(two_guests)    /* the second device is another guest's */                                 \
    X(owner)         /* the policy's; unless it is ours, somebody else serves the device */     \
    X(worker)        /* the policy has one */                                                   \
    X(hotplug)       /* it has scripts run: 1, which say in B what they did; 2, which do not */ \
    X(orphans)       /* it has them removed */                                                  \
    X(on_closed)     /* its `cycle` */                                                          \
    X(hold)          /* its holds, in milliseconds */                                           \
    X(removes)       /* it removes F and parents, too */                                        \
    X(driver_domain) /* we are one */                                                           \
    X(piecemeal)     /* toolstacks write key by key */                                          \
    X(counted)       /* incarnations are the least that are free */                             \
    X(prompt)        /* events are delivered at once */                                         \
    X(settled)       /* the controller has started before anything begins */                    \
    X(calm)          /* and all devices but the first are as they shall stay */                 \
    X(run_on)        /* requests whose answers nobody can change are carried out together */    \
    X(crashes)                                                                                  \
    X(mishaps)                                                                                  \
    X(losses)                                                                                   \
    X(deaths)                                                                                   \
    X(returns) /* of domains that died */                                                       \
    X(models)  /* a device model comes, or goes */                                              \
    X(reloads)                                                                                  \
    X(faults) /* that may happen */                                                             \
    X(seed)

struct sim_setup {
#define X(name) unsigned name;
    SIM_SETUP(X)
#undef X
};

struct sim_schedule {
    struct sim_setup setup;
    struct sim_step *steps;
    size_t n, cap;
};

const char *sim_step_name(enum sim_step_kind kind);
void sim_schedule_add(struct sim_schedule *s, struct sim_step step);
void sim_schedule_free(struct sim_schedule *s);
void sim_schedule_print(const struct sim_schedule *s, FILE *to);
/* 0, or -EINVAL and the line that is wrong. */
int sim_schedule_read(struct sim_schedule *ret, FILE *from, unsigned *ret_line);

#endif
