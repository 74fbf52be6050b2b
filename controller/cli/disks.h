/* SPDX-License-Identifier: MIT */
/* Which devices write to one image, where no daemon knows it: by what B says of each.
 *
 * The caller owns what is returned. Blocks. One thread. Errors are negative errno. */
#ifndef XENRECON_DISKS_H
#define XENRECON_DISKS_H

#include "controller/cli/inspect.h"
#include "controller/store/store.h"
#include "reconcilers/image.h"

struct disks;

struct disks_reader {
    struct store *store;
    int (*run)(void *arg, const bool *done); /* has requests answered until *done */
    void *arg;
};

/* Those of the devices that are disks. Sets *ret_disks even when it fails. */
int disks_read(const struct disks_reader *by, const struct policy_set *policies,
               const struct located *devices, size_t n, struct disks **ret_disks);
void disks_free(struct disks *x); /* NULL is fine */

/* Who else writes to its image; `x` NULL: nobody knows. */
struct shared_image disks_shared(const struct disks *x, uint16_t backend_domid, const struct device_key *key);

#endif
