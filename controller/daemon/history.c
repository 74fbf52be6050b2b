/* SPDX-License-Identifier: MIT */
#include "controller/daemon/history.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "controller/base/queue.h"
#include "controller/daemon/ranking.h"
#include "schemas/json.h"
#include "schemas/mem.h"

/* Records lie on the heap, in lists of their devices, and devices in heaps of their guests. What all of it
 * takes is counted, and the size is kept by dropping the oldest record of the device that holds the most of
 * the guest that holds the most. */
enum {
    BUCKETS = 1024,
    RECORD_MAX = 4096,
    VALUE_MAX = 128, /* bytes of one value, or of one message */
    ALLOCATION = 16, /* bytes that the allocator adds, about */
};

struct record {
    TAILQ_ENTRY(record) of_device;
    uint64_t first, last;
    uint32_t count; /* how often this was decided */
    /* From here on, records of a device that are equal are one. */
    uint32_t size; /* with the data behind it */
    int32_t error;
    uint16_t row;
    uint16_t n_values;
    uint8_t outcome, n_actions, n_findings;
    uint8_t phase, worker;
    /* Behind it lie n_actions times kind, reason; n_findings times code, severity, message; n_values times
     * side, presence, name, value. Numbers are a byte, texts end in a NUL. */
};

TAILQ_HEAD(records, record);

struct keeper_device {
    struct holder holder; /* first: the heap's entry is the device */
    SLIST_ENTRY(keeper_device) same_bucket;
    struct keeper_guest *guest;
    struct device_key key;
    struct records records; /* the oldest first, and never none */
};

struct keeper_guest {
    struct holder holder; /* first: the heap's entry is the guest */
    SLIST_ENTRY(keeper_guest) same_bucket;
    struct ranking devices;
    uint16_t domid;
};

/* What a record takes at most besides its own size, with a device and a guest that there were not yet, and
 * their places in the heaps */
enum {
    OVERHEAD = sizeof(struct keeper_device) + sizeof(struct keeper_guest) + (size_t)3 * ALLOCATION + 32,
};

struct history {
    size_t size;
    struct ranking guests;
    SLIST_HEAD(, keeper_device) devices[BUCKETS];
    SLIST_HEAD(, keeper_guest) by_domain[BUCKETS];
    uint64_t records, forgotten;
    size_t held; /* bytes */
};

struct history *history_new(size_t size)
{
    struct history *h = xcalloc(1, sizeof *h);
    h->size = size;
    return h;
}

static struct keeper_device *find_device(const struct history *h, const struct device_key *key)
{
    struct keeper_device *d;
    SLIST_FOREACH (d, &h->devices[device_key_hash(key) % BUCKETS], same_bucket)
        if (device_key_equal(&d->key, key))
            return d;
    return NULL;
}

static struct keeper_guest *find_guest(const struct history *h, uint16_t domid)
{
    struct keeper_guest *g;
    SLIST_FOREACH (g, &h->by_domain[domid % BUCKETS], same_bucket)
        if (g->domid == domid)
            return g;
    return NULL;
}

static struct keeper_device *make_device(struct history *h, const struct device_key *key)
{
    struct keeper_device *d = xcalloc(1, sizeof *d);
    struct keeper_guest *g = find_guest(h, key->domid);
    if (!g) {
        g = xcalloc(1, sizeof *g);
        g->domid = key->domid;
        SLIST_INSERT_HEAD(&h->by_domain[key->domid % BUCKETS], g, same_bucket);
    }
    d->guest = g;
    d->key = *key;
    TAILQ_INIT(&d->records);
    SLIST_INSERT_HEAD(&h->devices[device_key_hash(key) % BUCKETS], d, same_bucket);
    return d;
}

/* A device counts what it takes by itself as well, so that one with many devices holds much. */
static size_t taken(const struct keeper_device *d, const struct record *r)
{
    size_t size = r->size + ALLOCATION;
    return TAILQ_FIRST(&d->records) == r && !TAILQ_NEXT(r, of_device) ? size + OVERHEAD : size;
}

static void hold(struct history *h, struct keeper_device *d, size_t more, size_t less)
{
    ranking_set(&d->guest->devices, &d->holder, d->holder.bytes + more - less);
    ranking_set(&h->guests, &d->guest->holder, d->guest->holder.bytes + more - less);
    h->held += more - less;
}

static void drop_oldest(struct history *h, struct keeper_device *d)
{
    struct record *r = TAILQ_FIRST(&d->records);
    struct keeper_guest *g = d->guest;
    hold(h, d, 0, taken(d, r));
    TAILQ_REMOVE(&d->records, r, of_device);
    free(r);
    h->records--;
    if (TAILQ_EMPTY(&d->records)) {
        SLIST_REMOVE(&h->devices[device_key_hash(&d->key) % BUCKETS], d, keeper_device, same_bucket);
        free(d);
    }
    if (!g->holder.bytes) {
        SLIST_REMOVE(&h->by_domain[g->domid % BUCKETS], g, keeper_guest, same_bucket);
        free(g);
    }
}

/* Makes room for so many bytes of a device. Where it would hold as much as who holds the most, it is its own
 * record that goes, and not another one's. */
static void make_room(struct history *h, const struct device_key *key, size_t bytes)
{
    while (h->records && h->held + bytes > h->size) {
        struct keeper_device *d = find_device(h, key);
        struct keeper_guest *own = find_guest(h, key->domid);
        struct keeper_guest *g = (struct keeper_guest *)ranking_first(&h->guests);
        if (own && own->holder.bytes + bytes >= g->holder.bytes)
            g = own;
        struct keeper_device *most = (struct keeper_device *)ranking_first(&g->devices);
        if (d && g == own && d->holder.bytes + bytes >= most->holder.bytes)
            most = d;
        drop_oldest(h, most);
        h->forgotten++;
    }
}

void history_free(struct history *h)
{
    if (!h)
        return;
    while (h->records) {
        struct keeper_guest *g = (struct keeper_guest *)ranking_first(&h->guests);
        drop_oldest(h, (struct keeper_device *)ranking_first(&g->devices));
    }
    free(h);
}

/* ---- writing ---- */

/* A record in the making: what does not fit is left out. */
struct draft {
    union {
        struct record r;
        char bytes[RECORD_MAX];
    };
    size_t n;
};

static bool fits(const struct draft *d, size_t more)
{
    return d->n + more <= sizeof d->bytes;
}

static void put_byte(struct draft *d, int byte)
{
    d->bytes[d->n++] = (char)byte;
}

static size_t cut(size_t len)
{
    return len < VALUE_MAX ? len : VALUE_MAX;
}

/* A NUL in a value of the store would end the text here: a ? stands in its place. */
static void put_text(struct draft *d, const char *text, size_t len)
{
    len = cut(len);
    memcpy(d->bytes + d->n, text, len);
    for (char *at = d->bytes + d->n; (at = memchr(at, '\0', len - (size_t)(at - (d->bytes + d->n)))); at++)
        *at = '?';
    d->n += len;
    d->bytes[d->n++] = '\0';
}

static void put_values(struct draft *d, const struct policy *policy, const struct view *v)
{
    for (enum side side = 0; side < 2; side++)
        for (size_t i = 0; i < v->n_keys[side]; i++) {
            const struct view_key *k = &v->keys[side][i];
            const struct key_spec *spec = policy_find_key(policy, side, k->name);
            bool secret = spec && spec->secret && k->value.presence == PRESENT;
            const char *text = secret ? SECRET_REDACTED : k->value.presence == PRESENT ? k->value.text : "";
            size_t len = k->value.presence == PRESENT && !secret ? k->value.len : strlen(text);
            if (k->value.presence == ABSENT || !fits(d, 4 + cut(strlen(k->name)) + cut(len)))
                continue;
            put_byte(d, (int)side);
            put_byte(d, (int)k->value.presence);
            put_text(d, k->name, strlen(k->name));
            put_text(d, text, len);
            d->r.n_values++;
        }
}

static void put_plan(struct draft *d, const struct plan *p)
{
    for (size_t i = 0; i < p->n_actions && fits(d, 2 + VALUE_MAX); i++, d->r.n_actions++) {
        put_byte(d, (int)p->actions[i].kind);
        put_text(d, p->actions[i].reason, strlen(p->actions[i].reason));
    }
    for (size_t i = 0; i < p->n_findings && i < UINT8_MAX && fits(d, 3 + VALUE_MAX); i++, d->r.n_findings++) {
        put_byte(d, (int)p->findings[i].code);
        put_byte(d, (int)p->findings[i].severity);
        put_text(d, p->findings[i].message, strlen(p->findings[i].message));
    }
}

/* Is it as the last one was, but for the time? */
static bool equal(const struct record *a, const struct record *b)
{
    size_t from = offsetof(struct record, size);
    return a->size == b->size && memcmp((const char *)a + from, (const char *)b + from, a->size - from) == 0;
}

void history_add(struct history *h, uint64_t when, const struct reconciled *r)
{
    struct draft draft = {.n = sizeof(struct record)};
    memset(&draft.r, 0, sizeof draft.r); /* also between its members, as records are compared */
    draft.r.first = draft.r.last = when;
    draft.r.count = 1;
    draft.r.error = r->error;
    draft.r.row = (uint16_t)r->plan->row;
    draft.r.outcome = (uint8_t)r->outcome;
    draft.r.phase = (uint8_t)r->memory->object.phase;
    draft.r.worker = (uint8_t)(r->worker ? r->worker->state : WORKER_NONE);
    put_plan(&draft, r->plan); /* before the values: what a guest has written must not push it out */
    put_values(&draft, r->policy, r->view);
    draft.r.size = (uint32_t)draft.n;
    struct keeper_device *d = find_device(h, r->key);
    struct record *before = d ? TAILQ_LAST(&d->records, records) : NULL;
    if (before && equal(before, &draft.r)) {
        before->count += before->count < UINT32_MAX;
        before->last = when;
        return;
    }
    make_room(h, r->key, draft.n + ALLOCATION + OVERHEAD);
    d = find_device(h, r->key);
    if (!d)
        d = make_device(h, r->key);
    struct record *record = xcalloc(1, draft.n);
    memcpy(record, draft.bytes, draft.n);
    TAILQ_INSERT_TAIL(&d->records, record, of_device);
    hold(h, d, taken(d, record), 0);
    h->records++;
}

/* ---- reading ---- */

static const char *take_text(const char **p)
{
    const char *text = *p;
    *p += strlen(text) + 1;
    return text;
}

static int take_byte(const char **p)
{
    return *(*p)++;
}

static json_t *values_json(const char **p, size_t n)
{
    static const char *const sides[] = {"backend", "frontend"};
    json_t *values = jarray();
    for (size_t i = 0; i < n; i++) {
        json_t *o = jobject();
        jput(o, "side", jtext(sides[take_byte(p)]));
        bool present = take_byte(p) == PRESENT;
        jput(o, "key", jtext(take_text(p)));
        const char *value = take_text(p);
        jput(o, "value", jtext(present ? value : NULL));
        jappend(values, o);
    }
    return values;
}

static json_t *actions_json(const char **p, size_t n)
{
    json_t *actions = jarray();
    for (size_t i = 0; i < n; i++) {
        json_t *o = jobject();
        jput(o, "action", jtext(action_name((enum action_kind)take_byte(p))));
        jput(o, "reason", jtext(take_text(p)));
        jappend(actions, o);
    }
    return actions;
}

static json_t *findings_json(const char **p, size_t n)
{
    json_t *findings = jarray();
    for (size_t i = 0; i < n; i++) {
        json_t *o = jobject();
        jput(o, "code", jtext(finding_code_name((enum finding_code)take_byte(p))));
        jput(o, "severity", jtext(severity_name((enum severity)take_byte(p))));
        jput(o, "message", jtext(take_text(p)));
        jappend(findings, o);
    }
    return findings;
}

static json_t *record_json(const struct record *r)
{
    const char *p = (const char *)(r + 1);
    json_t *o = jobject();
    jput(o, "when", json_real((double)r->first / 1000));
    jput(o, "row", jtext(row_name((enum row)r->row)));
    jput(o, "outcome", jtext(reconcile_outcome_name((enum reconcile_outcome)r->outcome)));
    jput(o, "error", jtext(r->error ? strerror(-r->error) : NULL));
    jput(o, "phase", jtext(object_phase_name((enum object_phase)r->phase)));
    jput(o, "worker",
         jtext(r->worker == WORKER_NONE ? NULL : worker_state_name((enum worker_state)r->worker)));
    jput(o, "actions", actions_json(&p, r->n_actions));
    jput(o, "findings", findings_json(&p, r->n_findings));
    jput(o, "values", values_json(&p, r->n_values));
    jput(o, "count", jcount(r->count));
    jput(o, "last", json_real((double)r->last / 1000));
    return o;
}

json_t *history_of(const struct history *h, const struct device_key *key, size_t most)
{
    json_t *list = jarray();
    const struct keeper_device *d = find_device(h, key);
    const struct record *r;
    size_t n = 0;
    if (!d)
        return list;
    TAILQ_FOREACH (r, &d->records, of_device)
        n++;
    TAILQ_FOREACH (r, &d->records, of_device)
        if (n-- <= most)
            jappend(list, record_json(r));
    return list;
}

struct history_counts history_counts(const struct history *h)
{
    struct history_counts c = {.bytes = h->size, .records = h->records, .forgotten = h->forgotten};
    for (size_t i = 0; i < BUCKETS; i++) {
        const struct keeper_device *d;
        SLIST_FOREACH (d, &h->devices[i], same_bucket) {
            uint64_t first = TAILQ_FIRST(&d->records)->first;
            c.oldest = !c.oldest || first < c.oldest ? first : c.oldest;
        }
    }
    return c;
}
