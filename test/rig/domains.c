/* SPDX-License-Identifier: MIT */
/* A stand-in for hypercalls: which domains there are, and in what state. xenstored asks for that in the way
 * of its Xen:
 *
 *   to 4.17    xc_domain_getinfo
 *   4.18-4.20  xc_domain_getinfo_single
 *   from 4.21  libxenmanage, which also says which domains have changed
 *
 * What there is of them follows from the installed headers, which are of the same Xen as the xenstored that
 * is run. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xenctrl.h>
#if __has_include(<xenmanage.h>)
#include <xenmanage.h>
#endif

#include "test/rig/rig.h"

enum state { RUNNING, PAUSED, SHUTDOWN, CRASHED, DYING, GONE };

/* Also what is no domain's number is GONE. */
static enum state state_of(uint32_t domid)
{
    static const char *const words[] = {[RUNNING] = "running", [PAUSED] = "paused", [SHUTDOWN] = "shutdown",
                                        [CRASHED] = "crashed", [DYING] = "dying",   [GONE] = "gone"};
    char path[RIG_PATH], word[16];
    ssize_t n = 0;
    int fd = rig_path(path, "dom%u.state", domid) ? openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC) : -1;

    if (fd >= 0) {
        n = read(fd, word, sizeof(word) - 1);
        close(fd);
    }
    word[n > 0 ? n : 0] = '\0';
    word[strcspn(word, "\n")] = '\0';
    if (domid >= DOMID_FIRST_RESERVED)
        return GONE;
    for (int i = PAUSED; i <= GONE; i++)
        if (strcmp(word, words[i]) == 0)
            return (enum state)i;
    return RUNNING;
}

bool rig_domain_exists(uint32_t domid)
{
    return state_of(domid) != GONE;
}

static char handle; /* what all handles point at: none has a state */

/* ---- libxenctrl ---- */

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

/* 4.17's headers have the first of these numbers, those of 4.18 the one after it */
#if XEN_DOMCTL_INTERFACE_VERSION <= 0x15

int xc_domain_getinfo(xc_interface *xch, uint32_t first, unsigned int max, xc_dominfo_t *info)
{
    enum state state = state_of(first);

    (void)xch;
    if (max == 0 || state == GONE)
        return 0;
    memset(info, 0, sizeof(*info));
    info->domid = first;
    info->paused = state == PAUSED;
    info->crashed = state == CRASHED;
    info->shutdown = state == CRASHED || state == SHUTDOWN;
    info->dying = state == DYING;
    info->running = state == RUNNING;
    return 1;
}

#else

int xc_domain_getinfo_single(xc_interface *xch, uint32_t domid, xc_domaininfo_t *info)
{
    static const uint32_t flags[] = {
        [RUNNING] = XEN_DOMINF_running,
        [PAUSED] = XEN_DOMINF_paused,
        [SHUTDOWN] = XEN_DOMINF_shutdown | SHUTDOWN_poweroff << XEN_DOMINF_shutdownshift,
        [CRASHED] = XEN_DOMINF_shutdown | SHUTDOWN_crash << XEN_DOMINF_shutdownshift,
        [DYING] = XEN_DOMINF_dying,
    };
    enum state state = state_of(domid);

    (void)xch;
    if (state == GONE) {
        errno = ESRCH;
        return -1;
    }
    if (info) {
        memset(info, 0, sizeof(*info));
        info->domain = (domid_t)domid;
        info->flags = flags[state];
    }
    return 0;
}

#endif

/* ---- libxenmanage ---- */

#if __has_include(<xenmanage.h>)

xenmanage_handle *xenmanage_open(struct xentoollog_logger *logger, unsigned int open_flags)
{
    (void)logger, (void)open_flags;
    return (void *)&handle;
}

int xenmanage_close(xenmanage_handle *hdl)
{
    (void)hdl;
    return 0;
}

int xenmanage_get_domain_info(xenmanage_handle *hdl, unsigned int domid, unsigned int *state,
                              unsigned int *caps, uint64_t *unique_id)
{
    static const unsigned int flags[] = {
        [RUNNING] = XENMANAGE_GETDOMSTATE_STATE_EXIST,
        [PAUSED] = XENMANAGE_GETDOMSTATE_STATE_EXIST,
        [SHUTDOWN] = XENMANAGE_GETDOMSTATE_STATE_EXIST | XENMANAGE_GETDOMSTATE_STATE_SHUTDOWN,
        [CRASHED] = XENMANAGE_GETDOMSTATE_STATE_EXIST | XENMANAGE_GETDOMSTATE_STATE_SHUTDOWN,
        [DYING] = XENMANAGE_GETDOMSTATE_STATE_EXIST | XENMANAGE_GETDOMSTATE_STATE_DYING,
    };
    enum state is = state_of(domid);

    (void)hdl;
    if (is == GONE) {
        errno = ENOENT;
        return -1;
    }
    if (state)
        *state = flags[is];
    if (caps)
        *caps = domid == 0 ? XENMANAGE_GETDOMSTATE_CAP_CONTROL | XENMANAGE_GETDOMSTATE_CAP_HARDWARE : 0;
    if (unique_id)
        *unique_id = domid + 1;
    return 0;
}

/* The next domain after `after` that has a file; DOMID_FIRST_RESERVED when there is none. */
static unsigned int domain_after(int after)
{
    unsigned int next = DOMID_FIRST_RESERVED, domid;
    char path[RIG_PATH];
    DIR *files = rig_path(path, ".") ? opendir(path) : NULL;
    struct dirent *e;
    int end;

    while (files && (e = readdir(files))) {
        end = 0;
        if (sscanf(e->d_name, "dom%u.state%n", &domid, &end) == 1 && end && !e->d_name[end] &&
            (int)domid > after && domid < next)
            next = domid;
    }
    if (files)
        closedir(files);
    return next;
}

/* At first there is domain 0 to be told of. Others exist when the toolstack introduces them, and are told of
 * when they change. */
int xenmanage_poll_changed_domain(xenmanage_handle *hdl, unsigned int *domid, unsigned int *state,
                                  unsigned int *caps, uint64_t *unique_id)
{
    static unsigned char told[DOMID_FIRST_RESERVED]; /* the states */
    static bool begun;
    unsigned int d = domain_after(-1);

    for (; d < DOMID_FIRST_RESERVED; d = domain_after((int)d)) {
        if (told[d] == state_of(d))
            continue;
        told[d] = (unsigned char)state_of(d);
        if (begun)
            break;
    }
    if (!begun) {
        begun = true;
        d = 0;
    }
    if (d == DOMID_FIRST_RESERVED) {
        errno = ENOENT;
        return -1;
    }
    *domid = d;
    if (xenmanage_get_domain_info(hdl, d, state, caps, unique_id) == 0)
        return 0;
    if (state)
        *state = 0;
    if (caps)
        *caps = 0;
    if (unique_id)
        *unique_id = 0;
    return 0;
}

#endif
