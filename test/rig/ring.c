/* SPDX-License-Identifier: MIT */
/* Plays the part of a domain's kernel that speaks to the store: its page, its event channel, and in place of
 * /dev/xen/xenbus the socket $RIG_DIR/domDOMID.socket. What comes in there is the unprivileged domain DOMID
 * to xenstored, whatever domain the program at the other end believes to be.
 *
 *   client -> its words with other numbers -> page -> xenstored
 *   client <- its own numbers again        <- page <- xenstored
 *
 * All clients share the domain's one connection, and so its quotas: requests are numbered anew, tokens of
 * watches get the client's number in front, and what a client leaves behind is taken back when it goes. Who
 * stops this process (SIGSTOP) has a domain that does not read its ring. */
#include <fcntl.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <xen/grant_table.h>
#include <xen/io/xs_wire.h>
#include <xenevtchn.h>

#include "controller/base/queue.h"
#include "test/rig/client.h"
#include "test/rig/rig.h"

enum {
    CLIENTS = 64,
    MESSAGE_MAX = sizeof(struct xsd_sockmsg) + XENSTORE_PAYLOAD_MAX,
    TOKEN_MAX = 12,     /* what is put before a token */
    ENOUGH = 64 * 1024, /* no more is taken from clients while so much waits for room in the page */
};

struct stream {
    char *data;
    size_t len, size;
};

/* What xenstored keeps for a client until the client, or we for it, ends it. */
struct debt {
    LIST_ENTRY(debt) entry;
    uint32_t type; /* of the request that ends it */
    uint32_t tx;
    uint32_t len;
    char body[];
};
LIST_HEAD(debts, debt);

struct client {
    int fd;          /* -1: nobody */
    uint32_t number; /* never used twice */
    struct stream in, out;
    struct debts debts;
};

/* Asked of xenstored, which answers in order. */
struct request {
    TAILQ_ENTRY(request) entry;
    uint32_t client; /* its number; 0: us */
    uint32_t client_id;
    struct xsd_sockmsg header;
    char body[];
};

TAILQ_HEAD(request_queue, request);

static struct client clients[CLIENTS];
static uint32_t last_client, last_id;
static struct request_queue requests = {.tqh_last = &requests.tqh_first};
static struct stream to_store, from_store;
static volatile struct xenstore_domain_interface *page;
static xenevtchn_handle *xce;
static evtchn_port_t port;

static void *allocate(size_t size)
{
    void *p = calloc(1, size);

    if (!p)
        err(1, NULL);
    return p;
}

/* ---- streams ---- */

#ifndef __clang__ /* gcc loses sight of an element of clients[], and takes its buffer for lost */
#pragma GCC diagnostic ignored "-Wanalyzer-malloc-leak"
#endif

static void append(struct stream *s, const void *data, size_t len)
{
    if (!s->data || s->size - s->len < len) {
        size_t size = 2 * (s->len + len) + 1;
        char *larger = realloc(s->data, size);

        if (!larger)
            err(1, NULL);
        s->data = larger;
        s->size = size;
    }
    memcpy(s->data + s->len, data, len);
    s->len += len;
}

static void append_message(struct stream *s, const struct xsd_sockmsg *header, const void *body)
{
    append(s, header, sizeof(*header));
    append(s, body, header->len);
}

static void consume(struct stream *s, size_t len)
{
    s->len -= len;
    if (s->len)
        memmove(s->data, s->data + len, s->len);
}

static void clear(struct stream *s)
{
    free(s->data);
    *s = (struct stream){0};
}

/* Takes a whole message out: 1; 0: there is none yet; -1: there can never be one. */
static int next_message(struct stream *s, struct xsd_sockmsg *header, char body[XENSTORE_PAYLOAD_MAX])
{
    if (s->len < sizeof(*header))
        return 0;
    memcpy(header, s->data, sizeof(*header));
    if (header->len > XENSTORE_PAYLOAD_MAX)
        return -1;
    if (s->len < sizeof(*header) + header->len)
        return 0;
    memcpy(body, s->data + sizeof(*header), header->len);
    consume(s, sizeof(*header) + header->len);
    return 1;
}

/* ---- from clients ---- */

static void ask(uint32_t client, struct xsd_sockmsg header, const char *body)
{
    struct request *r = allocate(sizeof(*r) + header.len);

    r->client = client;
    r->client_id = header.req_id;
    header.req_id = ++last_id;
    r->header = header;
    memcpy(r->body, body, header.len);
    TAILQ_INSERT_TAIL(&requests, r, entry);
    append_message(&to_store, &header, body);
}

static void refuse(struct client *c, const struct xsd_sockmsg *asked, const char *why)
{
    struct xsd_sockmsg header = {XS_ERROR, asked->req_id, asked->tx_id, (uint32_t)strlen(why) + 1};

    append_message(&c->out, &header, why);
}

static void from_client(struct client *c, struct xsd_sockmsg header, const char *body)
{
    char marked[XENSTORE_PAYLOAD_MAX + TOKEN_MAX];
    size_t path = strnlen(body, header.len) + 1;
    int n;

    if ((header.type != XS_WATCH && header.type != XS_UNWATCH) || path >= header.len) {
        ask(c->number, header, body);
        return;
    }
    memcpy(marked, body, path);
    n = snprintf(marked + path, TOKEN_MAX, "%u:", c->number);
    memcpy(marked + path + n, body + path, header.len - path);
    header.len += (uint32_t)n;
    if (header.len > XENSTORE_PAYLOAD_MAX)
        refuse(c, &header, "E2BIG");
    else
        ask(c->number, header, marked);
}

static void accept_client(int listener)
{
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

    for (int i = 0; i < CLIENTS && fd >= 0; i++)
        if (clients[i].fd < 0) {
            clients[i] = (struct client){.fd = fd, .number = ++last_client};
            LIST_INIT(&clients[i].debts);
            return;
        }
    if (fd >= 0)
        close(fd);
}

static void end_client(struct client *c)
{
    struct debt *next;

    for (struct debt *d = LIST_FIRST(&c->debts); d; d = next) {
        next = LIST_NEXT(d, entry);
        ask(0, (struct xsd_sockmsg){.type = d->type, .tx_id = d->tx, .len = d->len}, d->body);
        free(d);
    }
    LIST_INIT(&c->debts);
    clear(&c->in);
    clear(&c->out);
    close(c->fd);
    c->fd = -1;
    c->number = 0;
}

static bool read_client(struct client *c)
{
    char chunk[MESSAGE_MAX], body[XENSTORE_PAYLOAD_MAX];
    struct xsd_sockmsg header;
    ssize_t n = read(c->fd, chunk, sizeof(chunk));
    int found;

    if (n <= 0)
        return n < 0 && errno == EAGAIN;
    append(&c->in, chunk, (size_t)n);
    while ((found = next_message(&c->in, &header, body)) > 0)
        from_client(c, header, body);
    return found == 0;
}

static bool write_client(struct client *c)
{
    ssize_t n = send(c->fd, c->out.data, c->out.len, MSG_NOSIGNAL);

    if (n > 0)
        consume(&c->out, (size_t)n);
    return n >= 0 || errno == EAGAIN;
}

static void serve_client(struct client *c, short events)
{
    bool well = !(events & POLLOUT) || write_client(c);

    if (well && events & (POLLIN | POLLHUP | POLLERR))
        well = read_client(c);
    if (!well)
        end_client(c);
}

/* ---- from the store ---- */

static struct client *find_client(uint32_t number)
{
    for (int i = 0; i < CLIENTS && number; i++)
        if (clients[i].fd >= 0 && clients[i].number == number)
            return &clients[i];
    return NULL;
}

static void owe(struct debts *debts, uint32_t type, uint32_t tx, const char *body, uint32_t len)
{
    struct debt *d = allocate(sizeof(*d) + len);

    d->type = type;
    d->tx = tx;
    d->len = len;
    memcpy(d->body, body, len);
    LIST_INSERT_HEAD(debts, d, entry);
}

static void settle(struct debts *debts, uint32_t type, uint32_t tx, const char *body, uint32_t len)
{
    struct debt *d;

    LIST_FOREACH (d, debts, entry)
        if (d->type == type && d->tx == tx && (!body || (d->len == len && memcmp(d->body, body, len) == 0))) {
            LIST_REMOVE(d, entry);
            free(d);
            return;
        }
}

/* What it means for the client's debts that the request was answered so. A watch that is asked for by who has
 * gone meanwhile is one, too. */
static void account(struct debts *debts, const struct request *r, const struct xsd_sockmsg *answer,
                    const char *body)
{
    const struct xsd_sockmsg *asked = &r->header;
    char number[16];

    if (asked->type == XS_TRANSACTION_END)
        settle(debts, XS_TRANSACTION_END, asked->tx_id, NULL, 0);
    if (answer->type == XS_ERROR)
        return;
    if (asked->type == XS_WATCH) {
        owe(debts, XS_UNWATCH, 0, r->body, asked->len);
    } else if (asked->type == XS_UNWATCH) {
        settle(debts, XS_UNWATCH, 0, r->body, asked->len);
    } else if (asked->type == XS_TRANSACTION_START) {
        snprintf(number, sizeof(number), "%.*s", (int)answer->len, body);
        owe(debts, XS_TRANSACTION_END, (uint32_t)strtoul(number, NULL, 10), "F", 2);
    }
}

static void take_answer(struct xsd_sockmsg answer, const char *body)
{
    struct request *r = TAILQ_FIRST(&requests);
    struct client *c;
    struct client left = {.fd = -1};

    if (!r || r->header.req_id != answer.req_id)
        errx(1, "an answer to what was not asked");
    TAILQ_REMOVE(&requests, r, entry);
    c = find_client(r->client);
    account(c ? &c->debts : &left.debts, r, &answer, body);
    if (c) {
        answer.req_id = r->client_id;
        append_message(&c->out, &answer, body);
    } else if (r->client) {
        struct debt *d = LIST_FIRST(&left.debts);

        if (d)
            ask(0, (struct xsd_sockmsg){.type = d->type, .tx_id = d->tx, .len = d->len}, d->body);
        free(d);
    }
    free(r);
}

static void take_event(struct xsd_sockmsg header, char *body)
{
    size_t path = strnlen(body, header.len) + 1;
    char *number = body + path;
    char *token = path < header.len ? memchr(number, ':', header.len - path) : NULL;
    struct client *c;

    if (!token)
        errx(1, "an event without a client");
    c = find_client((uint32_t)strtoul(number, NULL, 10));
    if (!c)
        return;
    token++;
    memmove(number, token, (size_t)(body + header.len - token));
    header.len -= (uint32_t)(token - number);
    append_message(&c->out, &header, body);
}

/* ---- the page ---- */

static size_t put_requests(void)
{
    XENSTORE_RING_IDX at = page->req_prod;
    size_t n = 0;

    for (; n < to_store.len && at - page->req_cons < XENSTORE_RING_SIZE; n++)
        page->req[MASK_XENSTORE_IDX(at++)] = to_store.data[n];
    __sync_synchronize();
    page->req_prod = at;
    consume(&to_store, n);
    return n;
}

static size_t get_responses(void)
{
    XENSTORE_RING_IDX at = page->rsp_cons, end = page->rsp_prod;
    char chunk[XENSTORE_RING_SIZE];
    size_t n = 0;

    __sync_synchronize();
    if (end - at > XENSTORE_RING_SIZE)
        errx(1, "the ring is broken");
    while (at != end)
        chunk[n++] = page->rsp[MASK_XENSTORE_IDX(at++)];
    __sync_synchronize();
    page->rsp_cons = at;
    append(&from_store, chunk, n); /* cppcheck-suppress uninitvar ; when n is 0 */
    return n;
}

static void exchange(void)
{
    struct xsd_sockmsg header;
    char body[XENSTORE_PAYLOAD_MAX];
    int found;

    if (get_responses() + put_requests() > 0)
        xenevtchn_notify(xce, port);
    while ((found = next_message(&from_store, &header, body)) > 0) {
        if (header.type == XS_WATCH_EVENT)
            take_event(header, body);
        else
            take_answer(header, body);
    }
    if (found < 0)
        errx(1, "the store sent nonsense");
}

/* ---- life ---- */

static void map_page(uint32_t domid)
{
    char path[RIG_PATH];
    int memory = rig_path(path, "dom%u.mem", domid) ? open(path, O_RDWR | O_CLOEXEC) : -1;
    void *p = memory < 0 ? MAP_FAILED
                         : mmap(NULL, RIG_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, memory,
                                (off_t)GNTTAB_RESERVED_XENSTORE * RIG_PAGE);

    if (p == MAP_FAILED)
        err(1, "domain %u has no memory", domid);
    close(memory);
    page = p;
}

static void bind_port(uint32_t domid)
{
    char number[16];
    int bound;

    snprintf(number, sizeof(number), "%u", domid);
    setenv("RIG_DOMID", number, 1);
    xce = xenevtchn_open(NULL, 0);
    bound = xce ? xenevtchn_bind_unbound_port(xce, 0) : -1;
    if (bound < 0)
        err(1, "event channel");
    port = (evtchn_port_t)bound;
}

/* What the toolstack does when it has made the domain. */
static void introduce(uint32_t domid)
{
    client_open();
    page->connection = XENSTORE_RECONNECT; /* so that the store sets the indexes to zero */
    if (!xs_introduce_domain(xs, domid, GNTTAB_RESERVED_XENSTORE, port))
        err(1, "domain %u cannot be introduced", domid);
    xs_close(xs);
    if (page->connection != XENSTORE_CONNECTED)
        errx(1, "the store does not take the ring of domain %u", domid);
}

/* The socket appears when it can be connected to. */
static int listen_for_clients(uint32_t domid)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char path[RIG_PATH], coming[RIG_PATH];
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (!rig_path(path, "dom%u.socket", domid) || !rig_path(coming, "dom%u.coming", domid) ||
        strlen(coming) >= sizeof(address.sun_path))
        errx(1, "the socket's path is too long");
    memcpy(address.sun_path, coming, strlen(coming) + 1);
    unlink(coming);
    if (fd < 0 || bind(fd, (const struct sockaddr *)&address, sizeof(address)) != 0 ||
        listen(fd, CLIENTS) != 0 || rename(coming, path) != 0)
        err(1, "%s", path);
    return fd;
}

static void serve(int listener)
{
    struct pollfd polled[CLIENTS + 2] = {{.fd = listener, .events = POLLIN},
                                         {.fd = xenevtchn_fd(xce), .events = POLLIN}};

    for (;;) {
        bool room = to_store.len < ENOUGH;

        for (int i = 0; i < CLIENTS; i++)
            polled[i + 2] =
                (struct pollfd){.fd = clients[i].fd,
                                .events = (short)((room ? POLLIN : 0) | (clients[i].out.len ? POLLOUT : 0))};
        if (poll(polled, CLIENTS + 2, -1) < 0 && errno != EINTR)
            err(1, "poll");
        if (polled[1].revents)
            xenevtchn_unmask(xce, (evtchn_port_t)xenevtchn_pending(xce));
        for (int i = 0; i < CLIENTS; i++)
            if (clients[i].fd >= 0 && polled[i + 2].revents)
                serve_client(&clients[i], polled[i + 2].revents);
        if (polled[0].revents)
            accept_client(listener);
        exchange();
    }
}

int main(int argc, char **argv)
{
    uint32_t domid;

    if (argc != 2 || strcmp(argv[1], "--help") == 0) {
        fputs("usage: ring DOMID   after `rigctl create DOMID`\n", argc == 2 ? stdout : stderr);
        return argc == 2 ? 0 : EXIT_USAGE;
    }
    domid = parse_number("domain", argv[1]);
    for (int i = 0; i < CLIENTS; i++)
        clients[i].fd = -1;
    map_page(domid);
    bind_port(domid);
    introduce(domid);
    serve(listen_for_clients(domid));
}
