/* SPDX-License-Identifier: MIT */
/* One guest's memory and events: the ring's pages mapped, data copied by grants, one event channel.
 *
 * Owns the handles, the mapping and the port. One thread. The event handle is restricted to the guest's
 * domain when it is opened; gntdev knows no such thing. Errors are negative errno. Source: xengnttab.h,
 * xenevtchn.h, xen/grant_table.h. */
#ifndef XENRECON_BLOCK_GUEST_H
#define XENRECON_BLOCK_GUEST_H

#include <stdbool.h>
#include <stdint.h>

struct guest;

/* On an error, ret_why says in words what is wrong. */
int guest_open(uint16_t domid, struct guest **ret_guest, char ret_why[256]);
void guest_close(struct guest *g);

/* One mapping and one port at a time. */
int guest_map(struct guest *g, const uint32_t *refs, unsigned n, void **ret_pages);
int guest_bind(struct guest *g, uint32_t remote_port);
/* Gives back both, whatever there is. */
void guest_release(struct guest *g);

/* Collects a copy between a page of the guest and our memory; when there are many, the first are made at
 * once. A copy that fails sets *failed, when it is made, and leaves it alone when it does not. */
enum guest_copy { GUEST_COPY_IN, GUEST_COPY_OUT };
void guest_copy(struct guest *g, enum guest_copy direction, uint32_t ref, uint16_t offset, uint16_t len,
                void *local, bool *failed);
void guest_copy_all(struct guest *g); /* makes those collected */

int guest_fd(const struct guest *g); /* readable: an event */
/* Takes it, and blocks if there is none. True: it was for our port, which is masked now. */
bool guest_pending(struct guest *g);
void guest_unmask(struct guest *g);
void guest_notify(struct guest *g);

#endif
