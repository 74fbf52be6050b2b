/* SPDX-License-Identifier: MIT */
/* Policies: what the administrator declares for one device type. A policy never changes after it was parsed;
 * a set of them is replaced as a whole. Durations are in milliseconds. */
#ifndef XENRECON_POLICY_H
#define XENRECON_POLICY_H

#include <regex.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "schemas/device.h"
#include "schemas/diagnostic.h"
#include "schemas/value.h"

enum owner {
    OWNER_XENRECON, /* we drive the backend's state */
    OWNER_KERNEL,   /* a kernel driver does: we watch, and may run hotplug scripts */
    OWNER_EXTERNAL, /* somebody else does: we watch */
};

enum cycle_mode {
    CYCLE_ON_INITIALISING,
    CYCLE_ON_CLOSED,
};

enum handshake {
    HANDSHAKE_FULL,
    HANDSHAKE_NONE, /* the frontend's state means nothing */
};

enum orphan_action {
    ORPHAN_REPORT,
    ORPHAN_REMOVE,
};

enum key_type {
    KEY_STRING,
    KEY_BOOLEAN, /* 0 or 1 */
    KEY_UINT16,
    KEY_UINT32,
    KEY_UINT64,
    KEY_HEX, /* 64 bits, with or without 0x */
};

enum required {
    REQUIRED_NO,
    REQUIRED_CREATE,  /* `required: true` */
    REQUIRED_CONNECT, /* `required: connect`: before B may become Connected */
};

/* One key of B or F: its name, or a pattern in which a component `*` stands for any one name, as in
 * `port/<any>`. */
struct key_spec {
    char *name;
    bool pattern;
    enum key_type type;
    enum required required;
    char *match;    /* POSIX extended regular expression, or NULL */
    regex_t *regex; /* `match`, compiled */
    char **choices; /* `enum`, or NULL */
    size_t n_choices;
    bool secret;       /* never printed */
    char *alternative; /* `or`: another key of this side that does as well, or NULL */
};

struct publish {
    char *key, *value;
};

struct variable {
    char *name, *value;
};

#define HOLD_CLOSED_DEFAULT UINT32_MAX

struct policy {
    char *source; /* the file it came from */
    char *text;   /* that file's content */
    size_t text_len;
    char type[DEVICE_NAME_MAX + 1];
    char frontend[DEVICE_NAME_MAX + 1]; /* device/<frontend>/<devid>; the type itself by default */
    enum owner owner;
    bool qemu;                /* QEMU serves this type too: keep off where a device model runs */
    struct key_spec *keys[2]; /* by enum side: backend-keys, frontend-keys; in the file's order */
    size_t n_keys[2];
    struct publish *publish;
    size_t n_publish;
    enum cycle_mode cycle;
    enum handshake handshake;
    struct {
        /* argv with ${key} placeholders, ends in NULL. NULL: no worker, the device does its handshake alone
         */
        char **command;
        size_t n_command;
        char **formats; /* argv of a server that the workers of one guest share; NULL: none */
        size_t n_formats;
        char *user;                   /* that it runs as; NULL: ours, or as uid_base says */
        uint32_t uid_base;            /* it runs as this number plus the frontend's domid; 0: it does not */
        bool drops;                   /* it starts as ours and becomes that user by itself */
        struct variable *environment; /* besides what every worker gets */
        size_t n_environment;
        uint32_t open_files; /* RLIMIT_NOFILE */
        uint32_t memory;     /* RLIMIT_AS, in MiB; 0: no limit */
        uint32_t file_size;  /* RLIMIT_FSIZE, in MiB; 0: no limit */
    } worker;
    struct {
        uint32_t create, connect, close;
    } deadlines;
    struct {
        uint32_t init_wait, closed; /* closed: HOLD_CLOSED_DEFAULT unless given */
    } hold;
    struct {
        bool frontend, parents;
    } destroy;
    struct {
        uint32_t initial, max;
    } retry;
    struct {
        uint32_t devices_per_domain, events_per_second, burst;
    } limits;
    struct {
        uint32_t grace;
        enum orphan_action action;
    } orphan;
    struct {
        bool run;
        char *directory; /* absolute; NULL unless the owner is the kernel */
        uint32_t timeout, parallel;
        bool in_dom0; /* run scripts in dom0, too */
    } hotplug;
};

/* One document. 0 and *ret_policy, or -EINVAL and *ret_why; nothing is kept of a bad one. `file` is for
 * messages. */
int policy_parse(const char *file, const char *text, size_t len, struct policy **ret_policy,
                 struct diagnostic *ret_why);
/* Likewise, and tells of every mistake in it, not of the first alone. What depends on a part that could not
 * be read is not judged. */
int policy_parse_all(const char *file, const char *text, size_t len, struct policy **ret_policy,
                     struct mistakes *mistakes);
void policy_free(struct policy *p); /* NULL is fine */

/* The draft-07 JSON Schema of the format, from the table that the parser uses. A string for free(). */
char *policy_json_schema(void);

/* As a document that parses to the same policy, with the defaults filled in. */
void policy_print(const struct policy *p, FILE *to);

/* Owns its policies, sorted by type. */
struct policy_set {
    struct policy **list;
    size_t n, cap;
};

/* Takes p over. One of the same type is replaced (and freed): 1 then, else 0. */
int policy_set_add(struct policy_set *set, struct policy *p);
/* Where in the list the policy of that type is, or would be. */
size_t policy_set_position(const struct policy_set *set, const char *type);
const struct policy *policy_set_find(const struct policy_set *set, const char *type);
void policy_set_clear(struct policy_set *set);

/* How long Closed stays readable before B is removed: what the policy says, or 10 s in dom0 (libxl removes B
 * itself long before) and 1 s elsewhere. */
uint32_t policy_hold_closed(const struct policy *p, uint16_t backend_domid);

/* Are hotplug scripts ours to run? In dom0 libxl does it, unless the policy insists. */
bool policy_hotplug(const struct policy *p, uint16_t backend_domid);

/* The spec that a key's name falls under: the exact name first, then the patterns in order. NULL when it is
 * not declared. */
const struct key_spec *policy_find_key(const struct policy *p, enum side side, const char *name);

/* Does a key of this spec count at that moment? Of F those that are required by then: a guest may write into
 * the others what it likes. Of B all, for what the toolstack wrote must be valid even where it is optional.
 */
bool policy_key_counts(const struct key_spec *spec, enum side side, enum required moment);

/* What stands for a secret where it is not shown; it passes every check. */
#define SECRET_REDACTED "redacted"

/* Does the value fit the spec? NULL, or what is wrong with it: a phrase such as "is not a 32-bit number". */
const char *key_spec_check(const struct key_spec *spec, const struct value *value);

const char *owner_name(enum owner owner);

#endif
