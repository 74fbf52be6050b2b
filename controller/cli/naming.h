/* SPDX-License-Identifier: MIT */
/* What domains and disks are called, and so which devices a DEVICE argument means (schemas/selector.h): asks
 * the store for what the argument makes necessary, and for each domain once.
 *
 * Owns the names. Blocks. One thread. */
#ifndef XENRECON_NAMING_H
#define XENRECON_NAMING_H

#include <stddef.h>

#include "controller/store/store.h"
#include "schemas/device.h"

struct naming;

/* A device, and whose backend tree it is in. */
struct located {
    uint16_t backend_domid;
    struct device_key key;
};

/* Of a store that is there, and lives longer; `run` has requests answered until *done: 0, or a negative
 * errno. */
struct naming *naming_new(struct store *store, int (*run)(void *arg, const bool *done), void *arg);
/* Of the live store. Where that cannot be opened, nothing has a name; this is not logged. */
struct naming *naming_open(void);
void naming_free(struct naming *n); /* NULL is fine */

/* The domain's name, as it is in the store, which is as long as it; NULL: it has none, or nobody knows. */
const char *naming_domain(struct naming *n, uint16_t domid);

/* Those of `all` that one of the texts selects, in the order in which they are there; the caller frees the
 * list. -EINVAL, -ENODEV: a text cannot select anything, or nothing that there is `where`. Both are logged,
 * the latter unless `where` is NULL. */
int naming_select(struct naming *n, char *const *texts, size_t n_texts, const struct located *all,
                  size_t n_all, const char *where, struct located **ret_devices, size_t *ret_n);

/* Whether one of the texts, which naming_check() knows to be good, selects this device. */
bool naming_matches(struct naming *n, char *const *texts, size_t n_texts, const struct located *device);

/* Logs that an argument means several devices where it should mean one. */
void naming_say_several(const char *text, const struct located *devices, size_t n);

/* Whether texts can select anything at all. -EINVAL, logged: one cannot. */
int naming_check(char *const *texts, size_t n_texts);

/* Whether all texts are exact: a type, a domain's number and a devid's. Nothing need be listed for them. */
bool naming_exact(char *const *texts, size_t n_texts);

#endif
