/* SPDX-License-Identifier: MIT */
/* The books that the daemon keeps: the history of its decisions, the events of the host, and the metrics,
 * with their files. Owned by the status that they are part of. One thread, the loop's; a file that cannot be
 * written is logged. */
#ifndef XENRECON_STATUS_BOOKS_H
#define XENRECON_STATUS_BOOKS_H

#include "controller/daemon/status.h"

void status_books_open(struct status *s);
void status_books_own(struct status *s);    /* the run directory is ours: events go on in its file */
void status_books_close(struct status *s);  /* writes the metrics once more */
void status_books_finish(struct status *s); /* when the loop has turned */

void status_books_add(struct status *s, const struct reconciled *r); /* a decision */
void status_books_changed(
    struct status *s); /* something in the metrics has changed that no decision tells of */

#endif
