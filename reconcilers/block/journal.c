/* SPDX-License-Identifier: MIT */
#include "reconcilers/block/journal.h"

#include <string.h>

#define MAGIC    0x32626b6c78726a31ULL
#define RECORDED (1ULL << 32)

bool journal_begin(struct journal *j, uint64_t ring, uint32_t rsp_prod)
{
    /* who died between showing answers and noting that it did left rsp_prod at `put` */
    if (__atomic_load_n(&j->magic, __ATOMIC_ACQUIRE) == MAGIC && j->ring == ring &&
        (rsp_prod == j->pushed || rsp_prod == j->put))
        return true;
    journal_end(j);
    memset(j->entries, 0, sizeof j->entries);
    j->ring = ring;
    j->put = j->pushed = rsp_prod;
    __atomic_store_n(&j->magic, MAGIC, __ATOMIC_RELEASE);
    return false;
}

void journal_end(struct journal *j)
{
    __atomic_store_n(&j->magic, 0, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_RELEASE);
}

void journal_push(struct journal *j)
{
    __atomic_store_n(&j->pushed, j->put, __ATOMIC_RELEASE);
}

void journal_record(struct journal *j, uint32_t n_slots, uint32_t index, const struct response *response)
{
    struct journal_entry *e = &j->entries[index & (n_slots - 1)];
    __atomic_store_n(&e->mark, 0, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_RELEASE);
    e->id = response->id;
    e->op = response->op;
    e->status = response->status;
    __atomic_store_n(&e->mark, RECORDED | index, __ATOMIC_RELEASE);
    __atomic_store_n(&j->put, index + 1, __ATOMIC_RELEASE);
    /* and what the caller does to the ring next comes after it */
    __atomic_thread_fence(__ATOMIC_RELEASE);
}

bool journal_find(const struct journal *j, uint32_t n_slots, uint32_t index, struct response *ret_response)
{
    const struct journal_entry *e = &j->entries[index & (n_slots - 1)];
    if (__atomic_load_n(&e->mark, __ATOMIC_ACQUIRE) != (RECORDED | index))
        return false;
    *ret_response = (struct response){.id = e->id, .op = e->op, .status = e->status};
    return true;
}
