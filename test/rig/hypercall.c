/* SPDX-License-Identifier: MIT */
/* A stand-in for hypercalls and nothing else: preloaded, it lets Debian's own xenstored run, unchanged, on a
 * machine without Xen. What the store does (transactions, watches, permissions, order of events) is the real
 * thing.
 *
 * Here every domain exists, because xenstored ignores the permissions of those that do not; none has memory
 * or event channels, so that only domain 0's clients, on the UNIX socket, can reach the store. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xenctrl.h>
#include <xenevtchn.h>
#include <xengnttab.h>

enum {
    PAGE = 4096,
    DOM0_PORT = 1,
    VIRQ_PORT = 2
};

static char handle; /* what all handles point at: none has a state */

xc_interface *xc_interface_open(xentoollog_logger *logger, xentoollog_logger *dombuild_logger, unsigned flags)
{
    (void)logger, (void)dombuild_logger, (void)flags;
    return (void *)&handle;
}

int xc_interface_close(xc_interface *xch)
{
    (void)xch;
    return 0;
}

int xc_domain_getinfo(xc_interface *xch, uint32_t first, unsigned int max, xc_dominfo_t *info)
{
    (void)xch;
    if (max == 0 || first >= DOMID_FIRST_RESERVED)
        return 0;
    memset(info, 0, sizeof(*info));
    info->domid = first;
    info->running = 1;
    return 1;
}

xenevtchn_handle *xenevtchn_open(struct xentoollog_logger *logger, unsigned int flags)
{
    (void)logger, (void)flags;
    return (void *)&handle;
}

int xenevtchn_close(xenevtchn_handle *xce)
{
    (void)xce;
    return 0;
}

/* Pollable, never readable. */
int xenevtchn_fd(xenevtchn_handle *xce)
{
    static int fd = -1;

    (void)xce;
    if (fd < 0)
        fd = eventfd(0, EFD_CLOEXEC);
    return fd;
}

int xenevtchn_notify(xenevtchn_handle *xce, evtchn_port_t port)
{
    (void)xce, (void)port;
    return 0;
}

xenevtchn_port_or_error_t xenevtchn_bind_interdomain(xenevtchn_handle *xce, uint32_t domid,
                                                     evtchn_port_t port)
{
    (void)xce, (void)port;
    if (domid == 0)
        return DOM0_PORT;
    errno = ENOSYS;
    return -1;
}

xenevtchn_port_or_error_t xenevtchn_bind_virq(xenevtchn_handle *xce, unsigned int virq)
{
    (void)xce, (void)virq;
    return VIRQ_PORT;
}

int xenevtchn_unbind(xenevtchn_handle *xce, evtchn_port_t port)
{
    (void)xce, (void)port;
    return 0;
}

xenevtchn_port_or_error_t xenevtchn_pending(xenevtchn_handle *xce)
{
    (void)xce;
    errno = EAGAIN;
    return -1;
}

int xenevtchn_unmask(xenevtchn_handle *xce, evtchn_port_t port)
{
    (void)xce, (void)port;
    return 0;
}

xengnttab_handle *xengnttab_open(struct xentoollog_logger *logger, unsigned open_flags)
{
    (void)logger, (void)open_flags;
    return (void *)&handle;
}

int xengnttab_close(xengnttab_handle *xgt)
{
    (void)xgt;
    return 0;
}

int xengnttab_set_max_grants(xengnttab_handle *xgt, uint32_t nr_grants)
{
    (void)xgt, (void)nr_grants;
    return 0;
}

void *xengnttab_map_grant_ref(xengnttab_handle *xgt, uint32_t domid, uint32_t ref, int prot)
{
    (void)xgt, (void)domid, (void)ref, (void)prot;
    errno = ENOSYS;
    return NULL;
}

int xengnttab_unmap(xengnttab_handle *xgt, void *start_address, uint32_t count)
{
    (void)xgt, (void)start_address, (void)count;
    return 0;
}

/* Domain 0's kernel offers its ring and its port to xenstored as two files. */
static int open_stand_in(const char *path)
{
    int fd;

    if (strcmp(path, "/proc/xen/xsd_kva") != 0 && strcmp(path, "/proc/xen/xsd_port") != 0)
        return -1;
    fd = memfd_create(path, MFD_CLOEXEC);
    if (fd < 0)
        return -1;
    if (strstr(path, "port") ? pwrite(fd, "1", 1, 0) != 1 : ftruncate(fd, PAGE) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

#define DEFINE_OPEN(name)                           \
    int name(const char *path, int flags, ...)      \
    {                                               \
        int fd = open_stand_in(path);               \
        mode_t mode = 0;                            \
        va_list args;                               \
                                                    \
        if (fd >= 0)                                \
            return fd;                              \
        va_start(args, flags);                      \
        if (flags & (O_CREAT | O_TMPFILE))          \
            mode = va_arg(args, mode_t);            \
        va_end(args);                               \
        return openat(AT_FDCWD, path, flags, mode); \
    }

DEFINE_OPEN(open)
DEFINE_OPEN(open64)
