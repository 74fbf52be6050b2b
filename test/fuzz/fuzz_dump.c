/* SPDX-License-Identifier: MIT */
/* Any text as a dump: whatever was understood is a store that could be, says the same when it is asked in
 * another way, and still does when it is written as a listing and read once more. */
#include "schemas/dump/dump.h"

#include <errno.h>

#include "schemas/arena.h"
#include "schemas/mem.h"
#include "test/fuzz/diagnostics.h"
#include "test/fuzz/fuzz.h"

static unsigned count_lines(const char *text, size_t len)
{
    unsigned n = len > 0;
    for (size_t i = 0; i + 1 < len; i++)
        n += text[i] == '\n';
    return n;
}

/* ---- the whole store, by asking ---- */

struct listing {
    const struct dump *dump;
    FILE *to;
    unsigned lines;
    size_t nodes;
};

struct names {
    struct arena arena;
    const char **list;
    size_t n, cap;
};

static void on_child(void *arg, const char *name)
{
    struct names *names = arg;
    xgrow(&names->list, &names->cap, names->n + 1, sizeof *names->list);
    names->list[names->n++] = arena_strdup(&names->arena, name);
}

static void check_name(const char *path, const char *name)
{
    size_t len = strlen(name);
    holds(len, "a child of %s without a name", path);
    holds(strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_@:") == len, "%s/%s",
          path, name);
    holds(strlen(path) + 1 + len < STORE_PATH_MAX, "%s/%s is too long", path, name);
}

static void write_value(FILE *to, const char *path, const struct value *v)
{
    fprintf(to, "%s = \"", path);
    for (size_t i = 0; i < v->len; i++)
        fprintf(to, "\\x%02x", (unsigned char)v->text[i]);
    fputs("\"\n", to);
}

static void walk(struct listing *l, const char *path)
{
    struct names names = {0};
    struct value v = dump_lookup(l->dump, path);
    unsigned line = dump_line_of(l->dump, path);
    enum presence listed = dump_children(l->dump, path, on_child, &names);
    holds(line <= l->lines, "%s is in line %u of %u", path, line, l->lines);
    holds(v.presence != ABSENT, "%s is and is not there", path);
    holds(listed != ABSENT, "%s is a directory of what is there, but none", path);
    if (v.presence == PRESENT) {
        holds(v.text && v.len <= DUMP_VALUE_MAX && v.text[v.len] == '\0', "the value of %s", path);
        if (line)
            write_value(l->to, path, &v);
    }
    l->nodes++;
    for (size_t i = 0; i < names.n; i++) {
        check_name(path, names.list[i]);
        for (size_t j = 0; j < i && names.n < 64; j++)
            holds(strcmp(names.list[i], names.list[j]) != 0, "%s/%s twice", path, names.list[i]);
        walk(l, arena_printf(&names.arena, "%s/%s", strcmp(path, "/") != 0 ? path : "", names.list[i]));
    }
    struct value none = dump_lookup(l->dump, arena_printf(&names.arena, "%s/no:such", path));
    holds(none.presence == (listed == PRESENT ? ABSENT : UNREADABLE) || strcmp(path, "/") == 0 ||
              none.presence == PRESENT,
          "%s/no:such is %d, and the directory %d", path, none.presence, listed);
    arena_free(&names.arena);
    free(names.list);
}

/* ---- once more ---- */

static void compare(const struct dump *was, const struct dump *is, const char *path)
{
    struct names names = {0};
    struct value old = dump_lookup(was, path), new = dump_lookup(is, path);
    if (old.presence == PRESENT && dump_line_of(was, path))
        holds(value_equal(&old, &new), "%s was \"%s\" and is \"%s\"", path, old.text,
              new.presence == PRESENT ? new.text : "not there");
    dump_children(was, path, on_child, &names);
    for (size_t i = 0; i < names.n; i++)
        compare(was, is,
                arena_printf(&names.arena, "%s/%s", strcmp(path, "/") != 0 ? path : "", names.list[i]));
    arena_free(&names.arena);
    free(names.list);
}

struct shown {
    const struct dump *dump;
    const char *path;
    bool line; /* of the directory, or of something below it */
};

static bool has_line(const struct dump *d, const char *path);

static void on_key(void *arg, const char *name)
{
    struct shown *s = arg;
    struct arena a = {0};
    s->line = s->line || has_line(s->dump, arena_printf(&a, "%s/%s", s->path, name));
    arena_free(&a);
}

static bool has_line(const struct dump *d, const char *path)
{
    struct shown s = {.dump = d, .path = path, .line = dump_line_of(d, path) != 0};
    if (!s.line)
        dump_shown_children(d, path, on_key, &s);
    return s.line;
}

/* A frontend's word for its backend, which becomes a path. */
static void on_frontend(void *arg, const char *backend)
{
    (void)arg;
    holds(strlen(backend) < BACKEND_PATH_SIZE && *backend == '/', "%s", backend);
}

static void on_device(void *arg, uint16_t self, const struct device_key *key)
{
    const struct dump *d = arg;
    char path[BACKEND_PATH_SIZE];
    device_backend_path(self, key, path);
    holds(dump_lookup(d, path).presence != ABSENT, "the device %s is not there", path);
    holds(dump_shows(d, path), "the device %s is not shown", path);
    holds(has_line(d, path), "no line says that there is the device %s", path);
    holds(device_name_valid(key->type, strlen(key->type)) &&
              device_name_valid(key->devid, strlen(key->devid)),
          "%s", path);
}

static void check_notes(const struct dump *d, unsigned lines)
{
    size_t n;
    const struct dump_note *notes = dump_notes(d, &n);
    holds(n <= DUMP_NOTES_MAX + 1, "%zu notes", n);
    for (size_t i = 0; i < n; i++) {
        holds(notes[i].first <= notes[i].last && notes[i].last <= lines, "lines %u-%u of %u: %s",
              notes[i].first, notes[i].last, lines, notes[i].text);
        holds_printable(notes[i].text, strlen(notes[i].text), false);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct dump *d = NULL, *again = NULL;
    struct diagnostic why;
    char *text = NULL;
    size_t len = 0;
    int error = dump_parse("x", (const char *)data, size, &d, &why);
    if (error) {
        holds(!d && (error == -EINVAL || error == -E2BIG), "%d", error);
        check_diagnostic(&why, "x", (const char *)data, size);
        return 0;
    }
    struct listing l = {.dump = d, .lines = count_lines((const char *)data, size)};
    l.to = open_memstream(&text, &len);
    holds(l.to);
    check_notes(d, l.lines);
    dump_devices(d, on_device, d);
    dump_frontends(d, on_frontend, NULL);
    walk(&l, "/");
    fclose(l.to);
    holds(l.nodes <= DUMP_NODES_MAX, "%zu nodes", l.nodes);
    if (len) {
        error = dump_parse("again", text, len, &again, &why);
        holds(!error, "line %u: %s in\n%s", why.line, why.message, text);
        compare(d, again, "/");
    }
    dump_free(again);
    dump_free(d);
    free(text);
    return 0;
}
