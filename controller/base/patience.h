/* SPDX-License-Identifier: MIT */
/* How long to wait for what others do. Time in which we did not run ourselves, having been stopped, suspended
 * or left without a processor, is not theirs: it is not counted, where it was more than PATIENCE_SLACK at a
 * time. And nobody is late before what had arrived was read.
 *
 * To notice that we did not run, the timer goes off every second as long as anything is waited for.
 *
 * The owner keeps its deadlines, in milliseconds of patience_now(). One thread, the loop's; nothing fails. */
#ifndef XENRECON_PATIENCE_H
#define XENRECON_PATIENCE_H

#include <uv.h>

enum { PATIENCE_SLACK = 1000 /* milliseconds */ };

struct patience {
    uv_timer_t timer;
    uint64_t lost;  /* milliseconds that were not counted, ever */
    uint64_t wakes; /* when the timer is set to go off, milliseconds of the loop; 0: it is not set */
    uint64_t due;   /* the first deadline; 0: there is none */
    unsigned turns; /* of the loop, since it has passed */
    /* Deals with the deadlines that have passed by now, and returns the first of the others; 0: there is
     * none. */
    uint64_t (*look)(void *arg, uint64_t now);
    void (*closed)(void *arg);
    void *arg;
};

void patience_open(struct patience *p, uv_loop_t *loop, uint64_t (*look)(void *arg, uint64_t now), void *arg);
/* `closed` is called when the loop has turned. */
void patience_close(struct patience *p, void (*closed)(void *arg));

uint64_t patience_now(const struct patience *p); /* never 0 */

/* Has `look` called once this time has come. */
void patience_until(struct patience *p, uint64_t at);

#endif
