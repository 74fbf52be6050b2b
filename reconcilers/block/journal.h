/* SPDX-License-Identifier: MIT */
/* What makes a worker's death harmless. Requests are answered in the order of the ring, so whoever takes over
 * does everything again that was not answered: what is between the ring's rsp_prod and req_prod. There is one
 * hole: an answer is put into the slot of its request before rsp_prod is moved, and a worker that dies in
 * between leaves slots that hold answers and are taken for requests. So each answer is recorded here before
 * it is put; whoever takes over finds those, and puts them again.
 *
 * A guest may end a connection and make another of the very same keys while no worker is there. Then the ring
 * is new, and its rsp_prod is not where the journal has it: what was recorded is forgotten.
 *
 * Doing a request twice is harmless: nothing later was answered, so the guest still waits for it and for all
 * that came after, and has no promise about their order.
 *
 * The memory is a file's, mapped by the caller, and outlives the process; what is ordered is what another
 * process sees after SIGKILL, not what survives the machine (nor does the guest). Pure. One thread. */
#ifndef XENRECON_BLOCK_JOURNAL_H
#define XENRECON_BLOCK_JOURNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "reconcilers/block/blkif.h"

struct journal_entry {
    uint64_t mark; /* RECORDED and the ring's index; written last, 0 while the rest is being written */
    uint64_t id;
    int16_t status;
    uint8_t op;
    uint8_t unused[5];
};

struct journal {
    uint64_t magic;  /* the version of all this; 0 in a file that is new */
    uint64_t ring;   /* which connection the entries belong to; meaningless while magic is 0 */
    uint32_t put;    /* the index after the last that was recorded … */
    uint32_t pushed; /* … and after the last that the guest was shown */
    struct journal_entry entries[RING_SLOTS_MAX]; /* by slot */
};

/* Ties the journal to a connection, whose ring has rsp_prod there. True: it was tied to this one already, its
 * entries hold. */
bool journal_begin(struct journal *j, uint64_t ring, uint32_t rsp_prod);
/* The connection has ended in good order. */
void journal_end(struct journal *j);

void journal_record(struct journal *j, uint32_t n_slots, uint32_t index, const struct response *response);

/* The guest was shown all that was recorded. */
void journal_push(struct journal *j);

/* False: nothing was recorded for this index. */
bool journal_find(const struct journal *j, uint32_t n_slots, uint32_t index, struct response *ret_response);

#endif
