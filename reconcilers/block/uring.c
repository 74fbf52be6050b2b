/* SPDX-License-Identifier: MIT */
#include "reconcilers/block/uring.h"

#include <errno.h>
#include <liburing.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <uv.h>

#include "reconcilers/block/engine.h"
#include "schemas/mem.h"

enum {
    FILE_INDEX = 0, /* among the registered ones: the only one */
    RETRY_MS = 5,
};

struct uring {
    struct io_uring ring;
    struct uring_config config;
    uv_poll_t poll;
    uv_timer_t retry;
    unsigned n_unsubmitted;
};

/* ---- opening ---- */

/* Debian 12's liburing declares functions for these two, but exports none. */
static int register_with(const struct io_uring *ring, unsigned what, const void *arg, unsigned n)
{
    return syscall(SYS_io_uring_register, ring->ring_fd, what, arg, n) < 0 ? -errno : 0;
}

static int restrict_to(const struct io_uring *ring)
{
    static const struct io_uring_restriction allowed[] = {
        {.opcode = IORING_RESTRICTION_SQE_OP, .sqe_op = IORING_OP_READ},
        {.opcode = IORING_RESTRICTION_SQE_OP, .sqe_op = IORING_OP_WRITE},
        {.opcode = IORING_RESTRICTION_SQE_OP, .sqe_op = IORING_OP_FSYNC},
        {.opcode = IORING_RESTRICTION_SQE_FLAGS_REQUIRED, .sqe_flags = IOSQE_FIXED_FILE},
    };
    return register_with(ring, IORING_REGISTER_RESTRICTIONS, allowed, sizeof allowed / sizeof *allowed);
}

int uring_open(int file, unsigned n_entries, struct uring **ret_uring)
{
    struct uring *u = xcalloc(1, sizeof *u);
    unsigned workers[2] = {n_entries, 1};
    int error = io_uring_queue_init(n_entries, &u->ring, IORING_SETUP_R_DISABLED);
    if (error) {
        free(u);
        return error;
    }
    error = io_uring_register_files(&u->ring, &file, 1);
    /* What cannot be done without waiting goes to threads of the kernel's: as many at a time as are asked
     * for, where it lets us say so (5.15) */
    if (!error)
        io_uring_register_iowq_max_workers(&u->ring, workers);
    if (!error)
        error = restrict_to(&u->ring);
    if (!error)
        error = register_with(&u->ring, IORING_REGISTER_ENABLE_RINGS, NULL, 0);
    if (error) {
        io_uring_queue_exit(&u->ring);
        free(u);
        return error;
    }
    *ret_uring = u;
    return 0;
}

int uring_fd(const struct uring *u)
{
    return u->ring.ring_fd;
}

/* ---- what is done ---- */

static bool moves_data(const struct io *io)
{
    return io->kind == IO_READ || io->kind == IO_WRITE;
}

/* False: it goes on. */
static bool take_result(struct uring *u, struct io *io, int result)
{
    if (result == -EINTR || result == -EAGAIN) {
        uring_add(u, io);
        return false;
    }
    if (result < 0 || !moves_data(io)) {
        io->error = result < 0 ? result : 0;
        return true;
    }
    io->progress += (uint64_t)result;
    if (result == 0) /* the end: somebody cut the file off */
        io->error = -EIO;
    else if (io->progress < io->length)
        uring_add(u, io);
    return io->error || io->progress >= io->length;
}

static void reap(struct uring *u)
{
    struct io_uring_cqe *cqe;
    while (io_uring_peek_cqe(&u->ring, &cqe) == 0) {
        struct io *io = io_uring_cqe_get_data(cqe);
        int result = cqe->res;
        io_uring_cqe_seen(&u->ring, cqe);
        if (take_result(u, io, result))
            u->config.done(u->config.arg, io);
    }
}

static void on_retry(uv_timer_t *timer)
{
    uring_start(timer->data);
}

static void submit(struct uring *u)
{
    while (u->n_unsubmitted > 0) {
        int n = io_uring_submit(&u->ring);
        if (n == -EINTR)
            continue;
        if (n <= 0) { /* the kernel is out of something */
            uv_timer_start(&u->retry, on_retry, RETRY_MS, 0);
            break;
        }
        u->n_unsubmitted -= (unsigned)n < u->n_unsubmitted ? (unsigned)n : u->n_unsubmitted;
    }
}

void uring_start(struct uring *u)
{
    submit(u);
    reap(u);
    submit(u); /* what goes on */
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    (void)status, (void)events;
    uring_start(poll->data);
}

/* ---- what is to be done ---- */

void uring_add(struct uring *u, struct io *io)
{
    struct io_uring_sqe *e = io_uring_get_sqe(&u->ring);
    if (!e) /* never: there are no more under way than entries */
        abort();
    char *data = io->data + io->progress;
    unsigned length = (unsigned)(io->length - io->progress);
    uint64_t offset = io->offset + io->progress;
    if (io->kind == IO_READ)
        io_uring_prep_read(e, FILE_INDEX, data, length, offset);
    else if (io->kind == IO_WRITE)
        io_uring_prep_write(e, FILE_INDEX, data, length, offset);
    else
        io_uring_prep_fsync(e, FILE_INDEX, IORING_FSYNC_DATASYNC);
    io_uring_sqe_set_flags(e, IOSQE_FIXED_FILE);
    io_uring_sqe_set_data(e, io);
    u->n_unsubmitted++;
}

/* ---- life ---- */

void uring_begin(struct uring *u, const struct uring_config *config)
{
    u->config = *config;
    uv_poll_init(config->loop, &u->poll, u->ring.ring_fd);
    u->poll.data = u;
    uv_timer_init(config->loop, &u->retry);
    u->retry.data = u;
    uv_poll_start(&u->poll, UV_READABLE, on_readable);
    uv_unref((uv_handle_t *)&u->poll); /* who waits for an answer keeps the loop up */
}

static void on_closed(uv_handle_t *handle)
{
    struct uring *u = handle->data;
    io_uring_queue_exit(&u->ring);
    free(u);
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct uring *u = handle->data;
    uv_close((uv_handle_t *)&u->poll, on_closed);
}

void uring_close(struct uring *u)
{
    if (u)
        uv_close((uv_handle_t *)&u->retry, on_timer_closed);
}
