/* SPDX-License-Identifier: MIT */
#include "reconcilers/block/vhost.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/virtio_blk.h>
#include <linux/virtio_ring.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include "reconcilers/block/blkif.h"
#include "reconcilers/block/engine.h"
#include "reconcilers/block/vhost_user.h"
#include "schemas/mem.h"

enum {
    DESCRIPTORS = 1024,
    COMMANDS = DESCRIPTORS / 3, /* of a header, data, and a status each: more than a ring has requests */
    HEADERS = 64 * 1024,        /* where they begin, behind the ring … */
    DATA = 128 * 1024,          /* … and the data */
    MEMORY = DATA + ENGINE_DATA_SIZE,
};
#define GUEST 0x100000000ULL /* addresses in the ring begin here: any that are not 0 would do */

_Static_assert((int)COMMANDS > (int)RING_SLOTS_MAX + 1, "each request has one, and so has a flush");

/* In the shared memory; the other side may change it at any time. */
struct header {
    struct virtio_blk_outhdr request;
    struct virtio_blk_discard_write_zeroes range;
    uint8_t status;
};
_Static_assert(HEADERS + COMMANDS * sizeof(struct header) <= DATA, "they fit");

struct vhost {
    struct engine engine;
    struct vhost_config config;
    struct vhost_user_disk disk;
    int socket, kick, call;
    int notes; /* what the other side has to say, which we hear from others */
    char *memory;
    struct vring ring;
    struct io *under_way[COMMANDS]; /* NULL: the command is free */
    uint16_t free[COMMANDS];
    unsigned n_free;
    uint16_t put, shown; /* indices of the ring: after what we put, and what the other side may see of it */
    uint16_t seen;       /* after the last answer that we took */
    struct io *waiting, **waiting_end; /* for a command */
    uv_poll_t poll_socket, poll_call, poll_notes;
    unsigned handles;
    const char *gone; /* why; it is told by … */
    uv_idle_t teller;
};

static struct vhost *vhost_of(struct engine *e)
{
    return (struct vhost *)(void *)((char *)e - offsetof(struct vhost, engine));
}

static struct header *header_of(struct vhost *v, unsigned command)
{
    return (struct header *)(void *)(v->memory + HEADERS) + command;
}

static uint64_t address(const struct vhost *v, const void *at)
{
    return GUEST + (uint64_t)((const char *)at - v->memory);
}

/* ---- its end ---- */

static void on_teller(uv_idle_t *idle)
{
    struct vhost *v = idle->data;
    uv_idle_stop(idle);
    v->config.gone(v->config.arg, v->gone);
}

static void give_up(struct vhost *v, const char *why)
{
    if (v->gone)
        return;
    v->gone = why;
    if (v->handles == 0)
        return; /* whoever waits for it sees it */
    uv_poll_stop(&v->poll_socket);
    uv_poll_stop(&v->poll_call);
    uv_idle_start(&v->teller, on_teller);
}

/* ---- requests ---- */

static uint64_t length_now(const struct vhost *v, const struct io *io)
{
    uint64_t left = io->length - io->progress, most = (uint64_t)v->disk.discard_max * SECTOR;
    return io->kind == IO_DISCARD && left > most ? most : left;
}

static void put(struct vhost *v, struct io *io)
{
    static const uint32_t types[] = {[IO_READ] = VIRTIO_BLK_T_IN,
                                     [IO_WRITE] = VIRTIO_BLK_T_OUT,
                                     [IO_FLUSH] = VIRTIO_BLK_T_FLUSH,
                                     [IO_DISCARD] = VIRTIO_BLK_T_DISCARD};
    unsigned command = v->free[--v->n_free];
    struct header *h = header_of(v, command);
    struct vring_desc *d = &v->ring.desc[(size_t)command * 3];
    uint16_t first = (uint16_t)(command * 3), n = 0;
    uint64_t at = io->offset + io->progress, len = length_now(v, io);
    v->under_way[command] = io;
    *h = (struct header){.request = {.type = types[io->kind]}, .status = 0xff};
    d[n++] = (struct vring_desc){address(v, &h->request), sizeof h->request, VRING_DESC_F_NEXT, 0};
    if (io->kind == IO_DISCARD) {
        h->range = (struct virtio_blk_discard_write_zeroes){.sector = at / SECTOR,
                                                            .num_sectors = (uint32_t)(len / SECTOR)};
        d[n++] = (struct vring_desc){address(v, &h->range), sizeof h->range, VRING_DESC_F_NEXT, 0};
    } else if (io->kind != IO_FLUSH) {
        uint16_t flags = (uint16_t)(VRING_DESC_F_NEXT | (io->kind == IO_READ ? VRING_DESC_F_WRITE : 0));
        h->request.sector = at / SECTOR;
        d[n++] = (struct vring_desc){address(v, io->data), (uint32_t)len, flags, 0};
    }
    d[n++] = (struct vring_desc){address(v, &h->status), 1, VRING_DESC_F_WRITE, 0};
    for (uint16_t i = 0; i + 1 < n; i++)
        d[i].next = (uint16_t)(first + i + 1);
    v->ring.avail->ring[v->put++ % DESCRIPTORS] = first;
}

static bool submit(struct engine *e, struct io *io)
{
    struct vhost *v = vhost_of(e);
    io->next = NULL;
    if (v->n_free > 0 && !v->waiting) {
        put(v, io);
    } else {
        *v->waiting_end = io;
        v->waiting_end = &io->next;
    }
    return false;
}

static void put_waiting(struct vhost *v)
{
    while (v->waiting && v->n_free > 0) {
        struct io *io = v->waiting;
        v->waiting = io->next;
        if (!io->next)
            v->waiting_end = &v->waiting;
        put(v, io);
    }
}

static void show(struct vhost *v)
{
    const uint64_t one = 1;
    uint16_t from = v->shown;
    if (v->put == from)
        return;
    v->shown = v->put;
    __atomic_store_n(&v->ring.avail->idx, v->put, __ATOMIC_RELEASE);
    __atomic_thread_fence(__ATOMIC_SEQ_CST); /* it says that it sleeps, and looks once more; we likewise */
    bool wanted = v->disk.events_by_index ? vring_need_event(vring_avail_event(&v->ring), v->put, from)
                                          : !(v->ring.used->flags & VRING_USED_F_NO_NOTIFY);
    if (wanted && write(v->kick, &one, sizeof one) < 0 && errno != EAGAIN)
        give_up(v, "it cannot be notified");
}

/* ---- answers ---- */

static void ended(struct vhost *v, unsigned command)
{
    struct io *io = v->under_way[command];
    uint8_t status = __atomic_load_n(&header_of(v, command)->status, __ATOMIC_RELAXED);
    v->under_way[command] = NULL;
    v->free[v->n_free++] = (uint16_t)command;
    if (status != VIRTIO_BLK_S_OK)
        io->error = status == VIRTIO_BLK_S_UNSUPP ? -EOPNOTSUPP : -EIO;
    else
        io->progress += length_now(v, io);
    if (!io->error && io->progress < io->length)
        submit(&v->engine, io); /* the next piece of a discard */
    else
        v->engine.done(v->engine.arg, io);
}

/* False: there is none. */
static bool take_answer(struct vhost *v)
{
    uint16_t n = (uint16_t)(__atomic_load_n(&v->ring.used->idx, __ATOMIC_ACQUIRE) - v->seen);
    if (n == 0 || v->gone)
        return false;
    uint32_t first = v->ring.used->ring[v->seen % DESCRIPTORS].id, command = first / 3;
    if (n > COMMANDS - v->n_free || first % 3 || command >= COMMANDS || !v->under_way[command]) {
        give_up(v, "it answers what it was not asked");
        return false;
    }
    v->seen++;
    ended(v, command);
    return true;
}

/* Takes all that is there, and asks to be told of the next one. */
static void take_answers(struct vhost *v)
{
    do {
        while (take_answer(v))
            ;
        vring_used_event(&v->ring) = v->seen;
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
    } while (!v->gone && __atomic_load_n(&v->ring.used->idx, __ATOMIC_ACQUIRE) != v->seen);
    put_waiting(v);
    show(v);
}

static void start(struct engine *e)
{
    struct vhost *v = vhost_of(e);
    put_waiting(v);
    show(v);
}

static void on_call(uv_poll_t *poll, int status, int events)
{
    struct vhost *v = poll->data;
    uint64_t n;
    (void)events;
    if (status == 0 && read(v->call, &n, sizeof n) == sizeof n)
        take_answers(v);
}

/* It has nothing to say any more. */
static void on_socket(uv_poll_t *poll, int status, int events)
{
    (void)status, (void)events;
    give_up(poll->data, "it is gone");
}

/* Read, so that there is always room for more. */
static void on_notes(uv_poll_t *poll, int status, int events)
{
    const struct vhost *v = poll->data;
    char notes[256];
    (void)events;
    if (status || read(v->notes, notes, sizeof notes) == 0)
        uv_poll_stop(poll);
}

/* ---- before there is a loop ---- */

static void note(void *arg, struct io *io)
{
    (void)io;
    *(bool *)arg = true;
}

int vhost_do_now(void *arg, struct io *io)
{
    struct vhost *v = arg;
    bool done = false;
    v->engine.done = note;
    v->engine.arg = &done;
    engine_submit(&v->engine, io);
    engine_start(&v->engine);
    while (!done && !v->gone) {
        struct pollfd p[] = {{.fd = v->call, .events = POLLIN}, {.fd = v->socket, .events = POLLIN}};
        uint64_t n;
        if (poll(p, 2, -1) < 0)
            continue;
        if (p[1].revents)
            give_up(v, "it is gone");
        else if (read(v->call, &n, sizeof n) == sizeof n)
            take_answers(v);
    }
    return done ? io->error : -ECONNRESET;
}

/* ---- life ---- */

/* The other side cannot make it shorter under us. */
static int make_memory(struct vhost *v, int *ret_fd)
{
    int fd = memfd_create("xenrecon-blk", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0)
        return -errno;
    if (ftruncate(fd, MEMORY) || fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) ||
        (v->memory = mmap(NULL, MEMORY, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0)) == MAP_FAILED) {
        int error = -errno;
        close(fd);
        v->memory = NULL;
        return error;
    }
    *ret_fd = fd;
    return 0;
}

static void release(struct vhost *v)
{
    const int fds[] = {v->socket, v->kick, v->call, v->notes};
    for (size_t i = 0; i < sizeof fds / sizeof *fds; i++)
        if (fds[i] >= 0)
            close(fds[i]);
    if (v->memory)
        munmap(v->memory, MEMORY);
    free(v);
}

static int hand_over(struct vhost *v, char ret_why[256])
{
    struct vhost_user_memory memory = {.fd = -1, .size = MEMORY, .guest = GUEST};
    v->kick = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    v->call = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    int error = v->kick < 0 || v->call < 0 ? -errno : make_memory(v, &memory.fd);
    if (error) {
        snprintf(ret_why, 256, "memory for the ring: %s", strerror(-error));
        return error;
    }
    vring_init(&v->ring, DESCRIPTORS, v->memory, RING_PAGE);
    memory.at = v->memory;
    const struct vhost_user_ring ring = {.n = DESCRIPTORS,
                                         .descriptors = v->ring.desc,
                                         .available = v->ring.avail,
                                         .used = v->ring.used,
                                         .kick = v->kick,
                                         .call = v->call};
    error = vhost_user_hand_over(v->socket, &memory, &ring, ret_why);
    close(memory.fd);
    return error;
}

static int meet(struct vhost *v, char ret_why[256])
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
        return -errno;
    v->notes = ends[0];
    fcntl(v->notes, F_SETFL, O_NONBLOCK);
    int error = vhost_user_meet(v->socket, ends[1], &v->disk, ret_why);
    close(ends[1]);
    return error;
}

int vhost_open(int socket, struct vhost **ret_vhost, struct vhost_user_disk *ret_disk, char ret_why[256])
{
    struct vhost *v = xcalloc(1, sizeof *v);
    v->socket = socket;
    v->kick = v->call = v->notes = -1;
    v->waiting_end = &v->waiting;
    for (uint16_t i = COMMANDS; i-- > 0;)
        v->free[v->n_free++] = i;
    int error = meet(v, ret_why);
    if (!error)
        error = hand_over(v, ret_why);
    if (error) {
        release(v);
        return error;
    }
    v->engine = (struct engine){.submit = submit, .start = start, .data = v->memory + DATA};
    *ret_disk = v->disk;
    *ret_vhost = v;
    return 0;
}

void vhost_begin(struct vhost *v, const struct vhost_config *config)
{
    v->config = *config;
    uv_poll_init(config->loop, &v->poll_socket, v->socket);
    uv_poll_init(config->loop, &v->poll_call, v->call);
    uv_poll_init(config->loop, &v->poll_notes, v->notes);
    uv_idle_init(config->loop, &v->teller);
    v->poll_socket.data = v->poll_call.data = v->poll_notes.data = v->teller.data = v;
    v->handles = 4;
    uv_poll_start(&v->poll_socket, UV_READABLE | UV_DISCONNECT, on_socket);
    uv_poll_start(&v->poll_call, UV_READABLE, on_call);
    uv_poll_start(&v->poll_notes, UV_READABLE, on_notes);
}

static void on_closed(uv_handle_t *handle)
{
    struct vhost *v = handle->data;
    if (--v->handles == 0)
        release(v);
}

void vhost_close(struct vhost *v)
{
    if (!v)
        return;
    uv_close((uv_handle_t *)&v->poll_socket, on_closed);
    uv_close((uv_handle_t *)&v->poll_call, on_closed);
    uv_close((uv_handle_t *)&v->poll_notes, on_closed);
    uv_close((uv_handle_t *)&v->teller, on_closed);
}

struct engine *vhost_engine(struct vhost *v)
{
    return &v->engine;
}
