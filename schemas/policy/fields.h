/* SPDX-License-Identifier: MIT */
/* The table of everything that may stand in a policy: the parser reads by it, and the JSON Schema is written
 * from it. Constant data. */
#ifndef XENRECON_POLICY_FIELDS_H
#define XENRECON_POLICY_FIELDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum field_kind {
    FIELD_VERSION,  /* a number from min to max; stored nowhere */
    FIELD_NAME,     /* char[DEVICE_NAME_MAX + 1] */
    FIELD_USER,     /* char *: a name, too */
    FIELD_PATH,     /* char *: absolute, in its simplest form */
    FIELD_REGEX,    /* struct key_spec's match and regex */
    FIELD_BOOLEAN,  /* bool */
    FIELD_CHOICE,   /* an enum; `choices` by its values */
    FIELD_NUMBER,   /* uint32_t, from min to max */
    FIELD_DURATION, /* uint32_t, from min to DURATION_MAX */
    FIELD_WORDS,    /* char **, and how many at offset_n */
    FIELD_SECTION,  /* a mapping of more fields of the same struct */
    FIELD_KEYS,     /* struct key_spec *, and how many; `fields` are those of one key */
    FIELD_KEY,      /* char *: the name of a key */
    FIELD_PUBLISH,  /* struct publish *, and how many */
    FIELD_VARIABLES /* struct variable *, and how many */
};

enum { FIELD_PATH_MAX = 255 };

/* No default, or one that depends on something else. The same number as HOLD_CLOSED_DEFAULT. */
#define PRESET_NONE UINT32_MAX

struct field {
    const char *name; /* NULL ends a table */
    const char *about;
    enum field_kind kind;
    bool required;
    bool for_kernel;         /* only with owner kernel */
    size_t offset, offset_n; /* in struct policy, or struct key_spec */
    uint32_t preset;         /* default of BOOLEAN, CHOICE, NUMBER, DURATION */
    uint32_t min, max;
    const char *const *choices; /* NULL ends them */
    const char *hint;           /* said when none of the choices was given */
    const struct field *fields;
};

extern const struct field policy_fields[];

extern const char *const owner_choices[];
/* Keys that may not be published, and nothing below them: they are ours or the toolstack's. NULL ends them.
 */
extern const char *const reserved_keys[];
/* The one that this key is, or is below; or NULL. */
const char *reserved_key(const char *key);

#endif
