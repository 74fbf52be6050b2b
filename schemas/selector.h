/* SPDX-License-Identifier: MIT */
/* What a DEVICE argument means: which of the devices that there are it selects.
 *
 *   TYPE/DOMAIN/DEVID   * and ? stand for any characters; DOMAIN is a number or a name; DEVID may be what the
 * guest calls the disk: the key `dev`, or what libxl's numbering says TYPE/DOMAIN TYPE DOMAIN all below
 *   /a/path             of the store: the devices that it belongs to, or that are below it
 *
 * Pure. Owns nothing but copies; nothing needs to be freed. */
#ifndef XENRECON_SELECTOR_H
#define XENRECON_SELECTOR_H

#include <stdbool.h>

#include "schemas/device.h"

enum { SELECTOR_PART_SIZE = 256 };

enum selector_kind {
    SELECTOR_DEVICE, /* type, domain and devid */
    SELECTOR_DOMAIN, /* type and domain */
    SELECTOR_EITHER, /* a type or a domain, whichever there is: in `domain` */
    SELECTOR_PATH,   /* a path of the store */
};

struct selector {
    enum selector_kind kind;
    char type[SELECTOR_PART_SIZE], domain[SELECTOR_PART_SIZE], devid[SELECTOR_PART_SIZE];
    char path[STORE_PATH_MAX + 1];
};

/* A device, and what it is called. */
struct selectable {
    const struct device_key *key;
    uint16_t backend_domid;
    const char *domain_name; /* of the frontend's; NULL: not known */
    const char *dev;         /* the key `dev` of the backend; NULL: it has none, or was not read */
    const char *frontend;    /* F's path; NULL: not known */
};

/* 0; -EINVAL: it selects nothing that could be. */
int selector_parse(const char *text, struct selector *ret_selector);

/* Whether it is one device by type and numbers, there or not. */
bool selector_exact(const struct selector *s, struct device_key *ret_key);

bool selector_matches(const struct selector *s, const struct selectable *device);

/* What of a device has to be known to say whether it matches. */
bool selector_wants_names(const struct selector *s);
bool selector_wants_dev(const struct selector *s);
bool selector_wants_frontend(const struct selector *s);

/* Whether the name matches the pattern: * is any characters, ? one. */
bool selector_glob(const char *pattern, const char *name);

#endif
