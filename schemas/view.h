/* SPDX-License-Identifier: MIT */
/* A view: the snapshot of one device that a decision is made from. It is built key by key, sealed, and from
 * then on never changes. It owns its memory.
 *
 * Of the backend directory B it holds the listed keys that somebody declared; of the frontend directory F
 * only the declared keys and `state`. Nested keys have slashes in their names (`port/1`). What nobody put
 * into a view is ABSENT: who builds one puts in everything that was asked for, also what could not be read.
 */
#ifndef XENRECON_VIEW_H
#define XENRECON_VIEW_H

#include "schemas/arena.h"
#include "schemas/device.h"
#include "schemas/value.h"

/* What xenrecon-dm(8) writes beside its state. */
#define NULL_MODEL_KEY "xenrecon"
#define NULL_MODEL     "null"

struct view_key {
    const char *name;
    struct value value;
};

struct view {
    struct arena arena;
    struct device_key device;
    uint16_t backend_domid;   /* the backend's domain */
    enum presence directory;  /* of B; ABSENT: the device is gone */
    const char *path[2];      /* by side; F's is NULL while it is unknown or may not be used as a path */
    enum presence front;      /* F itself; PRESENT while nobody had reason to look */
    enum presence domain;     /* the frontend's domain: does /local/domain/<id> exist? Likewise */
    struct value error[2];    /* what drivers say is wrong: error/... in the side's domain; ABSENT likewise */
    enum presence qemu;       /* does a device model run for the frontend's domain that may serve devices? */
    bool null_model;          /* there is one, xenrecon-dm(8), which serves none: qemu is ABSENT */
    bool listing;             /* it is of a listing, and what that lacks is said of it as a whole */
    struct view_key *keys[2]; /* by side, sorted by name once sealed */
    size_t n_keys[2], cap_keys[2];
};

struct view *view_new(uint16_t backend_domid, const struct device_key *device);
void view_free(struct view *v); /* NULL is fine */

/* Copies what it is given. `text` may be NULL unless PRESENT. */
void view_add(struct view *v, enum side side, const char *name, enum presence presence, const char *text,
              size_t len);
void view_set_frontend(struct view *v, const char *path);
void view_set_error(struct view *v, enum side side, enum presence presence, const char *text, size_t len);
void view_seal(struct view *v);

/* An unsealed copy, and a way to change it: "what if this were otherwise?" */
struct view *view_copy(const struct view *v);
void view_replace(struct view *copy, enum side side, const char *name, enum presence presence,
                  const char *text, size_t len);

/* ABSENT when there is no such key. Sealed views only. */
struct value view_get(const struct view *v, enum side side, const char *name);
/* Was this key asked for? */
bool view_has(const struct view *v, enum side side, const char *name);
/* The absolute path of a key. */
const char *view_key_path(const struct view *v, enum side side, const char *name, struct arena *a);

/* The same number for views that hold the same: "has anything changed since?" */
uint64_t view_digest(const struct view *v);

#endif
