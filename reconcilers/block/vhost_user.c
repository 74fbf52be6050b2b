/* SPDX-License-Identifier: MIT */
#include "reconcilers/block/vhost_user.h"

#include <errno.h>
#include <linux/virtio_blk.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "reconcilers/block/blkif.h"
#include "reconcilers/block/descriptor.h"

/* Of the specification "Vhost-user Protocol" in QEMU's documentation, which no header has. */
enum {
    GET_FEATURES = 1,
    SET_FEATURES = 2,
    SET_OWNER = 3,
    SET_MEM_TABLE = 5,
    SET_VRING_NUM = 8,
    SET_VRING_ADDR = 9,
    SET_VRING_BASE = 10,
    SET_VRING_KICK = 12,
    SET_VRING_CALL = 13,
    GET_PROTOCOL_FEATURES = 15,
    SET_PROTOCOL_FEATURES = 16,
    SET_VRING_ENABLE = 18,
    SET_BACKEND_REQ_FD = 21,
    GET_CONFIG = 24,

    VERSION = 1,
    IS_ANSWER = 1 << 2,
    FEATURE_PROTOCOL_FEATURES = 30,
    PROTOCOL_FEATURE_BACKEND_REQ = 5,
    PROTOCOL_FEATURE_CONFIG = 9,
    CONFIG_SIZE = offsetof(struct virtio_blk_config, max_write_zeroes_sectors),
    PATIENCE_S = 10,
};

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "virtio's numbers are little-endian");

struct header {
    uint32_t request, flags, size;
};

struct region {
    uint64_t guest, size, ours, offset;
};

struct memory_table {
    uint32_t n, unused;
    struct region regions[1];
};

struct vring_number {
    uint32_t index, n;
};

struct vring_places {
    uint32_t index, flags;
    uint64_t descriptors, used, available, log;
};

struct config {
    uint32_t offset, size, flags;
    char space[CONFIG_SIZE];
};

/* The largest of what is said with a request. */
_Static_assert(sizeof(struct config) >= sizeof(struct memory_table) &&
                   sizeof(struct config) >= sizeof(struct vring_places),
               "");

static uint64_t bit(unsigned n)
{
    return 1ULL << n;
}

static int say_with(int socket, uint32_t request, const void *payload, size_t size, int fd)
{
    const struct header h = {.request = request, .flags = VERSION, .size = (uint32_t)size};
    char message[sizeof h + sizeof(struct config)];
    memcpy(message, &h, sizeof h);
    if (size)
        memcpy(message + sizeof h, payload, size);
    return descriptor_send(socket, message, sizeof h + size, fd) ? -errno : 0;
}

static int say_number(int socket, uint32_t request, uint64_t number, int fd)
{
    return say_with(socket, request, &number, sizeof number, fd);
}

static int receive(int socket, void *to, size_t size)
{
    ssize_t n = recv(socket, to, size, MSG_WAITALL);
    return n < 0 ? -errno : (size_t)n != size ? -EPROTO : 0;
}

/* The answer's payload has this size, or it is none. */
static int hear(int socket, uint32_t request, void *to, size_t size)
{
    struct header h;
    int error = receive(socket, &h, sizeof h);
    if (error)
        return error;
    if (h.request != request || !(h.flags & IS_ANSWER) || h.size != size)
        return -EPROTO;
    return receive(socket, to, size);
}

static int ask(int socket, uint32_t request, uint64_t *ret)
{
    int error = say_with(socket, request, NULL, 0, -1);
    return error ? error : hear(socket, request, ret, sizeof *ret);
}

static int ask_config(int socket, struct virtio_blk_config *ret)
{
    struct config c = {.size = CONFIG_SIZE};
    int error = say_with(socket, GET_CONFIG, &c, sizeof c, -1);
    if (!error)
        error = hear(socket, GET_CONFIG, &c, sizeof c);
    if (!error && c.size != CONFIG_SIZE)
        error = -EPROTO;
    if (!error)
        memcpy(ret, c.space, CONFIG_SIZE);
    return error;
}

/* ---- what is like what ---- */

static const char *look_at(const struct virtio_blk_config *c, uint64_t features, struct vhost_user_disk *ret)
{
    struct vhost_user_disk d = {.sectors = c->capacity,
                                .block_size = SECTOR,
                                .read_only = features & bit(VIRTIO_BLK_F_RO),
                                .flush = features & bit(VIRTIO_BLK_F_FLUSH),
                                .discard = features & bit(VIRTIO_BLK_F_DISCARD),
                                .discard_max = c->max_discard_sectors,
                                .discard_alignment = c->discard_sector_alignment,
                                .events_by_index = features & bit(VIRTIO_RING_F_EVENT_IDX)};
    if (features & bit(VIRTIO_BLK_F_BLK_SIZE))
        d.block_size = c->blk_size;
    d.physical_size = d.block_size;
    if (features & bit(VIRTIO_BLK_F_TOPOLOGY) && c->physical_block_exp < 8)
        d.physical_size = d.block_size << c->physical_block_exp;
    if (d.sectors > INT64_MAX / SECTOR)
        return "it has a size that cannot be";
    if (d.block_size < SECTOR || d.block_size > RING_PAGE || (d.block_size & (d.block_size - 1)))
        return "it has sectors of a size that a guest cannot have";
    if (!d.flush && !d.read_only)
        return "it offers no flush";
    d.discard = d.discard && d.discard_max > 0 && c->max_discard_seg > 0;
    *ret = d;
    return NULL;
}

static int fail(char ret_why[256], const char *what, int error)
{
    snprintf(ret_why, 256, "the server of the format: %s: %s", what, strerror(-error));
    return error;
}

/* QEMU from 8 on takes it for the end of all when a disk grows and it has nowhere to say so. */
static int hand_over_notes(int socket, uint64_t features, int notes)
{
    uint64_t both = bit(PROTOCOL_FEATURE_CONFIG) | (features & bit(PROTOCOL_FEATURE_BACKEND_REQ));
    int error = say_number(socket, SET_PROTOCOL_FEATURES, both, -1);
    if (!error && both & bit(PROTOCOL_FEATURE_BACKEND_REQ))
        error = say_with(socket, SET_BACKEND_REQ_FD, NULL, 0, notes);
    return error;
}

int vhost_user_meet(int socket, int notes, struct vhost_user_disk *ret_disk, char ret_why[256])
{
    const struct timeval patience = {.tv_sec = PATIENCE_S};
    const uint64_t needed = bit(VIRTIO_F_VERSION_1) | bit(FEATURE_PROTOCOL_FEATURES);
    const uint64_t useful = bit(VIRTIO_RING_F_EVENT_IDX) | bit(VIRTIO_BLK_F_RO) | bit(VIRTIO_BLK_F_FLUSH) |
                            bit(VIRTIO_BLK_F_DISCARD) | bit(VIRTIO_BLK_F_BLK_SIZE) |
                            bit(VIRTIO_BLK_F_TOPOLOGY);
    struct virtio_blk_config config = {0};
    uint64_t features = 0, more = 0;
    setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    int error = ask(socket, GET_FEATURES, &features);
    if (!error && (features & needed) != needed)
        error = -EPROTONOSUPPORT;
    if (!error)
        error = ask(socket, GET_PROTOCOL_FEATURES, &more);
    if (!error && !(more & bit(PROTOCOL_FEATURE_CONFIG)))
        error = -EPROTONOSUPPORT;
    if (!error)
        error = hand_over_notes(socket, more, notes);
    if (!error)
        error = say_with(socket, SET_OWNER, NULL, 0, -1);
    if (!error)
        error = say_number(socket, SET_FEATURES, features & (needed | useful), -1);
    if (!error)
        error = ask_config(socket, &config);
    if (error)
        return fail(ret_why, "asking for the disk", error);
    const char *wrong = look_at(&config, features, ret_disk);
    if (wrong)
        snprintf(ret_why, 256, "the server of the format: %s", wrong);
    return wrong ? -EPROTO : 0;
}

int vhost_user_hand_over(int socket, const struct vhost_user_memory *memory,
                         const struct vhost_user_ring *ring, char ret_why[256])
{
    struct memory_table table = {
        .n = 1, .regions = {{.guest = memory->guest, .size = memory->size, .ours = (uintptr_t)memory->at}}};
    struct vring_number size = {.n = ring->n}, base = {0}, on = {.n = 1};
    struct vring_places places = {.descriptors = (uintptr_t)ring->descriptors,
                                  .used = (uintptr_t)ring->used,
                                  .available = (uintptr_t)ring->available};
    uint64_t features;
    int error = say_with(socket, SET_MEM_TABLE, &table, sizeof table, memory->fd);
    if (!error)
        error = say_with(socket, SET_VRING_NUM, &size, sizeof size, -1);
    if (!error)
        error = say_with(socket, SET_VRING_BASE, &base, sizeof base, -1);
    if (!error)
        error = say_with(socket, SET_VRING_ADDR, &places, sizeof places, -1);
    if (!error)
        error = say_number(socket, SET_VRING_CALL, 0, ring->call);
    if (!error)
        error = say_number(socket, SET_VRING_KICK, 0, ring->kick);
    if (!error)
        error = say_with(socket, SET_VRING_ENABLE, &on, sizeof on, -1);
    if (!error) /* when that is answered, all before it was heard */
        error = ask(socket, GET_FEATURES, &features);
    return error ? fail(ret_why, "handing over the ring", error) : 0;
}
