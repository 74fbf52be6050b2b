/* SPDX-License-Identifier: MIT */
/* Dumps: what `xenstore-ls` printed of a store, in any of its forms (tree, -f, -p, -fp; absolute, relative or
 * from a sub-path), and what becomes of it when people paste it. Parsing is pure, linear, and strict where it
 * matters: a value that was cut or damaged is UNREADABLE, a path is ABSENT only where its directory was
 * listed to its end, and whatever could not be used is in the notes. Text that lost what is needed to
 * understand it is refused. That whole lines are missing at the end cannot be seen.
 *
 * A dump never changes once it is parsed; it owns its memory and copies what it needs of the text. Errors are
 * negative errnos. */
#ifndef XENRECON_DUMP_H
#define XENRECON_DUMP_H

#include "schemas/device.h"
#include "schemas/diagnostic.h"
#include "schemas/value.h"

enum {
    DUMP_SIZE_MAX = 64 << 20,  /* bytes of text */
    DUMP_NODES_MAX = 2 << 20,  /* no store has as many */
    DUMP_VALUE_MAX = 4096,     /* XENSTORE_PAYLOAD_MAX */
    DUMP_LINE_MAX = 256 << 10, /* no line of a listing is as long */
    DUMP_NOTES_MAX = 20,       /* what goes beyond is counted */
};

struct dump;

/* Something about the text that is not part of the store. */
struct dump_note {
    unsigned first, last; /* lines, from 1; 0: the text as a whole */
    bool harmless;        /* nothing of the store is missing for it */
    const char *text;     /* what is wrong with these lines; the dump's */
};

/* `name` is for the diagnostic, which is set when this fails: -E2BIG (beyond a limit above) or -EINVAL (it is
 * no listing, or one that was mangled). */
int dump_parse(const char *name, const char *text, size_t len, struct dump **ret_dump,
               struct diagnostic *ret_why);
void dump_free(struct dump *d); /* NULL is fine */

const struct dump_note *dump_notes(const struct dump *d, size_t *ret_n);

/* The value at an absolute path. */
struct value dump_lookup(const struct dump *d, const char *path);

/* Where the path is in the text: its line, or 0. */
unsigned dump_line_of(const struct dump *d, const char *path);

/* PRESENT, having called `each` for every child in the order of the text; ABSENT: no such directory;
 * UNREADABLE: that, or some of its children, cannot be known. */
enum presence dump_children(const struct dump *d, const char *path, void (*each)(void *arg, const char *name),
                            void *arg);

/* Likewise those children that the dump shows, whether there were more or not. */
void dump_shown_children(const struct dump *d, const char *path, void (*each)(void *arg, const char *name),
                         void *arg);

/* Every device directory that is there, in any domain's backend tree. */
void dump_devices(const struct dump *d,
                  void (*each)(void *arg, uint16_t backend_domid, const struct device_key *key), void *arg);

/* Every domain of which a backend tree, or a part of one, is there. */
void dump_backend_domains(const struct dump *d, void (*each)(void *arg, uint16_t domid), void *arg);

/* Every frontend's directory that names a place for its backend, at a place for frontends. */
void dump_frontends(const struct dump *d, void (*each)(void *arg, const char *backend), void *arg);

/* Does a line of the dump show this path, or one below it? */
bool dump_shows(const struct dump *d, const char *path);

/* Is it known which domains there are, and so that there are no other backend trees than those in the dump?
 */
bool dump_shows_domains(const struct dump *d);

#endif
