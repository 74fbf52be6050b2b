/* SPDX-License-Identifier: MIT */
/* Gives memory back when many devices have gone: the allocator would keep their pages for as long as we run.
 * That is done once it has been calm for a moment, as whatever is in use meanwhile holds the page that it
 * lies in. Nothing runs, no timer either, while no devices go. One thread, the loop's. */
#ifndef XENRECON_THRIFT_H
#define XENRECON_THRIFT_H

#include <stddef.h>
#include <uv.h>

struct thrift {
    uv_timer_t timer;
    size_t most; /* devices that there were since memory was given back last */
    size_t now;
};

void thrift_open(struct thrift *t, uv_loop_t *loop);
void thrift_close(struct thrift *t); /* it must stay until the loop has turned */

/* So many devices there are. Cheap. */
void thrift_note(struct thrift *t, size_t devices);

#endif
