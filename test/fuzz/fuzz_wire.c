/* SPDX-License-Identifier: MIT */
/* Any bytes as what the store sends: cut into pieces they are the same messages as at once, each as the
 * protocol has it; and what is sent is read as what it was. Then the list of requests, against a simpler one.
 */
#include "controller/store/xs_wire.h"

#include "controller/store/xs_requests.h"
#include "test/fuzz/fuzz.h"

/* ---- messages ---- */

static size_t parse(const uint8_t *data, size_t len, struct xs_message *ret_message, int *ret_found)
{
    size_t size = 0;
    char *exact = calloc(1, len ? len : 1); /* nothing behind it, for a sanitizer */
    holds(exact);
    if (len)
        memcpy(exact, data, len);
    *ret_found = xs_wire_parse(exact, len, ret_message, &size);
    holds(*ret_found == 0 || *ret_found == 1 || *ret_found == -EPROTO, "%d", *ret_found);
    if (*ret_found == 0 && len >= sizeof(struct xsd_sockmsg)) {
        struct xsd_sockmsg header;
        memcpy(&header, exact, sizeof header);
        holds(header.len <= XENSTORE_PAYLOAD_MAX && len < xs_wire_size(exact), "waits for %u bytes",
              header.len);
    }
    if (*ret_found == 1) {
        const struct xs_message *m = ret_message;
        holds(size == sizeof(struct xsd_sockmsg) + m->len && size <= len && m->len <= XENSTORE_PAYLOAD_MAX,
              "%zu bytes of %zu", size, len);
        holds(m->body == exact + sizeof(struct xsd_sockmsg) && size == xs_wire_size(exact), "%zu bytes",
              size);
        if (m->type == XS_WATCH_EVENT) {
            size_t path = strlen(xs_event_path(m)), token = strlen(xs_event_token(m));
            holds(path + token + 2 == m->len, "path of %zu, token of %zu in %zu", path, token, m->len);
        }
        if (m->type == XS_ERROR) {
            int error = xs_wire_error(m->body, m->len);
            holds(error < 0 && error > -4096, "%d", error);
        }
        ret_message->body = (const char *)data + sizeof(struct xsd_sockmsg);
    }
    free(exact);
    return size;
}

/* A reader that sees the stream up to `seen` never says otherwise later, except that there is more. */
static void check_pieces(const uint8_t *data, size_t len)
{
    struct xs_message whole, part;
    int found, early;
    for (size_t at = 0; at <= len;) {
        size_t size = parse(data + at, len - at, &whole, &found);
        size_t cut = len > at ? data[at] % (len - at + 1) : 0;
        size_t size_early = parse(data + at, cut, &part, &early);
        if (early == 1)
            holds(found == 1 && size == size_early && whole.type == part.type &&
                      whole.req_id == part.req_id && whole.len == part.len,
                  "another message with %zu bytes more", len - at - cut);
        if (early < 0)
            holds(found < 0, "an error that goes away");
        if (found == 1 && cut >= size)
            holds(early == 1, "a message is late");
        if (found != 1)
            break;
        if (whole.type == XS_INVALID) { /* what it was, nobody reads */
            at += size;
            continue;
        }
        struct xs_buffer b = {0};
        holds(!xs_wire_append(&b, whole.type, whole.req_id, 0, whole.body, whole.len), "%zu bytes",
              whole.len);
        uint32_t tx = 0; /* what a reply's is, nobody reads */
        memcpy(b.data + offsetof(struct xsd_sockmsg, tx_id), data + at + offsetof(struct xsd_sockmsg, tx_id),
               sizeof tx);
        holds(b.len == size && memcmp(b.data, data + at, size) == 0, "sent, it is another message");
        xs_buffer_free(&b);
        at += size;
    }
}

/* ---- requests ---- */

enum { ASKED_MAX = 400 };

/* What somebody asked for. */
struct asked {
    enum { NOT_YET, WAITING, IN_FLIGHT, FAILED, TAKEN, TOLD } is;
    uint32_t id;
    int status;
};

static struct asked asked[ASKED_MAX];
static size_t n_asked, n_told;

static void on_done(void *arg, int status, const char *data, size_t len)
{
    struct asked *a = arg;
    holds(a->is == FAILED && status == a->status && !data && !len, "told %d, being %d", status, a->is);
    a->is = TOLD;
    n_told++;
}

static size_t count(int is)
{
    size_t n = 0;
    for (size_t i = 0; i < n_asked; i++)
        n += (int)asked[i].is == is;
    return n;
}

static void fail_all(struct xs_requests *q)
{
    xs_requests_fail_all(q, -ECONNRESET);
    for (size_t i = 0; i < n_asked; i++)
        if (asked[i].is == WAITING || asked[i].is == IN_FLIGHT) {
            asked[i].is = FAILED;
            asked[i].status = -ECONNRESET;
        }
}

static void take(struct xs_requests *q, uint32_t id)
{
    struct xs_slot slot;
    struct asked *expected = NULL;
    for (size_t i = 0; i < n_asked; i++)
        if (asked[i].is == IN_FLIGHT && asked[i].id == id)
            expected = &asked[i];
    bool taken = xs_requests_take(q, id, &slot);
    holds(taken == (expected != NULL), "id %u", id);
    if (taken) {
        holds(slot.arg == expected && slot.id == id && slot.done == on_done, "another's request");
        expected->is = TAKEN;
    }
}

static void start_next(struct xs_requests *q)
{
    struct xs_request *r = xs_requests_next(q);
    struct asked *oldest = NULL;
    for (size_t i = 0; i < n_asked && !oldest; i++)
        if (asked[i].is == WAITING)
            oldest = &asked[i];
    holds(!r == (!oldest || count(IN_FLIGHT) == XS_SLOTS), "%zu in flight", count(IN_FLIGHT));
    if (!r)
        return;
    holds(r->arg == oldest && r->len == 3 && memcmp(r->body, "/a", 3) == 0, "not the oldest, or not whole");
    oldest->id = xs_requests_start(q, r->type, r->done, r->arg);
    oldest->is = IN_FLIGHT;
    free(r);
}

static void one_step(struct xs_requests *q, struct choices *c)
{
    unsigned verb = take_below(c, 8);
    struct asked *a = &asked[n_asked];
    switch (verb) {
    case 0:
    case 1:
        if (count(IN_FLIGHT) < XS_SLOTS) {
            *a = (struct asked){.is = IN_FLIGHT, .id = xs_requests_start(q, XS_READ, on_done, a)};
            n_asked++;
        }
        break;
    case 2:
        xs_requests_wait(q, XS_READ, 0, "/a", 3, on_done, a);
        *a = (struct asked){.is = WAITING};
        n_asked++;
        break;
    case 3:
        xs_requests_fail(q, on_done, a, -E2BIG);
        *a = (struct asked){.is = FAILED, .status = -E2BIG};
        n_asked++;
        break;
    case 4:
        take(q, n_asked ? asked[take_byte(c) % n_asked].id : take_byte(c));
        break;
    case 5:
        take(q, (uint32_t)take_number(c, 4));
        break;
    case 6:
        start_next(q);
        break;
    default:
        if (take_below(c, 8) == 0)
            fail_all(q);
        else
            xs_requests_settle(q, take_below(c, 4));
    }
    holds(xs_requests_in_flight(q) == count(IN_FLIGHT), "%u in flight", xs_requests_in_flight(q));
    holds(xs_requests_failed(q) == count(FAILED), "%zu failed", xs_requests_failed(q));
}

static void check_requests(struct choices c)
{
    struct xs_requests q;
    n_asked = n_told = 0;
    xs_requests_init(&q);
    while (c.left && n_asked < ASKED_MAX)
        one_step(&q, &c);
    fail_all(&q);
    xs_requests_settle(&q, SIZE_MAX);
    holds(count(TOLD) + count(TAKEN) == n_asked && n_told == count(TOLD), "%zu of %zu were told", n_told,
          n_asked);
    holds(!xs_requests_in_flight(&q) && !xs_requests_next(&q), "something is left");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size && data[0] & 1)
        check_requests((struct choices){data + 1, size - 1});
    else
        check_pieces(data, size);
    return 0;
}
