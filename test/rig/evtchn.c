/* SPDX-License-Identifier: MIT */
/* libxenevtchn between processes. All ports of all domains are in one table that everybody maps; a handle's
 * descriptor is a FIFO, into which whoever notifies a port of the handle writes the port's number.
 *
 * A port is masked from its event until unmask(), which is when an event that came meanwhile follows: so it
 * is at most once in the FIFO, and as a FIFO has room for more than all of them, nobody ever waits to write.
 *
 * A process that died left a FIFO that nobody reads; what it had is closed when that comes to matter. Port
 * numbers are unique over all domains, which is stricter than Xen: who mixes up two ends gets an error. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xenevtchn.h>

#include "test/rig/rig.h"

enum {
    PORTS = 4096,
    KERNEL_PORT = 1 /* of domain 0's kernel, for domain 0's own ring: nobody is at that end */
};

enum use {
    FREE,
    UNBOUND, /* waits for far_dom */
    BOUND,   /* to port `far` of far_dom */
    VIRQ,    /* number `far` */
};

struct port {
    enum use use;
    uint32_t dom, handle;
    uint32_t far_dom, far;
    bool masked, pending;
};

struct table {
    pthread_mutex_t lock;
    bool made;
    uint32_t last_handle, last_port;
    struct port ports[PORTS];
};

struct xenevtchn_handle {
    int fd;
    uint32_t id, dom;
};

static struct table *table;

/* ---- the table ---- */

static void make_table(struct table *t)
{
    pthread_mutexattr_t shared;

    pthread_mutexattr_init(&shared);
    pthread_mutexattr_setpshared(&shared, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setrobust(&shared, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_init(&t->lock, &shared);
    t->last_port = KERNEL_PORT;
    t->ports[KERNEL_PORT].use = UNBOUND;
    t->made = true;
}

static void map_table(void)
{
    char path[RIG_PATH];
    struct table *t = MAP_FAILED;
    int fd = rig_path(path, "evtchn") ? openat(AT_FDCWD, path, O_RDWR | O_CREAT | O_CLOEXEC, 0600) : -1;

    if (fd < 0)
        return;
    flock(fd, LOCK_EX);
    if (ftruncate(fd, sizeof(*t)) == 0)
        t = mmap(NULL, sizeof(*t), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (t != MAP_FAILED) {
        if (!t->made)
            make_table(t);
        table = t;
    }
    flock(fd, LOCK_UN); /* the mapping would keep it after close() */
    close(fd);
}

static bool lock(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, map_table);
    if (!table) {
        errno = ENOENT;
        return false;
    }
    if (pthread_mutex_lock(&table->lock) == EOWNERDEAD)
        pthread_mutex_consistent(&table->lock);
    return true;
}

/* Ends what lock() began: a negative errno becomes -1. */
static int unlock(int result)
{
    pthread_mutex_unlock(&table->lock);
    if (result >= 0)
        return result;
    errno = -result;
    return -1;
}

/* ---- ports ---- */

/* Below 0 when its reader is dead. */
static int open_fifo(uint32_t id)
{
    char path[RIG_PATH];

    return rig_path(path, "evtchn.%u", id) ? openat(AT_FDCWD, path, O_WRONLY | O_NONBLOCK | O_CLOEXEC) : -1;
}

static void remove_fifo(uint32_t id)
{
    char path[RIG_PATH];

    if (rig_path(path, "evtchn.%u", id))
        unlink(path);
}

static void fire(uint32_t number)
{
    struct port *p = &table->ports[number];
    int fd;

    if (p->masked) {
        p->pending = true;
        return;
    }
    fd = open_fifo(p->handle);
    if (fd < 0)
        return;
    p->masked = write(fd, &number, sizeof(number)) == (ssize_t)sizeof(number);
    close(fd);
}

/* The far end can be bound again by the domain that it was bound to. */
static void close_port(uint32_t number)
{
    struct port *p = &table->ports[number];

    if (p->use == BOUND && p->far)
        table->ports[p->far].use = UNBOUND;
    memset(p, 0, sizeof(*p));
}

static void close_if_dead(uint32_t number)
{
    struct port *p = &table->ports[number];
    int fd;

    if (p->use == FREE || p->handle == 0)
        return;
    fd = open_fifo(p->handle);
    if (fd >= 0) {
        close(fd);
        return;
    }
    remove_fifo(p->handle);
    close_port(number);
}

static struct port *own_port(const xenevtchn_handle *xce, uint32_t number)
{
    struct port *p = number < PORTS ? &table->ports[number] : NULL;

    return p && p->use != FREE && p->handle == xce->id ? p : NULL;
}

/* Its number, or -ENOSPC. Numbers are not used again soon. */
static int new_port(const xenevtchn_handle *xce, enum use use, uint32_t far_dom, uint32_t far)
{
    for (uint32_t i = 1; i < PORTS; i++) {
        uint32_t number = (table->last_port + i) % PORTS;

        if (table->ports[number].use != FREE)
            close_if_dead(number);
        if (number == 0 || table->ports[number].use != FREE)
            continue;
        table->ports[number] =
            (struct port){.use = use, .dom = xce->dom, .handle = xce->id, .far_dom = far_dom, .far = far};
        table->last_port = number;
        return (int)number;
    }
    return -ENOSPC;
}

/* ---- handles ---- */

xenevtchn_handle *xenevtchn_open(struct xentoollog_logger *logger, unsigned int flags)
{
    char path[RIG_PATH];
    xenevtchn_handle *xce;
    uint32_t id;
    int fd = -1;

    (void)logger;
    if (!lock())
        return NULL;
    id = ++table->last_handle;
    unlock(0);
    if (rig_path(path, "evtchn.%u", id) && mkfifo(path, 0600) == 0)
        fd = openat(AT_FDCWD, path, O_RDWR | (flags & XENEVTCHN_NO_CLOEXEC ? 0 : O_CLOEXEC));
    xce = fd >= 0 ? calloc(1, sizeof(*xce)) : NULL;
    if (xce)
        *xce = (xenevtchn_handle){.fd = fd, .id = id, .dom = rig_domid()};
    return xce;
}

/* After exec(), which a live update of the store is: the ports are still the handle's, as the FIFO tells. */
xenevtchn_handle *xenevtchn_fdopen(struct xentoollog_logger *logger, int fd, unsigned int flags)
{
    char link[32], path[RIG_PATH], *name;
    xenevtchn_handle *xce = NULL;
    ssize_t n;
    uint32_t id;

    (void)logger, (void)flags;
    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    n = readlink(link, path, sizeof(path) - 1);
    path[n > 0 ? n : 0] = '\0';
    name = strrchr(path, '/');
    if (!name || sscanf(name, "/evtchn.%" SCNu32, &id) != 1)
        errno = EINVAL;
    else
        xce = calloc(1, sizeof(*xce));
    if (xce)
        *xce = (xenevtchn_handle){.fd = fd, .id = id, .dom = rig_domid()};
    return xce;
}

int xenevtchn_close(xenevtchn_handle *xce)
{
    if (!xce)
        return 0;
    if (lock()) {
        for (uint32_t i = 1; i < PORTS; i++)
            if (own_port(xce, i))
                close_port(i);
        unlock(0);
    }
    remove_fifo(xce->id);
    close(xce->fd);
    free(xce);
    return 0;
}

int xenevtchn_fd(xenevtchn_handle *xce)
{
    return xce->fd;
}

/* ---- what is done with ports ---- */

xenevtchn_port_or_error_t xenevtchn_bind_unbound_port(xenevtchn_handle *xce, uint32_t domid)
{
    return lock() ? unlock(new_port(xce, UNBOUND, domid, 0)) : -1;
}

xenevtchn_port_or_error_t xenevtchn_bind_interdomain(xenevtchn_handle *xce, uint32_t domid,
                                                     evtchn_port_t remote)
{
    struct port *far;
    int number;

    if (!lock())
        return -1;
    if (domid == 0 && remote == KERNEL_PORT)
        return unlock(new_port(xce, BOUND, 0, 0));
    if (!rig_domain_exists(domid))
        return unlock(-ESRCH);
    if (remote == 0 || remote >= PORTS)
        return unlock(-EINVAL);
    far = &table->ports[remote];
    if (far->use == BOUND)
        close_if_dead(far->far);
    close_if_dead(remote);
    if (far->use != UNBOUND || far->dom != domid || far->far_dom != xce->dom)
        return unlock(-EINVAL);
    number = new_port(xce, BOUND, domid, remote);
    if (number > 0) {
        far->use = BOUND;
        far->far = (uint32_t)number;
        fire((uint32_t)number); /* as in Xen: something may have come before it was bound */
    }
    return unlock(number);
}

xenevtchn_port_or_error_t xenevtchn_bind_virq(xenevtchn_handle *xce, unsigned int virq)
{
    if (!lock())
        return -1;
    for (uint32_t i = 1; i < PORTS; i++) {
        const struct port *p = &table->ports[i];

        if (p->use == VIRQ && p->dom == xce->dom && p->far == virq)
            close_if_dead(i);
        if (p->use == VIRQ && p->dom == xce->dom && p->far == virq)
            return unlock(-EEXIST);
    }
    return unlock(new_port(xce, VIRQ, xce->dom, virq));
}

int xenevtchn_unbind(xenevtchn_handle *xce, evtchn_port_t port)
{
    if (!lock())
        return -1;
    if (!own_port(xce, port))
        return unlock(-ENOTCONN);
    close_port(port);
    return unlock(0);
}

int xenevtchn_notify(xenevtchn_handle *xce, evtchn_port_t port)
{
    const struct port *p;

    if (!lock())
        return -1;
    p = own_port(xce, port);
    if (p && p->use == BOUND && p->far)
        fire(p->far);
    return unlock(!p ? -ENOTCONN : p->use == VIRQ ? -EINVAL : 0);
}

/* Blocks when there is none, as the real one does, unless its user has set O_NONBLOCK. */
xenevtchn_port_or_error_t xenevtchn_pending(xenevtchn_handle *xce)
{
    uint32_t number;

    return read(xce->fd, &number, sizeof(number)) == (ssize_t)sizeof(number) ? (int)number : -1;
}

int xenevtchn_unmask(xenevtchn_handle *xce, evtchn_port_t port)
{
    struct port *p;

    if (!lock())
        return -1;
    p = own_port(xce, port);
    if (p) {
        bool again = p->pending;

        p->masked = p->pending = false;
        if (again)
            fire(port);
    }
    return unlock(0); /* also when it was closed meanwhile */
}

/* ---- Xen ---- */

int rig_raise_virq(uint32_t domid, unsigned int virq)
{
    if (!lock())
        return -1;
    for (uint32_t i = 1; i < PORTS; i++) {
        const struct port *p = &table->ports[i];

        if (p->use == VIRQ && p->dom == domid && p->far == virq)
            fire(i);
    }
    return unlock(0);
}

int rig_close_ports(uint32_t domid)
{
    if (!lock())
        return -1;
    for (uint32_t i = 1; i < PORTS; i++)
        if (table->ports[i].use != FREE && table->ports[i].dom == domid && table->ports[i].handle)
            close_port(i);
    return unlock(0);
}
