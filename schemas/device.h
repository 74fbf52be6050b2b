/* SPDX-License-Identifier: MIT */
/* Device keys (`qdisk/7/51712`) and the places of a device in the store. Paths are absolute. */
#ifndef XENRECON_DEVICE_H
#define XENRECON_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    DOMID_MAX = 0x7fef,      /* the last before Xen's DOMID_FIRST_RESERVED */
    DEVICE_NAME_MAX = 31,    /* characters of a type or a devid */
    DEVICE_KEY_SIZE = 72,    /* a buffer for "<type>/<domid>/<devid>" */
    STORE_PATH_MAX = 3072,   /* XENSTORE_ABS_PATH_MAX */
    BACKEND_PATH_SIZE = 128, /* a buffer for a backend directory's path */
};

/* A device has two ends: the directory B in the backend's domain, and F in the frontend's. */
enum side {
    BACKEND,
    FRONTEND,
};

struct device_key {
    char type[DEVICE_NAME_MAX + 1];
    char devid[DEVICE_NAME_MAX + 1]; /* text: the store makes no number of it, and neither do we */
    uint16_t domid;                  /* the frontend's domain */
};

bool device_key_equal(const struct device_key *a, const struct device_key *b);
int device_key_compare(const struct device_key *a, const struct device_key *b); /* domid, type, devid */
uint64_t device_key_hash(const struct device_key *key);

/* A type or devid: 1 to DEVICE_NAME_MAX of A-Z a-z 0-9 - _ */
bool device_name_valid(const char *name, size_t len);

/* "<type>/<domid>/<devid>", strictly: 0, or -EINVAL. */
int device_key_parse(const char *text, size_t len, struct device_key *ret_key);
void device_key_format(const struct device_key *key, char buf[static DEVICE_KEY_SIZE]);

/* "/local/domain/<backend-domid>/backend/<type>/<domid>/<devid>" */
void device_backend_path(uint16_t backend_domid, const struct device_key *key,
                         char buf[static BACKEND_PATH_SIZE]);

/* May this value of the `frontend` key be used as a path? It must lie below /local/domain/<domid>/ and be
 * made of what xenstored allows in a path. */
bool device_frontend_path_valid(const char *path, size_t len, uint16_t domid);

/* Where in the backend tree of domain `backend_domid` a path lies. */
enum backend_place {
    BACKEND_OUTSIDE, /* not there, or not as a device would be named */
    BACKEND_ROOT,    /* backend */
    BACKEND_TYPE,    /* backend/<type>: ret_key->type is set */
    BACKEND_DOMAIN,  /* backend/<type>/<domid>: ret_key->domid too */
    BACKEND_DEVICE,  /* the device's directory */
    BACKEND_KEY,     /* below it: *ret_rest is the key's name */
};
enum backend_place device_locate(uint16_t backend_domid, const char *path, struct device_key *ret_key,
                                 const char **ret_rest);

#endif
