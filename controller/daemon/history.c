/* SPDX-License-Identifier: MIT */
#include "controller/daemon/history.h"

#include <stdlib.h>
#include <string.h>

#include "schemas/json.h"
#include "schemas/mem.h"

/* The ring holds records, each in one piece. Where one does not fit before the ring's end, a gap is left
 * there. A position counts all bytes ever written; where it lies in the ring follows from it. Records whose
 * keys fall into the same bucket are chained, the newest first. */
enum {
    BUCKETS = 1024,
    RECORD_MAX = 4096,
    VALUE_MAX = 128, /* bytes of one value, or of one message */
    GAP = 0xffff,    /* in the place of a row: this is no record */
};

struct record {
    uint64_t before; /* position of the bucket's previous record */
    uint64_t when;
    uint32_t size; /* with the data behind it, a multiple of 8 */
    int32_t error;
    uint16_t row;
    uint16_t n_values;
    uint8_t outcome, n_actions, n_findings;
    uint8_t phase, worker;
    struct device_key key;
    /* Behind it lie n_actions times kind, reason; n_findings times code, severity, message; n_values times
     * side, presence, name, value. Numbers are a byte, texts end in a NUL. */
};

struct history {
    char *ring;
    size_t size;
    uint64_t begin, end;      /* positions */
    uint64_t newest[BUCKETS]; /* positions; one that does not lie between `begin` and `end` means none */
    uint64_t records, added;
};

struct history *history_new(size_t size)
{
    struct history *h = xcalloc(1, sizeof *h);
    h->size = size;
    h->ring = xcalloc(1, size);
    h->begin = h->end = 8; /* so that 0 is no position */
    return h;
}

void history_free(struct history *h)
{
    if (!h)
        return;
    free(h->ring);
    free(h);
}

static struct record *at(const struct history *h, uint64_t position)
{
    return (struct record *)(void *)(h->ring + position % h->size);
}

static uint64_t *bucket(struct history *h, const struct device_key *key)
{
    return &h->newest[device_key_hash(key) % BUCKETS];
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

/* Makes room for so many bytes in one piece. */
static void make_room(struct history *h, size_t n)
{
    size_t behind = h->size - h->end % h->size;
    size_t gap = behind < n ? behind : 0;
    while (h->end + gap + n - h->begin > h->size) {
        const struct record *r = at(h, h->begin);
        bool is_gap = h->size - h->begin % h->size < sizeof *r || r->row == GAP;
        h->records -= !is_gap;
        h->begin += is_gap ? h->size - h->begin % h->size : r->size;
    }
    if (gap >= sizeof(struct record))
        at(h, h->end)->row = GAP;
    h->end += gap;
}

void history_add(struct history *h, uint64_t when, const struct reconciled *r)
{
    struct draft d = {.n = sizeof(struct record)};
    d.r.when = when;
    d.r.error = r->error;
    d.r.row = (uint16_t)r->plan->row;
    d.r.outcome = (uint8_t)r->outcome;
    d.r.phase = (uint8_t)r->memory->object.phase;
    d.r.worker = (uint8_t)(r->worker ? r->worker->state : WORKER_NONE);
    d.r.key = *r->key;
    put_plan(&d, r->plan); /* before the values: what a guest has written must not push it out */
    put_values(&d, r->policy, r->view);
    d.n = (d.n + 7) & ~(size_t)7;
    d.r.size = (uint32_t)d.n;
    make_room(h, d.n);
    uint64_t *newest = bucket(h, r->key);
    d.r.before = *newest;
    memcpy(at(h, h->end), d.bytes, d.n);
    *newest = h->end;
    h->end += d.n;
    h->records++;
    h->added++;
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
    jput(o, "when", json_real((double)r->when / 1000));
    jput(o, "row", jtext(row_name((enum row)r->row)));
    jput(o, "outcome", jtext(reconcile_outcome_name((enum reconcile_outcome)r->outcome)));
    jput(o, "error", jtext(r->error ? strerror(-r->error) : NULL));
    jput(o, "phase", jtext(object_phase_name((enum object_phase)r->phase)));
    jput(o, "worker",
         jtext(r->worker == WORKER_NONE ? NULL : worker_state_name((enum worker_state)r->worker)));
    jput(o, "actions", actions_json(&p, r->n_actions));
    jput(o, "findings", findings_json(&p, r->n_findings));
    jput(o, "values", values_json(&p, r->n_values));
    return o;
}

json_t *history_of(const struct history *h, const struct device_key *key, size_t most)
{
    json_t *list = jarray();
    uint64_t position = h->newest[device_key_hash(key) % BUCKETS];
    for (size_t n = 0; position >= h->begin && n < most; position = at(h, position)->before) {
        const struct record *r = at(h, position);
        if (!device_key_equal(&r->key, key))
            continue;
        if (json_array_insert_new(list, 0, record_json(r)))
            jmust(NULL);
        n++;
    }
    return list;
}

struct history_counts history_counts(const struct history *h)
{
    struct history_counts c = {h->size, h->records, h->added - h->records, 0};
    uint64_t position = h->begin;
    if (!h->records)
        return c;
    if (h->size - position % h->size < sizeof(struct record) || at(h, position)->row == GAP)
        position += h->size - position % h->size;
    c.oldest = at(h, position)->when;
    return c;
}
