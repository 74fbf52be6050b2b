/* SPDX-License-Identifier: MIT */
/* What the running daemon remembers of its devices, for commands that decide as it does: the policies in
 * force, each device's memory and worker, and its clock, so that ages are known. The daemon is asked once; it
 * is the commands that read the store and decide. Blocks. */
#ifndef XENRECON_RECALL_H
#define XENRECON_RECALL_H

#include "reconcilers/object.h"
#include "reconcilers/worker.h"
#include "schemas/device.h"
#include "schemas/diagnostic.h"
#include "schemas/policy/policy.h"

struct recall;

/* 0; or a negative errno when no daemon runs there, or one of another version or for another store, or it
 * does not answer: then it has been said why it is done without. */
int recall_new(const char *run_dir, struct recall **ret_recall);
void recall_free(struct recall *r); /* NULL is fine */

int recall_pid(const struct recall *r);
uint64_t recall_now(const struct recall *r); /* on the daemon's clock */

/* Takes the daemon's policies out, once. -EINVAL and *ret_why: one cannot be read. */
int recall_policies(struct recall *r, struct policy_set *ret_set, struct diagnostic *ret_why);

/* Of one device; zeroes for one that the daemon does not know. */
struct recalled {
    struct device_key key;
    struct memory memory;
    struct worker worker;
    int unwatched; /* as for engine_remark() */
};
struct recalled *recall_device(const struct recall *r, const struct device_key *key); /* NULL: unknown */
bool recall_runs_workers(const struct recall *r);                                     /* false in a dry run */

#endif
