/* SPDX-License-Identifier: MIT */
/* When the store is tried again, and what is said of its losses: the first pause is short and each is twice
 * the one before, until a store has stayed for a while after all in it was looked at. A store that is lost
 * again and again is told of at the first, second, fourth, eighth loss.
 *
 * Owned by the caller. One thread, the loop's. Times are milliseconds. */
#ifndef XENRECON_RECONNECT_H
#define XENRECON_RECONNECT_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

struct reconnect {
    uv_timer_t timer;
    void (*connect)(void *arg);
    void *arg;
    unsigned delay;
    unsigned losses;    /* since the store has stayed last */
    uint64_t stored_at; /* since when all in it has been looked at; 0: it has not */
};

void reconnect_open(struct reconnect *r, uv_loop_t *loop, void (*connect)(void *arg), void *arg);
void reconnect_close(struct reconnect *r); /* it must stay until the loop has turned */

/* All that is in the store has been looked at. */
void reconnect_stored(struct reconnect *r);
/* The store is lost: says so. */
void reconnect_lost(struct reconnect *r, const char *why);
/* Calls `connect` when the pause is over. */
void reconnect_later(struct reconnect *r);
/* Was nothing tried in vain since the store has stayed last? */
bool reconnect_first(const struct reconnect *r);

#endif
