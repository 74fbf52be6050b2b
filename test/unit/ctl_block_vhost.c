/* SPDX-License-Identifier: MIT */
/* A server of formats that says what cannot be: whatever it is, the worker gives it up, and reads and writes
 * nothing that is not its own. */
#include <check.h>
#include <errno.h>
#include <linux/virtio_blk.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include "reconcilers/block/engine.h"
#include "reconcilers/block/vhost.h"
#include "reconcilers/block/vhost_user.h"
#include "test/lib/unit.h"

#define BIT(n) (1ULL << (n))

/* What the server is like, and what it does wrong. */
static struct server {
    uint64_t features, more;
    struct virtio_blk_config config;
    uint32_t config_size, request_added, size_added;
    uint32_t hang_up_at;                              /* this request */
    void (*answer)(struct vring *ring, char *memory); /* to the first kick; NULL: it hangs up */
    int socket;
} server;

struct message {
    uint32_t request, flags, size;
    char payload[1024];
};

static int kick = -1, call = -1;
static struct vring ring;
static char *memory;

static void respond(struct message *m, const void *payload, uint32_t size)
{
    m->request += server.request_added;
    m->flags = 1 | 1 << 2;
    m->size = size + server.size_added;
    memcpy(m->payload, payload, size);
    send(server.socket, m, 12 + size, MSG_NOSIGNAL);
}

static void take_places(const struct message *m, int fd)
{
    static uint64_t ours;
    uint64_t n[8] = {0};
    memcpy(n, m->payload, m->size < sizeof n ? m->size : sizeof n);
    if (m->request == 5) { /* SET_MEM_TABLE: count, guest, size, ours, offset */
        ours = n[3];
        memory = mmap(NULL, n[2], PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        close(fd);
    } else if (m->request == 9) { /* SET_VRING_ADDR: index, descriptors, used, available */
        ring.desc = (void *)(memory + (n[1] - ours));
        ring.used = (void *)(memory + (n[2] - ours));
        ring.avail = (void *)(memory + (n[3] - ours));
        ring.num = 1024;
    } else if (m->request == 12) {
        kick = fd;
    } else if (m->request == 13) {
        call = fd;
    }
}

/* False: the other side is gone. */
static bool hear(struct message *m, int *ret_fd)
{
    char control[CMSG_SPACE(sizeof(int))] = "";
    struct iovec v = {.iov_base = m, .iov_len = 12};
    struct msghdr h = {
        .msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    *ret_fd = -1;
    if (recvmsg(server.socket, &h, MSG_WAITALL) != 12)
        return false;
    if (h.msg_controllen >= CMSG_LEN(sizeof(int)))
        memcpy(ret_fd, CMSG_DATA((struct cmsghdr *)(void *)control), sizeof(int));
    return m->size == 0 || recv(server.socket, m->payload, m->size, MSG_WAITALL) == (ssize_t)m->size;
}

static void *serve(void *arg)
{
    struct message m;
    uint64_t n;
    int fd;
    while (hear(&m, &fd)) {
        if (m.request == server.hang_up_at)
            break;
        take_places(&m, fd);
        if (m.request == 1)
            respond(&m, &server.features, 8);
        else if (m.request == 15)
            respond(&m, &server.more, 8);
        else if (m.request == 24) {
            memcpy(m.payload + 4, &server.config_size, 4);
            memcpy(m.payload + 12, &server.config,
                   sizeof server.config < m.size - 12 ? sizeof server.config : m.size - 12);
            respond(&m, m.payload, m.size);
        }
        if (ring.num && m.request == 1) { /* the last one */
            struct pollfd p = {.fd = kick, .events = POLLIN};
            if (poll(&p, 1, -1) == 1 && server.answer)
                server.answer(&ring, memory);
            n = 1;
            if (!server.answer || write(call, &n, sizeof n) < 0)
                break;
        }
    }
    close(server.socket);
    return arg;
}

static pthread_t thread;

static int open_it(struct vhost **ret, char why[256])
{
    int ends[2];
    struct vhost_user_disk like;
    memset(&ring, 0, sizeof ring);
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    server.socket = ends[1];
    pthread_create(&thread, NULL, serve, NULL);
    return vhost_open(ends[0], ret, &like, why);
}

static void good(void)
{
    server = (struct server){
        .features = BIT(VIRTIO_F_VERSION_1) | BIT(30) | BIT(VIRTIO_RING_F_EVENT_IDX) |
                    BIT(VIRTIO_BLK_F_FLUSH) | BIT(VIRTIO_BLK_F_BLK_SIZE) | BIT(VIRTIO_BLK_F_DISCARD),
        .more = BIT(9),
        .config = {.capacity = 2048, .blk_size = 512, .max_discard_sectors = 8, .max_discard_seg = 1},
        .config_size = offsetof(struct virtio_blk_config, max_write_zeroes_sectors)};
}

/* ---- what it says of the disk ---- */

static void no_version(void)
{
    server.features &= ~BIT(VIRTIO_F_VERSION_1);
}
static void no_protocol(void)
{
    server.features &= ~BIT(30);
}
static void no_config(void)
{
    server.more = 0;
}
static void no_flush(void)
{
    server.features &= ~BIT(VIRTIO_BLK_F_FLUSH);
}
static void too_large(void)
{
    server.config.capacity = UINT64_MAX / 512;
}
static void odd_sectors(void)
{
    server.config.blk_size = 513;
}
static void no_sectors(void)
{
    server.config.blk_size = 0;
}
static void large_sectors(void)
{
    server.config.blk_size = 8192;
}
static void short_config(void)
{
    server.config_size = 8;
}
static void other_answer(void)
{
    server.request_added = 1;
}
static void long_answer(void)
{
    server.size_added = 1;
}
static void hang_up_first(void)
{
    server.hang_up_at = 1;
}
static void hang_up_config(void)
{
    server.hang_up_at = 24;
}
static void hang_up_late(void)
{
    server.hang_up_at = 18;
}

static void (*const wrongs[])(void) = {no_version,  no_protocol,   no_config,      no_flush,     too_large,
                                       odd_sectors, no_sectors,    large_sectors,  short_config, other_answer,
                                       long_answer, hang_up_first, hang_up_config, hang_up_late};

START_TEST(test_meet)
{
    struct vhost *v = NULL;
    char why[256] = "";
    good();
    wrongs[_i]();
    int error = open_it(&v, why);
    pthread_join(thread, NULL);
    ck_assert_int_lt(error, 0);
    ck_assert_str_ne(why, "");
    ck_assert_ptr_null(v);
}
END_TEST

/* ---- what it answers ---- */

static void end_first(struct vring *r, char *m, uint8_t status)
{
    uint16_t first = r->avail->ring[0], last = first;
    while (r->desc[last].flags & VRING_DESC_F_NEXT)
        last = r->desc[last].next;
    m[r->desc[last].addr - 0x100000000ULL] = (char)status;
    r->used->ring[0].id = first;
    __atomic_store_n(&r->used->idx, 1, __ATOMIC_RELEASE);
}
static void well(struct vring *r, char *m)
{
    end_first(r, m, VIRTIO_BLK_S_OK);
}
static void badly(struct vring *r, char *m)
{
    end_first(r, m, VIRTIO_BLK_S_IOERR);
}
static void not_at_all(struct vring *r, char *m)
{
    end_first(r, m, VIRTIO_BLK_S_UNSUPP);
}
static void status_of_its_own(struct vring *r, char *m)
{
    end_first(r, m, 77);
}

static void too_many(struct vring *r, char *m)
{
    end_first(r, m, 0);
    __atomic_store_n(&r->used->idx, 9, __ATOMIC_RELEASE);
}
static void another(struct vring *r, uint32_t id)
{
    r->used->ring[0].id = id;
    __atomic_store_n(&r->used->idx, 1, __ATOMIC_RELEASE);
}
static void free_one(struct vring *r, char *m)
{
    (void)m, another(r, r->avail->ring[0] + 3U);
}
static void in_between(struct vring *r, char *m)
{
    (void)m, another(r, r->avail->ring[0] + 1U);
}
static void beyond(struct vring *r, char *m)
{
    (void)m, another(r, UINT32_MAX / 3 * 3);
}

static const struct {
    void (*answer)(struct vring *r, char *m);
    int error; /* -ECONNRESET: it is given up */
} answers[] = {{well, 0},
               {badly, -EIO},
               {not_at_all, -EOPNOTSUPP},
               {status_of_its_own, -EIO},
               {too_many, -ECONNRESET},
               {free_one, -ECONNRESET},
               {in_between, -ECONNRESET},
               {beyond, -ECONNRESET},
               {NULL, -ECONNRESET}};

static void on_gone(void *arg, const char *why)
{
    *(const char **)arg = why;
}

START_TEST(test_answers)
{
    struct vhost *v = NULL;
    uv_loop_t loop;
    char why[256] = "";
    const char *gone = NULL;
    good();
    server.answer = answers[_i].answer;
    ck_assert_msg(open_it(&v, why) == 0, "%s", why);
    struct io io = {.kind = IO_WRITE, .data = vhost_engine(v)->data, .length = 4096};
    ck_assert_int_eq(vhost_do_now(v, &io), answers[_i].error);
    uv_loop_init(&loop);
    vhost_begin(v, &(struct vhost_config){.loop = &loop, .gone = on_gone, .arg = &gone});
    vhost_close(v);
    uv_run(&loop, UV_RUN_DEFAULT);
    ck_assert_int_eq(uv_loop_close(&loop), 0);
    pthread_join(thread, NULL);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("block_vhost");
    TCase *t = tcase_create("vhost");
    tcase_add_loop_test(t, test_meet, 0, COUNT(wrongs));
    tcase_add_loop_test(t, test_answers, 0, COUNT(answers));
    suite_add_tcase(s, t);
    return run_suite(s);
}
