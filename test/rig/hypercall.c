/* SPDX-License-Identifier: MIT */
/* A stand-in for hypercalls and nothing else: preloaded, it lets Debian's own xenstored run, unchanged, on a
 * machine without Xen. What the store does (transactions, watches, permissions, quotas, order of events) is
 * the real thing.
 *
 * Here: where domain 0's kernel would have its ring, and what QEMU opens besides. Domains are in domains.c,
 * memory is in grants.c, event channels are in evtchn.c. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xenctrl.h>
#include <xendevicemodel.h>
#include <xenforeignmemory.h>

#include "test/rig/rig.h"

bool rig_path(char path[RIG_PATH], const char *format, ...)
{
    const char *dir = getenv("RIG_DIR");
    int n = dir ? snprintf(path, RIG_PATH, "%s/", dir) : -1, m = 0;
    va_list args;

    if (n < 0) {
        errno = ENOENT;
        return false;
    }
    if (n < RIG_PATH) {
        va_start(args, format);
        m = vsnprintf(path + n, (size_t)(RIG_PATH - n), format, args);
        va_end(args);
    }
    if (m < 0 || n + m >= RIG_PATH) {
        errno = ENAMETOOLONG;
        return false;
    }
    return true;
}

uint32_t rig_domid(void)
{
    const char *domid = getenv("RIG_DOMID");

    return domid ? (uint32_t)strtoul(domid, NULL, 10) : 0;
}

static char handle; /* what all handles point at: none has a state */

/* ---- what QEMU opens besides, and then does nothing with ---- */

xenforeignmemory_handle *xenforeignmemory_open(xentoollog_logger *logger, unsigned open_flags)
{
    (void)logger, (void)open_flags;
    return (void *)&handle;
}

int xenforeignmemory_close(xenforeignmemory_handle *fmem)
{
    (void)fmem;
    return 0;
}

xendevicemodel_handle *xendevicemodel_open(xentoollog_logger *logger, unsigned int open_flags)
{
    (void)logger, (void)open_flags;
    return (void *)&handle;
}

int xendevicemodel_close(xendevicemodel_handle *dmod)
{
    (void)dmod;
    return 0;
}

/* ---- domain 0's kernel: it offers its ring and its port to xenstored as two files ---- */

static int open_stand_in(const char *path)
{
    int fd;

    if (strcmp(path, "/proc/xen/xsd_kva") != 0 && strcmp(path, "/proc/xen/xsd_port") != 0)
        return -1;
    fd = memfd_create(path, MFD_CLOEXEC);
    if (fd < 0)
        return -1;
    if (strstr(path, "port") ? pwrite(fd, "1", 1, 0) != 1 : ftruncate(fd, RIG_PAGE) != 0) {
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
