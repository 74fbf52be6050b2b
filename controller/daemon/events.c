/* SPDX-License-Identifier: MIT */
#include "controller/daemon/events.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "controller/base/queue.h"
#include "controller/base/write_whole.h"
#include "controller/daemon/ranking.h"
#include "schemas/age.h"
#include "schemas/device.h"
#include "schemas/json.h"
#include "schemas/mem.h"

enum {
    BUCKETS = 256,
    NO_GUEST = -1,
    EVENT_OVERHEAD = 80, /* what an event takes beside its text, about */
    LINE_MAX_BYTES = 8192,
};

struct event {
    TAILQ_ENTRY(event) by_time;
    TAILQ_ENTRY(event) of_guest;
    struct events_guest *guest;
    uint64_t number, when;
    size_t len;
    char text[]; /* with a newline, and a NUL */
};

TAILQ_HEAD(event_list, event);

struct events_guest {
    struct holder holder; /* first: the heap's entry is the guest */
    SLIST_ENTRY(events_guest) same_bucket;
    struct event_list events;
    int domid;
};

struct events {
    size_t size, held;
    struct event_list all;
    SLIST_HEAD(, events_guest) guests[BUCKETS];
    struct ranking ranking;
    uint64_t next;  /* number */
    char *path;     /* NULL: there is no file */
    int fd;         /* -1: it is not open */
    size_t written; /* bytes that the file has */
};

/* ---- in memory ---- */

static size_t bucket_of(int domid)
{
    return (size_t)(domid + 1) % BUCKETS;
}

static struct events_guest *guest_of(struct events *e, int domid)
{
    struct events_guest *g;
    SLIST_FOREACH (g, &e->guests[bucket_of(domid)], same_bucket)
        if (g->domid == domid)
            return g;
    g = xcalloc(1, sizeof *g);
    g->domid = domid;
    TAILQ_INIT(&g->events);
    SLIST_INSERT_HEAD(&e->guests[bucket_of(domid)], g, same_bucket);
    return g;
}

static size_t taken(const struct event *v)
{
    return v->len + EVENT_OVERHEAD;
}

static void hold(struct events *e, struct events_guest *g, size_t more, size_t less)
{
    ranking_set(&e->ranking, &g->holder, g->holder.bytes + more - less);
    e->held += more - less;
}

static void drop_oldest(struct events *e, struct events_guest *g)
{
    struct event *v = TAILQ_FIRST(&g->events);
    hold(e, g, 0, taken(v));
    TAILQ_REMOVE(&g->events, v, of_guest);
    TAILQ_REMOVE(&e->all, v, by_time);
    free(v);
    if (!g->holder.bytes) {
        SLIST_REMOVE(&e->guests[bucket_of(g->domid)], g, events_guest, same_bucket);
        free(g);
    }
}

static const struct event *keep(struct events *e, int domid, uint64_t number, uint64_t when, const char *text)
{
    size_t len = strlen(text);
    struct event *v = xcalloc(1, sizeof *v + len + 2);
    v->number = number;
    v->when = when;
    v->len = len + 1;
    memcpy(v->text, text, len);
    v->text[len] = '\n';
    v->guest = guest_of(e, domid);
    TAILQ_INSERT_TAIL(&e->all, v, by_time);
    TAILQ_INSERT_TAIL(&v->guest->events, v, of_guest);
    hold(e, v->guest, taken(v), 0);
    while (e->held > e->size && TAILQ_FIRST(&e->all) != v)
        drop_oldest(e, (struct events_guest *)ranking_first(&e->ranking));
    return v;
}

/* ---- the file ---- */

/* All that is in memory, in the file's place when it is whole. */
static int write_anew(struct events *e)
{
    char *next;
    const struct event *v;
    size_t written = 0;
    int error = 0;
    if (asprintf(&next, "%s.new", e->path) < 0)
        abort(); /* as for any memory */
    int fd = open(next, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0640);
    if (fd < 0)
        error = -errno;
    if (!error) {
        TAILQ_FOREACH (v, &e->all, by_time) {
            error = error ? error : write_whole(fd, v->text, v->len);
            written += v->len;
        }
        if (!error && rename(next, e->path))
            error = -errno;
        if (error) {
            close(fd);
            unlink(next);
        }
    }
    free(next);
    if (error)
        return error;
    if (e->fd >= 0)
        close(e->fd);
    e->fd = fd;
    e->written = written;
    return 0;
}

static void append(struct events *e, const struct event *v)
{
    if (!e->path)
        return;
    if (e->fd >= 0 && e->written + v->len <= 2 * e->size) {
        e->written += v->len;
        if (write_whole(e->fd, v->text, v->len) == 0)
            return;
    }
    write_anew(e); /* or the next one tries again */
}

/* What is kept of a line beside its text. That it is JSON is not asked before somebody asks for it: thousands
 * of them are read when the daemon starts. */
static void take_line(struct events *e, const char *line)
{
    uint64_t number, when;
    char time[MOMENT_SIZE];
    int domid = NO_GUEST;
    size_t len = strlen(line);
    const char *guest = strstr(line, ",\"domid\":");
    if (sscanf(line, "{\"number\":%" SCNu64 ",\"time\":\"%30[^\"]\",", &number, time) != 2 ||
        number < e->next || number > INT64_MAX || !strchr(time, '.') || !moment_parse(time, &when) ||
        !guest || !strstr(line, ",\"message\":\"") || strcmp(line + len - 2, "\"}") != 0)
        return;
    if (sscanf(guest, ",\"domid\":%d", &domid) == 1 && (domid < 0 || domid > DOMID_MAX))
        return;
    keep(e, domid, number, when, line);
    e->next = number + 1;
}

static void load(struct events *e)
{
    char line[LINE_MAX_BYTES];
    struct stat st;
    int fd = open(e->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    FILE *from = fd >= 0 && !fstat(fd, &st) && S_ISREG(st.st_mode) ? fdopen(fd, "r") : NULL;
    if (!from) {
        if (fd >= 0)
            close(fd);
        return;
    }
    while (fgets(line, sizeof line, from)) {
        size_t len = strlen(line);
        if (len && line[len - 1] == '\n') {
            line[len - 1] = '\0';
            take_line(e, line);
        }
    }
    fclose(from);
}

/* ---- the rest ---- */

struct events *events_new(size_t size)
{
    struct events *e = xcalloc(1, sizeof *e);
    e->size = size;
    e->fd = -1;
    e->next = 1;
    TAILQ_INIT(&e->all);
    return e;
}

/* What came before the file was there gets the numbers behind it. */
static void add_again(struct events *e, json_t *early)
{
    json_t *o;
    size_t i;
    json_array_foreach(early, i, o)
    {
        uint64_t when = 0;
        moment_parse(jget_text(o, "time"), &when);
        jput(o, "number", jcount(e->next));
        char *line = jline(o);
        keep(e, (int)jget_int(o, "domid", NO_GUEST), e->next++, when, line);
        free(line);
    }
}

int events_open(struct events *e, const char *path)
{
    if (e->path) /* it is open already */
        return 0;
    json_t *early = events_list(e, 0, 0);
    while (!TAILQ_EMPTY(&e->all))
        drop_oldest(e, TAILQ_FIRST(&e->all)->guest);
    e->path = xstrdup(path);
    e->next = 1;
    load(e);
    add_again(e, early);
    json_decref(early);
    return write_anew(e);
}

void events_free(struct events *e)
{
    if (!e)
        return;
    while (!TAILQ_EMPTY(&e->all))
        drop_oldest(e, TAILQ_FIRST(&e->all)->guest);
    if (e->fd >= 0)
        close(e->fd);
    free(e->path);
    free(e);
}

static const char *kind_of(const struct log_entry *entry)
{
    if (entry->about.quoted)
        return "output";
    if (entry->about.cleared)
        return "cleared";
    return entry->about.finding ? "finding" : entry->about.action ? "action" : "message";
}

/* ---- an event in the making ---- */

/* jansson would take a tenth of what a device's creation takes, and each line that is logged comes here. */
struct draft {
    char text[LINE_MAX_BYTES];
    size_t n;
};

static void put(struct draft *d, const char *text)
{
    for (; *text && d->n + 1 < sizeof d->text; text++)
        d->text[d->n++] = *text;
    d->text[d->n] = '\0';
}

/* A text that is printable: of what JSON wants escaped there are only these two. */
static void put_quoted(struct draft *d, const char *text)
{
    char escaped[3] = "\\";
    put(d, "\"");
    for (; *text && d->n + 8 < sizeof d->text; text++) {
        escaped[1] = *text;
        put(d, *text == '"' || *text == '\\' ? escaped : escaped + 1);
    }
    put(d, "\"");
}

static void put_text(struct draft *d, const char *name, const char *value)
{
    put(d, ",\"");
    put(d, name);
    put(d, "\":");
    if (value)
        put_quoted(d, value);
    else
        put(d, "null");
}

static void draft_event(struct draft *d, uint64_t number, uint64_t when, const struct log_entry *entry)
{
    char time[MOMENT_SIZE];
    d->n = (size_t)snprintf(d->text, sizeof d->text, "{\"number\":%" PRIu64 ",\"time\":\"%s\"", number,
                            moment_rfc3339(when, time));
    put_text(d, "event", kind_of(entry));
    put_text(d, "level", log_level_name(entry->level));
    put_text(d, "device", entry->device);
    if (entry->domid < 0)
        put(d, ",\"domid\":null");
    else
        d->n += (size_t)snprintf(d->text + d->n, sizeof d->text - d->n, ",\"domid\":%d", entry->domid);
    put_text(d, "row", entry->about.row);
    put_text(d, "action", entry->about.action);
    put_text(d, "finding", entry->about.finding);
    put_text(d, "message", entry->text);
    put(d, "}");
}

void events_add(struct events *e, uint64_t when, const struct log_entry *entry)
{
    struct draft d;
    draft_event(&d, e->next, when, entry);
    append(e, keep(e, entry->domid, e->next++, when, d.text));
}

void events_mend(struct events *e)
{
    struct stat st;
    if (e->path && lstat(e->path, &st))
        write_anew(e);
}

json_t *events_list(const struct events *e, uint64_t after, uint64_t since)
{
    json_t *list = jarray();
    const struct event *v;
    TAILQ_FOREACH (v, &e->all, by_time)
        if (v->number > after && v->when >= since) {
            json_t *o = json_loads(v->text, JSON_REJECT_DUPLICATES, NULL);
            if (o) /* the file's were written by somebody */
                jappend(list, o);
        }
    return list;
}
