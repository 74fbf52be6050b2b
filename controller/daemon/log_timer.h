/* SPDX-License-Identifier: MIT */
/* Has the log say what it suppressed when the time for that is over, though nobody logs anything any more.
 * Nothing runs while nothing is suppressed. One thread, the loop's. */
#ifndef XENRECON_LOG_TIMER_H
#define XENRECON_LOG_TIMER_H

#include <uv.h>

struct log_timer {
    uv_timer_t timer;
};

void log_timer_open(struct log_timer *t, uv_loop_t *loop);
void log_timer_close(struct log_timer *t); /* it must stay until the loop has turned */

#endif
