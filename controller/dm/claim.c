/* SPDX-License-Identifier: MIT */
#include "controller/dm/claim.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xenstore.h>

#include "schemas/view.h"

enum { PATH_SIZE = 48, TRIES = 100 };

/* A relative path: below our own domain, whichever that is. */
static const char *path_of(const struct claim *c, const char *key, char buf[PATH_SIZE])
{
    snprintf(buf, PATH_SIZE, "device-model/%u%s%s", (unsigned)c->domid, *key ? "/" : "", key);
    return buf;
}

static int failure(void)
{
    return errno ? -errno : -EIO;
}

int claim_open(struct claim *c, uint16_t domid)
{
    *c = (struct claim){.store = xs_open(0), .domid = domid};
    if (!c->store)
        return failure();
    if (xs_watch(c->store, "@releaseDomain", ""))
        return 0;
    int error = failure();
    claim_drop(c);
    return error;
}

void claim_drop(struct claim *c)
{
    if (c->store)
        xs_close(c->store);
    c->store = NULL;
}

int claim_fd(const struct claim *c)
{
    return xs_fileno(c->store);
}

/* ---- the keys ---- */

struct key {
    bool there, null;
};

static int read_key(const struct claim *c, xs_transaction_t tx, const char *name, struct key *ret_key)
{
    char path[PATH_SIZE];
    unsigned len;
    char *value = xs_read(c->store, tx, path_of(c, name, path), &len);
    if (!value && errno != ENOENT)
        return failure();
    *ret_key = (struct key){value != NULL, value && strcmp(value, NULL_MODEL) == 0};
    free(value);
    return 0;
}

static int write_key(const struct claim *c, xs_transaction_t tx, const char *name, const char *value)
{
    char path[PATH_SIZE];
    return xs_write(c->store, tx, path_of(c, name, path), value, (unsigned)strlen(value)) ? 0 : failure();
}

/* The state of a device model that is not a null one must never be made to look like ours: its devices would
 * be served twice. */
static int make(const struct claim *c, xs_transaction_t tx, bool running)
{
    struct key state = {false, false}, word = state;
    int error = read_key(c, tx, "state", &state);
    if (!error)
        error = read_key(c, tx, NULL_MODEL_KEY, &word);
    if (error)
        return error;
    if (state.there && !word.null)
        return -EBUSY;
    error = write_key(c, tx, NULL_MODEL_KEY, NULL_MODEL);
    return error || !running ? error : write_key(c, tx, "state", "running");
}

static int withdraw(const struct claim *c, xs_transaction_t tx, bool running)
{
    static const char *const keys[] = {"state", NULL_MODEL_KEY};
    char path[PATH_SIZE];
    struct key word = {false, false};
    (void)running;
    int error = read_key(c, tx, NULL_MODEL_KEY, &word);
    for (size_t i = 0; !error && word.null && i < 2; i++)
        if (!xs_rm(c->store, tx, path_of(c, keys[i], path)) && errno != ENOENT)
            error = failure();
    return error;
}

static int in_transaction(const struct claim *c, int (*run)(const struct claim *, xs_transaction_t, bool),
                          bool running)
{
    int error = -EAGAIN;
    for (int i = 0; i < TRIES && error == -EAGAIN; i++) {
        xs_transaction_t tx = xs_transaction_start(c->store);
        if (tx == XBT_NULL)
            return failure();
        error = run(c, tx, running);
        if (!xs_transaction_end(c->store, tx, error != 0) && !error)
            error = failure();
    }
    return error;
}

int claim_make(struct claim *c, bool running)
{
    int error = in_transaction(c, make, running);
    if (!error)
        c->ours = true;
    return error;
}

void claim_close(struct claim *c)
{
    if (c->store && c->ours)
        in_transaction(c, withdraw, false);
    claim_drop(c);
}

/* ---- the domain ---- */

static bool event_waits(const struct claim *c)
{
    struct pollfd p = {.fd = xs_fileno(c->store), .events = POLLIN};
    return poll(&p, 1, 0) == 1;
}

enum claim_fate claim_check(struct claim *c)
{
    if (!c->store)
        return CLAIM_LOST;
    while (event_waits(c)) {
        char **event = xs_check_watch(c->store);
        if (!event)
            break;
        free(event);
    }
    errno = 0; /* errno alone tells "no" from "could not ask" */
    if (xs_is_domain_introduced(c->store, c->domid))
        return CLAIM_STANDS;
    return errno ? CLAIM_LOST : CLAIM_OVER;
}
