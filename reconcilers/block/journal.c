/* SPDX-License-Identifier: MIT */
#include "reconcilers/block/journal.h"

#include <stddef.h>
#include <string.h>

#define MAGIC    0x33626b6c78726a31ULL
#define RECORDED (1ULL << 32)

/* Stores are seen by whoever comes after us in the order of the program, whatever moment is our last: that
 * takes no more than keeping the compiler, and the processor, to it. */
#define LAST(to, value) __atomic_store_n(to, value, __ATOMIC_RELEASE)
#define FIRST(to, value) \
    (__atomic_store_n(to, value, __ATOMIC_RELAXED), __atomic_thread_fence(__ATOMIC_RELEASE))

void journal_open(struct journal *j)
{
    if (j->magic == MAGIC)
        return;
    memset(j, 0, sizeof *j);
    LAST(&j->magic, MAGIC);
}

/* ---- connections ---- */

uint64_t journal_begin(struct journal *j, uint32_t n_slots, uint32_t rsp_prod)
{
    journal_end(j);
    memset(j->answers, 0, sizeof j->answers);
    memset(j->requests, 0, sizeof j->requests);
    j->n_slots = n_slots;
    j->taken = j->put = j->pushed = rsp_prod;
    if (++j->connections == 0)
        j->connections = 1;
    LAST(&j->connection, j->connections);
    return j->connection;
}

void journal_end(struct journal *j)
{
    FIRST(&j->connection, 0);
}

/* What its last step left half done: an answer that is not counted yet, or whose request still stands as
 * under way; a request that is not counted yet, and will be taken from the ring again. */
static void mend(struct journal *j)
{
    uint32_t mask = j->n_slots - 1;
    if (j->answers[j->put & mask].mark == (RECORDED | j->put))
        j->put++;
    const struct journal_answer *last = &j->answers[(j->put - 1) & mask];
    if (j->put != j->pushed && last->place < j->n_slots &&
        j->requests[last->place].mark == (RECORDED | last->request))
        j->requests[last->place].mark = 0;
    for (uint32_t i = 0; i < j->n_slots; i++)
        if (j->requests[i].mark == (RECORDED | j->taken))
            j->requests[i].mark = 0;
}

/* Whether it can be: as many answers and requests as the indices say. */
static bool holds(const struct journal *j, uint32_t rsp_prod)
{
    uint32_t under_way = 0;
    /* who died between showing answers and noting that it did left rsp_prod at `put` */
    if ((rsp_prod != j->pushed && rsp_prod != j->put) || j->put - j->pushed > j->n_slots)
        return false;
    for (uint32_t i = j->pushed; i != j->put; i++)
        if (j->answers[i & (j->n_slots - 1)].mark != (RECORDED | i))
            return false;
    for (uint32_t i = 0; i < j->n_slots; i++)
        under_way += j->requests[i].mark != 0;
    return under_way == j->taken - j->put;
}

bool journal_resume(struct journal *j, uint64_t connection, uint32_t n_slots, uint32_t rsp_prod)
{
    if (connection == 0 || j->connection != connection || j->n_slots != n_slots)
        return false;
    mend(j);
    return holds(j, rsp_prod);
}

/* ---- requests and answers ---- */

void journal_take(struct journal *j, uint32_t place, uint32_t index, const struct request *request)
{
    struct journal_request *q = &j->requests[place];
    uint32_t n = request->n_segments < BLKIF_MAX_SEGMENTS_PER_REQUEST ? request->n_segments
                                                                      : BLKIF_MAX_SEGMENTS_PER_REQUEST;
    /* not the segments that it has not: most requests have one */
    memcpy(&q->request, request, offsetof(struct request, segments) + n * sizeof *request->segments);
    LAST(&q->mark, RECORDED | index);
    LAST(&j->taken, index + 1);
}

void journal_record(struct journal *j, uint32_t place, const struct response *response)
{
    struct journal_answer *a = &j->answers[j->put & (j->n_slots - 1)];
    FIRST(&a->mark, 0);
    a->id = response->id;
    a->request = (uint32_t)j->requests[place].mark;
    a->place = (uint16_t)place;
    a->op = response->op;
    a->status = response->status;
    LAST(&a->mark, RECORDED | j->put);
    LAST(&j->put, j->put + 1);
    LAST(&j->requests[place].mark, 0);
    /* and what the caller does to the ring next comes after it */
    __atomic_thread_fence(__ATOMIC_RELEASE);
}

void journal_push(struct journal *j)
{
    LAST(&j->pushed, j->put);
}

void journal_answer_at(const struct journal *j, uint32_t index, struct response *ret_response)
{
    const struct journal_answer *a = &j->answers[index & (j->n_slots - 1)];
    *ret_response = (struct response){.id = a->id, .op = a->op, .status = a->status};
}

bool journal_request_at(const struct journal *j, uint32_t place, struct request *ret_request)
{
    const struct journal_request *q = &j->requests[place];
    if (!q->mark)
        return false;
    *ret_request = q->request;
    return true;
}

uint32_t journal_age(const struct journal *j, uint32_t place)
{
    const struct journal_request *q = &j->requests[place];
    return q->mark ? j->taken - (uint32_t)q->mark : 0;
}

void journal_lose(struct journal *j, int error)
{
    LAST(&j->lost, (uint64_t)error);
}
