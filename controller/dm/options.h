/* SPDX-License-Identifier: MIT */
/* The part of QEMU's command line that a device model without devices needs to know. Pure; what is read
 * points into argv or into the options' own arena.
 *
 * Source: what libxl 4.17 to 4.20 gives the device model of a PV or PVH guest (tools/libs/light/libxl_dm.c),
 * and QEMU's own manual for how such options are written. */
#ifndef XENRECON_DM_OPTIONS_H
#define XENRECON_DM_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "schemas/arena.h"

enum { DM_SOCKETS_MAX = 8 };

/* Where QMP is spoken: a path to listen at, or a descriptor that is listening. */
struct dm_socket {
    const char *id;   /* the chardev's id */
    const char *path; /* NULL: there is a descriptor, `fd` */
    int fd;
    bool control; /* a -mon speaks QMP there; other sockets are not opened */
};

struct dm_options {
    struct arena arena;
    bool probe;     /* -machine none: it is only asked what this program can do, and there is no domain */
    bool has_domid; /* there is a domain; false for such a probe */
    uint16_t domid;
    bool paused; /* -S: not running before `cont` */
    struct dm_socket sockets[DM_SOCKETS_MAX];
    size_t n_sockets;
};

/* 0; or -EINVAL, and *ret_error, which the options own, says what is wrong. Either way the caller calls
 * dm_options_free(). Options that mean nothing to us are passed over. */
int dm_options_parse(int argc, char *const *argv, struct dm_options *ret_options, const char **ret_error);
void dm_options_free(struct dm_options *o);

#endif
