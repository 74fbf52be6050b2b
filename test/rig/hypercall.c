/* SPDX-License-Identifier: MIT */
/* A stand-in for hypercalls and nothing else: preloaded, it lets Debian's own xenstored run, unchanged, on a
 * machine without Xen. What the store does (transactions, watches, permissions, quotas, order of events) is
 * the real thing.
 *
 * Here: which domains there are, and where domain 0's kernel would have its ring; QEMU, too, is satisfied
 * with that. Memory is in grants.c, event channels are in evtchn.c. */
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

static void read_state(uint32_t domid, char word[16])
{
    char path[RIG_PATH];
    ssize_t n = 0;
    int fd = rig_path(path, "dom%u.state", domid) ? openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC) : -1;

    if (fd >= 0) {
        n = read(fd, word, 15);
        close(fd);
    }
    word[n > 0 ? n : 0] = '\0';
    word[strcspn(word, "\n")] = '\0';
}

bool rig_domain_exists(uint32_t domid)
{
    char word[16];

    read_state(domid, word);
    return domid < DOMID_FIRST_RESERVED && strcmp(word, "gone") != 0;
}

/* ---- libxenctrl ---- */

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
    char word[16];

    (void)xch;
    if (max == 0 || !rig_domain_exists(first))
        return 0;
    read_state(first, word);
    memset(info, 0, sizeof(*info));
    info->domid = first;
    info->paused = strcmp(word, "paused") == 0;
    info->crashed = strcmp(word, "crashed") == 0;
    info->shutdown = info->crashed || strcmp(word, "shutdown") == 0;
    info->dying = strcmp(word, "dying") == 0;
    info->running = !info->paused && !info->shutdown && !info->dying;
    return 1;
}

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
