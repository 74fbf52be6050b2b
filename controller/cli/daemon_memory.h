/* SPDX-License-Identifier: MIT */
/* What the running daemon remembers of its devices, for commands that decide as it does: the policies in
 * force, each device's memory and worker, and its clock, so that ages are known. The daemon is asked once;
 * the commands read the store and decide by themselves.
 *
 * Owned by the caller. Blocks. One thread. */
#ifndef XENRECON_DAEMON_MEMORY_H
#define XENRECON_DAEMON_MEMORY_H

#include "reconcilers/object.h"
#include "reconcilers/worker.h"
#include "schemas/device.h"
#include "schemas/diagnostic.h"
#include "schemas/policy/policy.h"

struct daemon_memory;

/* 0; or a negative errno, and it was logged why the command goes on without the daemon: none runs, it does
 * not answer, or it is of another version or for another store. */
int daemon_memory_ask(const char *run_dir, struct daemon_memory **ret_recall);
void daemon_memory_free(struct daemon_memory *r); /* NULL is fine */

int daemon_memory_pid(const struct daemon_memory *r);
/* When its clock was 0, in milliseconds since 1970. */
uint64_t daemon_memory_epoch(const struct daemon_memory *r);
uint64_t daemon_memory_now(const struct daemon_memory *r); /* milliseconds of the daemon's clock */

/* Takes the daemon's policies out; once only. -EINVAL and *ret_why: one of them cannot be read. */
int daemon_memory_policies(struct daemon_memory *r, struct policy_set *ret_set, struct diagnostic *ret_why);

/* What is remembered of one device. */
struct remembered {
    struct device_key key;
    struct memory memory;
    struct worker worker;
};
struct remembered *daemon_memory_device(const struct daemon_memory *r,
                                        const struct device_key *key); /* NULL: the daemon does not know it */
bool daemon_memory_runs_workers(const struct daemon_memory *r);        /* false in a dry run */

#endif
