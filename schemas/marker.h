/* SPDX-License-Identifier: MIT */
/* The marker: the key `xenrecon` in B, written in the same transaction as every state that we write.
 *
 *   "<incarnation> <state> <ring>"     16 hex digits, one digit, 16 hex digits or `-`
 *
 * incarnation tells this directory from one of the same name before it; state is the last one that we wrote,
 * so that another one is the toolstack's; ring is a hash of the connect keys that are connected, so that a
 * new ring made while we were down is seen. Guests can read it: it is no credential. */
#ifndef XENRECON_MARKER_H
#define XENRECON_MARKER_H

#include <stdbool.h>
#include <stdint.h>

#include "schemas/value.h"
#include "schemas/xenbus.h"

#define MARKER_KEY "xenrecon"
enum { MARKER_SIZE = 16 + 1 + 1 + 1 + 16 + 1 };

struct marker {
    uint64_t incarnation;
    enum xenbus_state wrote;
    bool connected;
    uint64_t ring; /* meaningful when connected */
};

/* 0 and *ret_marker, or -EINVAL. */
int marker_parse(const char *text, size_t len, struct marker *ret_marker);
void marker_format(const struct marker *m, char buf[static MARKER_SIZE]);

#endif
