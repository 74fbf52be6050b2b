/* SPDX-License-Identifier: MIT */
/* libxenevtchn between processes. All ports of all domains are in one table that everybody maps; a handle's
 * descriptor is a FIFO, into which whoever notifies a port of the handle writes the port's number.
 *
 * A port is masked from its event until unmask(), which is when an event that came meanwhile follows: so it
 * is at most once in the FIFO, and as a FIFO has room for more than all of them, nobody ever waits to write.
 *
 * A FIFO is locked by the handle that reads it; what a process that died had is closed when that comes to
 * matter. FIFOs are used again, and whoever writes to one keeps it open: an event costs one write(). Port
 * numbers are unique over all domains, which is stricter than Xen: who mixes up two ends gets an error. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xen/xen.h>
#include <xenevtchn.h>

#include "test/rig/rig.h"

enum {
    PORTS = 4096,
    SLOTS = 256,     /* handles of a domain */
    SLOTS_AHEAD = 8, /* of them those that restrict() opens */
    UNRESTRICTED = 0xffffffff,
    KERNEL_PORT = 1 /* of domain 0's kernel, for domain 0's own ring: nobody is at that end */
};

enum use {
    FREE,
    UNBOUND, /* waits for far_dom */
    BOUND,   /* to port `far` of far_dom */
    VIRQ,    /* number `far` */
};

/* A handle goes by its domain and its slot there, the number in its FIFO's name. */
struct port {
    enum use use;
    uint32_t dom, slot;
    bool kernel; /* no handle at all */
    uint32_t far_dom, far;
    bool masked, pending;
};

struct table {
    pthread_mutex_t lock;
    bool made;
    uint32_t last_port;
    struct port ports[PORTS];
};

struct xenevtchn_handle {
    int fd;
    uint32_t dom, slot;
    uint32_t only; /* the domain that may be bound, or UNRESTRICTED */
};

static struct table *table;

/* The FIFOs that this process writes to; changed under the table's lock. */
static struct writer {
    uint32_t dom, slot;
    int fd;
} * writers;
static size_t n_writers;

static bool confined; /* this process opens nothing any more */

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
    t->ports[KERNEL_PORT].kernel = true;
    t->made = true;
}

static void map_table(void)
{
    char path[RIG_PATH];
    struct table *t = MAP_FAILED;
    int fd = rig_path(path, "evtchn") ? openat(AT_FDCWD, path, O_RDWR | O_CREAT | O_CLOEXEC, 0600) : -1;

    if (fd < 0)
        return;
    fchmod(fd, 0666);
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

/* For reading and writing: never waits for the other side, and is never without one. */
static int open_fifo(uint32_t dom, uint32_t slot, int flags)
{
    char path[RIG_PATH];
    int fd = -1;

    if (confined || !rig_path(path, "evtchn.%u.%u", dom, slot))
        return -1;
    if (flags & O_CREAT && mkfifo(path, 0600) == 0)
        chmod(path, 0666);
    fd = openat(AT_FDCWD, path, O_RDWR | (flags & ~O_CREAT));
    return fd;
}

static int get_writer(uint32_t dom, uint32_t slot)
{
    struct writer *more;
    int fd;

    for (size_t i = 0; i < n_writers; i++)
        if (writers[i].dom == dom && writers[i].slot == slot)
            return writers[i].fd;
    fd = open_fifo(dom, slot, O_NONBLOCK | O_CLOEXEC);
    more = fd >= 0 ? realloc(writers, (n_writers + 1) * sizeof(*writers)) : NULL;
    if (!more)
        return fd;
    writers = more;
    writers[n_writers++] = (struct writer){dom, slot, fd};
    return fd;
}

/* Whether the handle is there: its process has the lock. One that cannot look takes it for alive. */
static bool alive(uint32_t dom, uint32_t slot)
{
    int fd = open_fifo(dom, slot, O_NONBLOCK | O_CLOEXEC);
    bool locked = fd < 0 || flock(fd, LOCK_EX | LOCK_NB) != 0;

    if (fd >= 0)
        close(fd);
    return locked;
}

static void fire(uint32_t number)
{
    struct port *p = &table->ports[number];
    int fd;

    if (p->masked) {
        p->pending = true;
        return;
    }
    fd = p->kernel ? -1 : get_writer(p->dom, p->slot);
    if (fd >= 0)
        p->masked = write(fd, &number, sizeof(number)) == (ssize_t)sizeof(number);
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

    if (p->use != FREE && !p->kernel && !alive(p->dom, p->slot))
        close_port(number);
}

static bool owns(const xenevtchn_handle *xce, const struct port *p)
{
    return p->use != FREE && !p->kernel && p->dom == xce->dom && p->slot == xce->slot;
}

static struct port *own_port(const xenevtchn_handle *xce, uint32_t number)
{
    struct port *p = number < PORTS ? &table->ports[number] : NULL;

    return p && owns(xce, p) ? p : NULL;
}

static void close_ports_of(const xenevtchn_handle *xce)
{
    for (uint32_t i = 1; i < PORTS; i++)
        if (owns(xce, &table->ports[i]))
            close_port(i);
}

/* Its number, or -ENOSPC. Numbers are not used again soon. */
static int new_port(const xenevtchn_handle *xce, enum use use, uint32_t far_dom, uint32_t far)
{
    for (uint32_t i = 1; i < 2 * PORTS; i++) {
        uint32_t number = (table->last_port + i) % PORTS;

        if (i >= PORTS) /* none was free at once */
            close_if_dead(number);
        if (number == 0 || table->ports[number].use != FREE)
            continue;
        table->ports[number] =
            (struct port){.use = use, .dom = xce->dom, .slot = xce->slot, .far_dom = far_dom, .far = far};
        table->last_port = number;
        return (int)number;
    }
    return -ENOSPC;
}

/* ---- handles ---- */

static xenevtchn_handle *new_handle(int fd, uint32_t dom, uint32_t slot)
{
    xenevtchn_handle *xce = fd >= 0 ? calloc(1, sizeof(*xce)) : NULL;

    if (xce)
        *xce = (xenevtchn_handle){.fd = fd, .dom = dom, .slot = slot, .only = UNRESTRICTED};
    return xce;
}

/* The first slot that nobody has; who had it last left what it had. */
static xenevtchn_handle *take_slot(uint32_t dom, unsigned int flags)
{
    uint32_t slot = 0, lost;
    xenevtchn_handle *xce;
    int fd = -1;

    for (; slot < SLOTS; slot++) {
        fd = open_fifo(dom, slot, O_CREAT | O_NONBLOCK | (flags & XENEVTCHN_NO_CLOEXEC ? 0 : O_CLOEXEC));
        if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) == 0)
            break;
        close(fd);
        fd = -1;
    }
    xce = new_handle(fd, dom, slot);
    if (!xce)
        return NULL;
    close_ports_of(xce);
    while (read(fd, &lost, sizeof(lost)) > 0)
        continue;
    fcntl(fd, F_SETFL, 0);
    return xce;
}

/* A handle that is confined later could not look then. */
static void close_all_dead(void)
{
    for (uint32_t i = 1; i < PORTS; i++)
        close_if_dead(i);
}

xenevtchn_handle *xenevtchn_open(struct xentoollog_logger *logger, unsigned int flags)
{
    xenevtchn_handle *xce;

    (void)logger;
    if (!lock())
        return NULL;
    xce = take_slot(rig_domid(), flags);
    close_all_dead();
    unlock(0);
    return xce;
}

/* After exec(), which a live update of the store is: the ports are still the handle's, as the FIFO tells. */
xenevtchn_handle *xenevtchn_fdopen(struct xentoollog_logger *logger, int fd, unsigned int flags)
{
    char link[32], path[RIG_PATH], *name;
    unsigned int dom, slot;
    ssize_t n;

    (void)logger, (void)flags;
    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    n = readlink(link, path, sizeof(path) - 1);
    path[n > 0 ? n : 0] = '\0';
    name = strrchr(path, '/');
    if (name && sscanf(name, "/evtchn.%u.%u", &dom, &slot) == 2)
        return new_handle(fd, dom, slot);
    errno = EINVAL;
    return NULL;
}

int xenevtchn_close(xenevtchn_handle *xce)
{
    if (!xce)
        return 0;
    if (lock()) {
        close_ports_of(xce);
        unlock(0);
    }
    close(xce->fd);
    free(xce);
    return 0;
}

int xenevtchn_fd(xenevtchn_handle *xce)
{
    return xce->fd;
}

/* Once, and not to domain 0. A worker of xenrecon is about to lose the right to open files: what it needs for
 * a frontend that comes later is opened now. */
int xenevtchn_restrict(xenevtchn_handle *xce, domid_t domid)
{
    int fd;

    if (!lock())
        return -1;
    if (xce->only != UNRESTRICTED)
        return unlock(-EACCES);
    if (domid == 0 || domid >= DOMID_FIRST_RESERVED)
        return unlock(-EINVAL);
    xce->only = domid;
    for (uint32_t slot = 0; slot < SLOTS_AHEAD; slot++) {
        fd = open_fifo(domid, slot, O_CREAT | O_CLOEXEC);
        if (fd >= 0)
            close(fd);
        get_writer(domid, slot);
    }
    get_writer(xce->dom, xce->slot);
    confined = getenv("XENRECON_FRONTEND_DOMID") != NULL;
    return unlock(0);
}

/* ---- what is done with ports ---- */

static bool may_bind(const xenevtchn_handle *xce, uint32_t domid)
{
    return xce->only == UNRESTRICTED || xce->only == domid;
}

xenevtchn_port_or_error_t xenevtchn_bind_unbound_port(xenevtchn_handle *xce, uint32_t domid)
{
    if (!lock())
        return -1;
    return unlock(xce->only == UNRESTRICTED ? new_port(xce, UNBOUND, domid, 0) : -EACCES);
}

xenevtchn_port_or_error_t xenevtchn_bind_interdomain(xenevtchn_handle *xce, uint32_t domid,
                                                     evtchn_port_t remote)
{
    struct port *far;
    int number;

    if (!lock())
        return -1;
    if (!may_bind(xce, domid))
        return unlock(-EACCES);
    if (domid == 0 && remote == KERNEL_PORT)
        return unlock(new_port(xce, BOUND, 0, 0));
    if (!confined && !rig_domain_exists(domid))
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
    if (xce->only != UNRESTRICTED)
        return unlock(-EACCES);
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
        if (table->ports[i].use != FREE && table->ports[i].dom == domid && !table->ports[i].kernel)
            close_port(i);
    return unlock(0);
}
