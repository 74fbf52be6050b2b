/* SPDX-License-Identifier: MIT */
/* The configuration of the workers' supervision, and of one worker that is to be started. Pointers are
 * good during the call only, but for the run directory's name, which must live as long as the workers. */
#ifndef XENRECON_WORKERS_CONFIG_H
#define XENRECON_WORKERS_CONFIG_H

#include <stdint.h>

#include "schemas/device.h"
#include "schemas/policy/policy.h"

struct uv_loop_s;

struct workers_config {
    struct uv_loop_s *loop;
    const char *run_dir; /* made if it is missing; only we may be able to change it */
    /* Something about this device's worker has changed. Never called from inside a call to workers_*(). */
    void (*changed)(void *arg, const struct device_key *key);
    void *arg;
    /* Milliseconds, for tests; 0: as xenrecon-worker(7) has them. */
    uint32_t kill_after;   /* from SIGTERM to SIGKILL: 5 s */
    uint32_t hello_within; /* from connecting, or from losing a connection, to `hello`: 10 s */
};

/* A worker to be started. */
struct worker_start {
    const struct device_key *key;
    uint64_t incarnation;
    const char *const *argv;     /* ends in NULL; placeholders are filled in */
    const struct policy *policy; /* its worker, deadlines and retry are used */
};

#endif
