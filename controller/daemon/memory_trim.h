/* SPDX-License-Identifier: MIT */
/* Gives memory back when many devices have gone: glibc's allocator would keep their pages for as long as we
 * run. What another libc keeps is its own affair. That is done once it has been calm for a moment, as
 * whatever is in use meanwhile holds the page that it lies in. Nothing runs, no timer either, while no
 * devices go. One thread, the loop's. */
#ifndef XENRECON_MEMORY_TRIM_H
#define XENRECON_MEMORY_TRIM_H

#include <stddef.h>
#include <uv.h>

struct memory_trim {
    uv_timer_t timer;
    size_t most; /* devices that there were since memory was given back last */
    size_t now;
};

void memory_trim_open(struct memory_trim *t, uv_loop_t *loop);
void memory_trim_close(struct memory_trim *t); /* it must stay until the loop has turned */

/* So many devices there are. Cheap. */
void memory_trim_note(struct memory_trim *t, size_t devices);

#endif
