/* SPDX-License-Identifier: MIT */
/* The words of vhost-user, as the side that has the requests says them to the side that does them: what a
 * disk is like, where the shared memory and its ring are.
 *
 * Waits for answers, so it is for before the process is locked in. What is answered is checked: who answers
 * has fewer rights than we have, and may have been taken over. Errors are negative errno. */
#ifndef XENRECON_BLOCK_VHOST_USER_H
#define XENRECON_BLOCK_VHOST_USER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the other side offers of a disk. */
struct vhost_user_disk {
    uint64_t sectors;                        /* of 512 bytes */
    uint32_t block_size, physical_size;      /* bytes */
    bool read_only, flush, discard;          /* what it can, or must not */
    uint32_t discard_max, discard_alignment; /* sectors */
    bool events_by_index;                    /* VIRTIO_RING_F_EVENT_IDX */
};

struct vhost_user_memory {
    int fd;
    void *at; /* where we see it … */
    size_t size;
    uint64_t guest; /* … and where addresses in the ring begin */
};

struct vhost_user_ring {
    uint32_t n;
    void *descriptors, *available, *used; /* in the memory */
    int kick, call;                       /* eventfds: ours to it, its to us */
};

/* Asks for the disk, and settles what both can do. `notes` is where the other side may say that the disk has
 * changed, one end of a pair of sockets; it is not taken over. */
int vhost_user_meet(int socket, int notes, struct vhost_user_disk *ret_disk, char ret_why[256]);
/* Hands over memory and ring; from then on the other side works. */
int vhost_user_hand_over(int socket, const struct vhost_user_memory *memory,
                         const struct vhost_user_ring *ring, char ret_why[256]);

#endif
