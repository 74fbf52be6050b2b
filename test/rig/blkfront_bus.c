/* SPDX-License-Identifier: MIT */
#include "test/rig/blkfront.h"

#include <unistd.h>
#include <xen/io/protocols.h>

#include "test/rig/client.h"

static char *get_key(const char *dir, const char *key)
{
    char path[PATH_SIZE];

    format_path(path, "%s/%s", dir, key);
    return get(XBT_NULL, path);
}

/* 0 when there is no such number. */
static unsigned long long get_number(const char *dir, const char *key)
{
    char *value = get_key(dir, key);
    unsigned long long n = value ? strtoull(value, NULL, 10) : 0;

    free(value);
    return n;
}

void bus_open(struct blkfront *d)
{
    char path[PATH_SIZE];

    client_open();
    snprintf(d->f, sizeof(d->f), "device/vbd/%u", d->devid);
    d->b = get_key(d->f, "backend");
    if (!d->b)
        errx(1, "%s: no such device", d->f);
    d->backend_id = (uint32_t)get_number(d->f, "backend-id");
    if (rig_memory_open(rig_domid(), &d->memory) != 0)
        err(1, "the memory of domain %u", rig_domid());
    d->xce = xenevtchn_open(NULL, 0);
    if (!d->xce)
        err(1, "event channels");
    format_path(path, "%s/state", d->b);
    watch(path, "state");
}

void bus_set_state(struct blkfront *d, char state)
{
    put_key(XBT_NULL, d->f, "state", (char[]){state, '\0'});
}

char bus_backend_state(struct blkfront *d)
{
    char *value = get_key(d->b, "state");
    char state = '0';

    if (value && strlen(value) == 1)
        state = *value;

    free(value);
    return state;
}

bool bus_await(struct blkfront *d, const char *states, unsigned int timeout)
{
    long long deadline = now_ms() + timeout;

    while (!strchr(states, bus_backend_state(d))) {
        char **event = next_event(deadline);

        if (!event)
            return false;
        free(event);
    }
    return true;
}

static void await_or_die(struct blkfront *d, const char *states)
{
    if (!bus_await(d, states, d->opt.timeout))
        errx(1, "%s: the backend stays in state %c, and should come to one of %s", d->f, bus_backend_state(d),
             states);
}

static unsigned int at_most(unsigned long long n, unsigned int most)
{
    return n < most ? (unsigned int)n : most;
}

/* What the shape of the ring depends on, which is there with InitWait. */
static void read_limits(struct blkfront *d)
{
    unsigned int indirect = at_most(get_number(d->b, "feature-max-indirect-segments"), 4096);

    d->ring_order = at_most(get_number(d->b, "max-ring-page-order"), d->opt.ring_order);
    if (d->opt.pages && 1U << d->ring_order > get_number(d->b, "max-ring-pages"))
        d->ring_order = 0;
    d->segments = at_most(indirect > DIRECT ? indirect : DIRECT, d->opt.segments);
    d->persistent = d->opt.persistent && get_number(d->b, "feature-persistent");
}

static void read_disk(struct blkfront *d)
{
    d->sector_size = (uint32_t)get_number(d->b, "sector-size");
    d->sectors = get_number(d->b, "sectors"); /* of 512 bytes, whatever sector-size says */
    d->info = (unsigned int)get_number(d->b, "info");
    d->flush = get_number(d->b, "feature-flush-cache");
    d->barrier = get_number(d->b, "feature-barrier");
    d->discard = get_number(d->b, "feature-discard");
    if (d->sector_size < SECTOR || d->sector_size > RIG_PAGE)
        errx(1, "%s/sector-size is %u", d->b, d->sector_size);
}

static void put_ring(struct blkfront *d, xs_transaction_t t)
{
    char key[24];

    if (d->ring_order == 0) {
        put_number(t, d->f, "ring-ref", d->ring_page);
    } else {
        if (d->opt.pages)
            put_number(t, d->f, "num-ring-pages", 1U << d->ring_order);
        else
            put_number(t, d->f, "ring-page-order", d->ring_order);
        for (unsigned int i = 0; i < 1U << d->ring_order; i++) {
            snprintf(key, sizeof(key), "ring-ref%u", i);
            put_number(t, d->f, key, d->ring_page + i);
        }
    }
    put_number(t, d->f, "event-channel", d->port);
    put_number(t, d->f, "feature-persistent", d->persistent);
    if (d->opt.protocol != PROTOCOL_UNNAMED)
        put_key(t, d->f, "protocol",
                d->opt.protocol == PROTOCOL_32 ? XEN_IO_PROTO_ABI_X86_32 : XEN_IO_PROTO_ABI_X86_64);
}

static void drop_ring(struct blkfront *d, xs_transaction_t t)
{
    static const char *const keys[] = {"ring-ref", "ring-page-order", "num-ring-pages", "protocol"};
    char path[PATH_SIZE];

    for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
        format_path(path, "%s/%s", d->f, keys[i]);
        drop(t, path);
    }
}

/* A backend that is done with us may take F away with its own directory, as QEMU does. */
static void set_closing_state(struct blkfront *d, char state)
{
    char path[PATH_SIZE];

    format_path(path, "%s/state", d->f);
    if (!xs_write(xs, XBT_NULL, path, &state, 1) && bus_backend_state(d) != '0')
        err(1, "%s", path);
}

static void close_bus(struct blkfront *d)
{
    set_closing_state(d, '5');
    await_or_die(d, "560");
    set_closing_state(d, '6');
    await_or_die(d, "60");
}

/* As Linux's driver does it, from any state in which another was before us. */
void bus_connect(struct blkfront *d)
{
    xs_transaction_t t;
    int port;

    if (d->opt.reset && bus_backend_state(d) == '4')
        close_bus(d);
    bus_set_state(d, '1');
    if (!d->opt.eager)
        await_or_die(d, "2");
    read_limits(d);
    ring_create(d);
    port = d->has_port ? (int)d->port : xenevtchn_bind_unbound_port(d->xce, d->backend_id);
    if (port < 0)
        err(1, "event channel");
    d->port = (evtchn_port_t)port;
    do {
        t = begin();
        drop_ring(d, t);
        put_ring(d, t);
        put_key(t, d->f, "state", "3");
    } while (!commit(t));
    await_or_die(d, "4");
    read_disk(d);
    bus_set_state(d, '4');
}

/* From whichever side it came. */
void bus_close(struct blkfront *d)
{
    close_bus(d);
    xenevtchn_unbind(d->xce, d->port);
    ring_destroy(d);
}

void bus_come_back(struct blkfront *d)
{
    close_bus(d);
    ring_destroy(d);
    d->has_port = true;
    bus_connect(d);
    d->has_port = false;
}

void bus_hold(struct blkfront *d)
{
    struct pollfd p[] = {{.fd = xs_fileno(xs), .events = POLLIN}, {.fd = 0, .events = POLLIN}};
    char byte;

    while (!strchr("560", bus_backend_state(d))) {
        if (poll(p, 2, -1) < 0)
            err(1, "poll");
        if (p[0].revents)
            free(next_event(0));
        if (p[1].revents && read(0, &byte, 1) <= 0)
            break;
    }
}

void bus_print(struct blkfront *d)
{
    unsigned int n;
    char **keys = xs_directory(xs, XBT_NULL, d->b, &n);

    for (unsigned int i = 0; keys && i < n; i++) {
        char *value = get_key(d->b, keys[i]);

        printf("%s=%s\n", keys[i], value ? value : "");
        free(value);
    }
    free(keys);
    printf("ring_pages=%u ring_size=%u segments=%u persistent=%d\n", 1U << d->ring_order, d->ring_size,
           d->segments, d->persistent);
}
