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
    QUICK_NS = 1000 * 1000,     /* what is alone is waited for once … */
    QUICK_ENOUGH = 16,          /* … so many of these took no longer, in a row, … */
    WAIT_NS = 10 * 1000 * 1000, /* … this long: not so short that a timer has to be set for it */
};

struct uring {
    struct io_uring ring;
    struct uring_config config;
    uv_poll_t poll;
    uv_timer_t retry;
    unsigned n_under_way; /* the kernel has them */
    uint64_t alone_at;    /* when the one that is alone was submitted; nanoseconds; 0: none is */
    unsigned quick;       /* of those that were alone, which took less than QUICK_NS, in a row */
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

/* What is done is told when this process goes into the kernel for something, and interrupts nothing, where
 * the kernel can (5.19). Not IORING_SETUP_DEFER_TASKRUN: who sleeps in epoll_wait() for such a ring is not
 * woken. */
static int make(unsigned n_entries, struct io_uring *ring)
{
    static const unsigned flags[] = {IORING_SETUP_R_DISABLED | IORING_SETUP_COOP_TASKRUN |
                                         IORING_SETUP_TASKRUN_FLAG,
                                     IORING_SETUP_R_DISABLED};
    int error = -EINVAL;
    for (size_t i = 0; i < sizeof flags / sizeof *flags && error == -EINVAL; i++)
        error = io_uring_queue_init(n_entries, ring, flags[i]);
    return error;
}

int uring_open(int file, unsigned n_entries, struct uring **ret_uring)
{
    struct uring *u = xcalloc(1, sizeof *u);
    unsigned workers[2] = {n_entries, 1};
    int error = make(n_entries, &u->ring);
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

static void note_time(struct uring *u)
{
    if (u->alone_at)
        u->quick = uv_hrtime() - u->alone_at < QUICK_NS ? u->quick + (u->quick < QUICK_ENOUGH) : 0;
    u->alone_at = 0;
}

static void reap(struct uring *u)
{
    struct io_uring_cqe *cqe;
    while (io_uring_peek_cqe(&u->ring, &cqe) == 0) {
        struct io *io = io_uring_cqe_get_data(cqe);
        int result = cqe->res;
        io_uring_cqe_seen(&u->ring, cqe);
        u->n_under_way--;
        note_time(u);
        if (take_result(u, io, result))
            u->config.done(u->config.arg, io);
    }
}

static void on_retry(uv_timer_t *timer)
{
    uring_start(timer->data, false);
}

/* Hands over what was added, and takes in what is done by then; that may be waited for in the same call. */
static int enter(struct uring *u, bool wait)
{
    struct __kernel_timespec limit = {.tv_nsec = WAIT_NS};
    struct io_uring_cqe *cqe;
    return wait ? io_uring_submit_and_wait_timeout(&u->ring, &cqe, 1, &limit, NULL)
                : io_uring_submit_and_get_events(&u->ring);
}

static void submit(struct uring *u, bool wait)
{
    unsigned before;
    while ((before = io_uring_sq_ready(&u->ring)) > 0) {
        int result = enter(u, wait);
        unsigned taken = before - io_uring_sq_ready(&u->ring);
        u->n_under_way += taken;
        if (taken == 0 && result != -EINTR) { /* the kernel is out of something */
            uv_timer_start(&u->retry, on_retry, RETRY_MS, 0);
            break;
        }
    }
}

void uring_start(struct uring *u, bool alone)
{
    alone &= u->n_under_way == 0 && io_uring_sq_ready(&u->ring) == 1;
    if (alone)
        u->alone_at = uv_hrtime();
    submit(u, alone && u->quick >= QUICK_ENOUGH && u->ring.features & IORING_FEAT_EXT_ARG);
    reap(u);
    submit(u, false); /* what goes on */
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    (void)status, (void)events;
    uring_start(poll->data, false);
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
