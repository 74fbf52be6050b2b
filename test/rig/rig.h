/* SPDX-License-Identifier: MIT */
/* What the stand-ins for hypercalls share, and what they keep in the store's folder, $RIG_DIR:
 *
 *   domN.state    a word: running, paused, shutdown, crashed, dying or gone. Without the file, domain N is
 *                 there and running, so that a test which needs no domains of flesh and blood can name any
 *   domN.mem      its memory. A grant reference is the number of a page in it
 *   domN.grants   to whom which page is granted (grants.c)
 *   domN.granted  its memory once more: the name by which other domains map pages, to tell them from its own
 *   domN.socket   what /dev/xen/xenbus is to its processes (ring.c)
 *   evtchn        the event channels of all domains
 *   evtchn.N.H    where the events of domain N's open handle H arrive
 *
 * A process belongs to domain $RIG_DOMID, which is 0 when unset; handles keep what it was when they were
 * opened. Errors are as in the libraries that are replaced: -1 or NULL, and errno. */
#ifndef XENRECON_RIG_RIG_H
#define XENRECON_RIG_RIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RIG_PAGE = 4096, RIG_PATH = 256 };

/* False, and ENOENT or ENAMETOOLONG, without a $RIG_DIR that can be used. */
bool rig_path(char path[RIG_PATH], const char *format, ...) __attribute__((format(printf, 2, 3)));
uint32_t rig_domid(void);
bool rig_domain_exists(uint32_t domid);

/* What Xen does to event channels by itself. */
int rig_raise_virq(uint32_t domid, unsigned int virq);
int rig_close_ports(uint32_t domid);

/* What a domain does with its own memory. */
struct rig_memory {
    char *base;
    uint32_t pages;
    struct rig_grants *grants;
};
/* Makes it, zeroed, in place of an earlier one; `open`: every page is granted to everybody, for ever. */
int rig_memory_create(uint32_t domid, uint32_t pages, bool open);
int rig_memory_open(uint32_t domid, struct rig_memory *ret_memory);
/* To a domain, to be read only or not; to nobody. What is mapped stays mapped. EINVAL beyond the memory. */
int rig_grant(const struct rig_memory *memory, uint32_t page, uint32_t to, bool read_only);
int rig_revoke(const struct rig_memory *memory, uint32_t page);
/* Nothing can be mapped or copied from now on. */
int rig_memory_destroy(uint32_t domid);

#endif
