/* SPDX-License-Identifier: MIT */
/* What makes a worker's death harmless: the state file, which outlives it. Three things are in it.
 *
 * - The requests under way. Answers are put in the order in which they come about, and an answer takes the
 *   place of a request that may still be under way. So each request is saved here before anything else is
 * put; whoever takes over does those again that have no answer.
 * - The answers since the ring's rsp_prod. An answer is put before rsp_prod is moved, and a worker that dies
 *   in between leaves slots that hold answers and would be taken for requests. So each answer is recorded
 *   before it is put; whoever takes over puts those again.
 * - That data was lost, which is true of the image, whatever connections come and go.
 *
 * Requests and answers are those of one connection. A guest may end it and make another of the very same keys
 * while no worker is there; so each has a number, which the worker writes into the ring itself. A ring that
 * was made anew has none, and what is in here is forgotten.
 *
 * Doing a request twice is harmless: it was not answered, so the guest has no promise about its order with
 * others that it has not waited for either.
 *
 * The memory is a file's, mapped by the caller; what is ordered is what another process sees after SIGKILL,
 * not what survives the machine (nor does the guest). What a dead worker wrote is checked before it is
 * believed, as somebody may have taken that one over. Pure. One thread. */
#ifndef XENRECON_BLOCK_JOURNAL_H
#define XENRECON_BLOCK_JOURNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "reconcilers/block/blkif.h"

struct journal_answer {
    uint64_t mark; /* RECORDED and the ring's index; written last, 0 while the rest is being written */
    uint64_t id;
    uint32_t request; /* the index of what it answers … */
    uint16_t place;   /* … and where that was saved */
    int16_t status;
    uint8_t op;
    uint8_t unused[7];
};

struct journal_request {
    uint64_t mark; /* RECORDED and the index that it was taken from; 0: no request, or an answered one */
    struct request request;
};

struct journal {
    uint64_t magic; /* the version of all this; another in a file that is new */
    uint64_t lost;  /* the errno of the error that lost data; 0: none was */
    uint64_t connections;
    uint64_t connection; /* whose requests and answers these are; 0: nobody's */
    uint32_t n_slots;
    uint32_t taken;                                  /* the index after the last request that was saved … */
    uint32_t put;                                    /* … after the last answer that was recorded … */
    uint32_t pushed;                                 /* … and after the last that the guest was shown */
    struct journal_answer answers[RING_SLOTS_MAX];   /* by the ring's slot */
    struct journal_request requests[RING_SLOTS_MAX]; /* by place, which is any that is free */
};

/* Makes a journal of whatever is in the file. */
void journal_open(struct journal *j);

/* The number of a new connection, which has rsp_prod there; what was in it of another is forgotten. */
uint64_t journal_begin(struct journal *j, uint32_t n_slots, uint32_t rsp_prod);
/* True: it is about the connection of that number still, and `taken`, `put`, its answers and requests hold.
 */
bool journal_resume(struct journal *j, uint64_t connection, uint32_t n_slots, uint32_t rsp_prod);
/* The connection has ended in good order. */
void journal_end(struct journal *j);

void journal_take(struct journal *j, uint32_t place, uint32_t index, const struct request *request);
/* The next answer, to the request at that place. It is free for another then. */
void journal_record(struct journal *j, uint32_t place, const struct response *response);
/* The guest was shown all that was recorded. */
void journal_push(struct journal *j);

/* The answer at an index before `put`. */
void journal_answer_at(const struct journal *j, uint32_t index, struct response *ret_response);
/* False: there is no request at this place. */
bool journal_request_at(const struct journal *j, uint32_t place, struct request *ret_request);

/* How many requests ago the one at this place was taken, the last being 1; 0: there is none. */
uint32_t journal_age(const struct journal *j, uint32_t place);

void journal_lose(struct journal *j, int error);

#endif
