/* SPDX-License-Identifier: MIT */
/* What is written and not flushed is done again for the next server, in order, and nothing else is. */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "reconcilers/block/unflushed.h"
#include "test/lib/unit.h"

enum { DISK = 16 << 20, CHUNK = 1 << 20, WAITING_MAX = 64 };

/* A disk whose server keeps all in its memory until a flush. */
static struct {
    struct engine engine;
    char *now, *safe;
    struct io *waiting[WAITING_MAX];
    int n_waiting, done, flushes, flush_error;
} disk;

static struct unflushed_log *log_file;
static struct unflushed *u;

static bool submit(struct engine *e, struct io *io)
{
    (void)e;
    ck_assert_int_lt(disk.n_waiting, WAITING_MAX);
    disk.waiting[disk.n_waiting++] = io;
    return false;
}

static void start(struct engine *e)
{
    (void)e;
}

static void carry_out(struct io *io)
{
    if (io->offset > DISK || io->length > DISK - io->offset)
        io->error = -EIO;
    else if (io->kind == IO_WRITE)
        memcpy(disk.now + io->offset, io->data, io->length);
    else if (io->kind == IO_DISCARD)
        memset(disk.now + io->offset, 0, io->length);
    else if (io->kind == IO_FLUSH && disk.flush_error)
        io->error = disk.flush_error;
    else if (io->kind == IO_FLUSH)
        memcpy(disk.safe, disk.now, DISK);
    disk.flushes += io->kind == IO_FLUSH;
}

/* The oldest of what waits. */
static void turn(void)
{
    struct io *io = disk.waiting[0];
    ck_assert_int_gt(disk.n_waiting, 0);
    memmove(disk.waiting, disk.waiting + 1, (size_t)--disk.n_waiting * sizeof(struct io *));
    carry_out(io);
    disk.engine.done(disk.engine.arg, io);
}

static void on_done(void *arg, struct io *io)
{
    (void)arg, (void)io;
    disk.done++;
}

static int apply(void *arg, struct io *io)
{
    ck_assert_ptr_eq(arg, &disk);
    carry_out(io);
    return io->error;
}

static int begin(const char *image)
{
    disk.engine.submit = submit;
    disk.engine.start = start;
    disk.n_waiting = 0;
    int error = unflushed_open(log_file, image, &disk.engine, apply, &disk);
    u = unflushed_new(log_file, &disk.engine);
    unflushed_engine(u)->done = on_done;
    return error;
}

static void set_up(void)
{
    log_file = mmap(NULL, sizeof *log_file, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    memset(&disk, 0, sizeof disk);
    disk.now = calloc(1, DISK);
    disk.safe = calloc(1, DISK);
    disk.engine.data = calloc(1, ENGINE_DATA_SIZE);
    ck_assert_int_eq(begin("qcow2:/a"), 0);
}

static void tear_down(void)
{
    unflushed_free(u);
    munmap(log_file, sizeof *log_file);
    free(disk.now);
    free(disk.safe);
    free(disk.engine.data);
}

/* The server is killed, and then the worker, too. */
static int die(const char *image)
{
    memcpy(disk.now, disk.safe, DISK);
    unflushed_free(u);
    return begin(image);
}

static struct io *ask(enum io_kind kind, uint64_t offset, uint64_t length, char fill)
{
    struct io *io = calloc(1, sizeof *io);
    *io = (struct io){.kind = kind, .offset = offset, .length = length};
    if (kind == IO_WRITE) {
        io->data = malloc(length);
        memset(io->data, fill, length);
    }
    if (engine_submit(unflushed_engine(u), io))
        disk.done++;
    return io;
}

static void forget(struct io *io)
{
    free(io->data);
    free(io);
}

/* Asked for, and done. */
static void act(enum io_kind kind, uint64_t offset, uint64_t length, char fill)
{
    struct io *io = ask(kind, offset, length, fill);
    turn();
    forget(io);
}

START_TEST(test_done_again)
{
    act(IO_WRITE, 0, 8192, 'a');
    act(IO_WRITE, 4096, 4096, 'b'); /* in this order */
    act(IO_WRITE, 8192, 512, 'c');
    act(IO_DISCARD, 8192, 512, 0);
    ck_assert_int_eq(disk.done, 4);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(die("qcow2:/a"), 0);
        ck_assert_int_eq(disk.now[4095], 'a');
        ck_assert_int_eq(disk.now[4096], 'b');
        ck_assert_int_eq(disk.now[8192], 0);
    }
    ck_assert_int_eq(disk.flushes, 1); /* that what is done again is safe, once */
}
END_TEST

START_TEST(test_not_what_is_flushed)
{
    act(IO_WRITE, 0, 512, 'a');
    act(IO_FLUSH, 0, 0, 0);
    act(IO_WRITE, 512, 512, 'b');
    disk.safe[0] = 'x'; /* were it done again, it would be 'a' */
    ck_assert_int_eq(die("qcow2:/a"), 0);
    ck_assert_int_eq(disk.now[0], 'x');
    ck_assert_int_eq(disk.now[512], 'b');
}
END_TEST

/* What is written while a flush is under way is not covered by it. */
START_TEST(test_while_flushing)
{
    act(IO_WRITE, 0, 512, 'a');
    struct io *flush = ask(IO_FLUSH, 0, 0, 0), *write = ask(IO_WRITE, 512, 512, 'b');
    turn();
    memset(disk.safe + 512, 0, 512);
    turn();
    ck_assert_int_eq(disk.done, 3);
    ck_assert_int_eq(die("qcow2:/a"), 0);
    ck_assert_int_eq(disk.now[512], 'b');
    forget(flush);
    forget(write);
}
END_TEST

START_TEST(test_of_another_image)
{
    act(IO_WRITE, 0, 512, 'a');
    ck_assert_int_eq(die("qcow2:/b"), 0);
    ck_assert_int_eq(disk.now[0], 0);
    ck_assert_int_eq(die("qcow2:/a"), 0);
    ck_assert_int_eq(disk.now[0], 0);
}
END_TEST

/* Nobody flushes but us, and writes wait while there is no room for them. */
START_TEST(test_full)
{
    enum { WRITES = 12 };
    struct io *ios[WRITES];
    for (int i = 0; i < WRITES; i++)
        ios[i] = ask(IO_WRITE, (uint64_t)i * CHUNK, CHUNK, (char)('a' + i));
    for (int i = 0; i < WRITES; i++)
        turn();
    ck_assert_int_eq(disk.n_waiting, 1); /* a flush */
    ck_assert_int_lt(disk.done, WRITES);
    ck_assert_int_ge(disk.done, 5); /* 3 fit a half, and the first was full enough with 2 */
    while (disk.n_waiting > 0)
        turn();
    ck_assert_int_eq(disk.done, WRITES);
    ck_assert_int_eq(die("qcow2:/a"), 0);
    for (int i = 0; i < WRITES; i++)
        ck_assert_int_eq(disk.now[(i + 1) * CHUNK - 1], 'a' + i);
    for (int i = 0; i < WRITES; i++)
        forget(ios[i]);
}
END_TEST

START_TEST(test_at_rest)
{
    struct engine *e = unflushed_engine(u);
    e->rest(e);
    ck_assert_int_eq(disk.n_waiting, 0);
    act(IO_WRITE, 0, 512, 'a');
    e->rest(e);
    e->rest(e);
    ck_assert_int_eq(disk.n_waiting, 1);
    turn();
    ck_assert_int_eq(disk.safe[0], 'a');
    e->rest(e);
    ck_assert_int_eq(disk.n_waiting, 0);
    ck_assert_int_eq(disk.done, 1); /* nobody is told of our own */
}
END_TEST

/* It is told once, maybe to us: all that come after it fail, the next worker's, too. Nothing old is written
 * over what is new. */
START_TEST(test_failed_flush)
{
    struct engine *e = unflushed_engine(u);
    act(IO_WRITE, 0, 512, 'a');
    disk.flush_error = -EIO;
    e->rest(e);
    turn();
    disk.flush_error = 0;
    act(IO_WRITE, 0, 512, 'b');
    struct io *flush = ask(IO_FLUSH, 0, 0, 0);
    ck_assert_int_eq(flush->error, -EIO);
    ck_assert_int_eq(disk.n_waiting, 0);
    forget(flush);
    disk.safe[0] = 'b';
    ck_assert_int_eq(die("qcow2:/a"), 0);
    ck_assert_int_eq(disk.now[0], 'b');
    flush = ask(IO_FLUSH, 0, 0, 0);
    ck_assert_int_eq(flush->error, -EIO);
    forget(flush);
}
END_TEST

/* Somebody may have taken a worker over. */
START_TEST(test_believes_no_nonsense)
{
    unsigned seed = (unsigned)_i;
    act(IO_WRITE, 0, 512, 'a');
    char *bytes = (char *)&log_file->halves[0];
    for (int i = 0; i < 2000; i++)
        bytes[rand_r(&seed) % 64] = (char)rand_r(&seed);
    log_file->halves[1].length = (uint64_t)rand_r(&seed) << (_i * 8 % 40);
    unflushed_free(u);
    log_file->halves[0].length &= 0xffff;
    begin("qcow2:/a");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("block_unflushed");
    TCase *t = tcase_create("unflushed");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, test_done_again);
    tcase_add_test(t, test_not_what_is_flushed);
    tcase_add_test(t, test_while_flushing);
    tcase_add_test(t, test_of_another_image);
    tcase_add_test(t, test_full);
    tcase_add_test(t, test_at_rest);
    tcase_add_test(t, test_failed_flush);
    tcase_add_loop_test(t, test_believes_no_nonsense, 0, 20);
    suite_add_tcase(s, t);
    return run_suite(s);
}
