/* SPDX-License-Identifier: MIT */
/* What the stand-ins for hypercalls share, and what they keep in the store's folder, $RIG_DIR:
 *
 *   domN.state   a word: running, paused, shutdown, crashed, dying or gone. Without the file, domain N is
 * there and running, so that a test which needs no domains of flesh and blood can name any domN.mem     its
 * memory. A grant reference is the number of a page in it domN.socket  what /dev/xen/xenbus is to its
 * processes (ring.c) evtchn       the event channels of all domains;  evtchn.H: where the events of one open
 * handle arrive
 *
 * A process belongs to domain $RIG_DOMID, which is 0 when unset; handles keep what it was when they were
 * opened. Errors are as in the libraries that are replaced: -1 or NULL, and errno. */
#ifndef XENRECON_RIG_RIG_H
#define XENRECON_RIG_RIG_H

#include <stdbool.h>
#include <stdint.h>

enum { RIG_PAGE = 4096, RIG_PATH = 256 };

/* False, and ENOENT or ENAMETOOLONG, without a $RIG_DIR that can be used. */
bool rig_path(char path[RIG_PATH], const char *format, ...) __attribute__((format(printf, 2, 3)));
uint32_t rig_domid(void);
bool rig_domain_exists(uint32_t domid);

/* What Xen does to event channels by itself. */
int rig_raise_virq(uint32_t domid, unsigned int virq);
int rig_close_ports(uint32_t domid);

#endif
