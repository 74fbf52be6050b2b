/* SPDX-License-Identifier: MIT */
#include "controller/store/xs_wire.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "schemas/mem.h"

void xs_buffer_free(struct xs_buffer *b)
{
    free(b->data);
    *b = (struct xs_buffer){0};
}

void xs_buffer_cut(struct xs_buffer *b, size_t n)
{
    b->len -= n;
    if (b->len)
        memmove(b->data, b->data + n, b->len);
}

int xs_wire_append(struct xs_buffer *b, enum xsd_sockmsg_type type, uint32_t req_id, uint32_t tx,
                   const void *body, size_t len)
{
    if (len > XENSTORE_PAYLOAD_MAX)
        return -E2BIG;
    struct xsd_sockmsg header = {.type = type, .req_id = req_id, .tx_id = tx, .len = (uint32_t)len};
    xgrow(&b->data, &b->cap, b->len + sizeof header + len, 1);
    memcpy(b->data + b->len, &header, sizeof header);
    if (len)
        memcpy(b->data + b->len + sizeof header, body, len);
    b->len += sizeof header + len;
    return 0;
}

size_t xs_wire_size(const char *data)
{
    struct xsd_sockmsg header;
    memcpy(&header, data, sizeof header);
    return sizeof header + header.len;
}

static bool type_valid(uint32_t type)
{
    return type < XS_TYPE_COUNT &&
           type != XS_SET_TARGET + 1; /* that is the number of a request that was abolished */
}

/* Is it exactly two strings, the path and the token? */
static bool event_valid(const char *body, size_t len)
{
    const char *nul = len ? memchr(body, '\0', len) : NULL;
    if (!nul)
        return false;
    size_t path = (size_t)(nul - body) + 1;
    return path < len && memchr(body + path, '\0', len - path) == body + len - 1;
}

int xs_wire_parse(const char *data, size_t len, struct xs_message *ret_message, size_t *ret_size)
{
    struct xsd_sockmsg header;

    if (len < sizeof header)
        return 0;
    memcpy(&header, data, sizeof header);
    if (header.len > XENSTORE_PAYLOAD_MAX)
        return -EPROTO;
    if (len - sizeof header < header.len)
        return 0;
    const char *body = data + sizeof header;
    bool valid = type_valid(header.type) && (header.type != XS_WATCH_EVENT || event_valid(body, header.len));
    *ret_message = (struct xs_message){
        .type = valid ? (enum xsd_sockmsg_type)header.type : XS_INVALID,
        .req_id = header.req_id,
        .len = header.len,
        .body = body,
    };
    *ret_size = sizeof header + header.len;
    return 1;
}

const char *xs_event_path(const struct xs_message *m)
{
    return m->body;
}

const char *xs_event_token(const struct xs_message *m)
{
    return m->body + strlen(m->body) + 1;
}

const char *xs_type_name(enum xsd_sockmsg_type type)
{
    static const char *const names[XS_TYPE_COUNT] = {
        [XS_DIRECTORY] = "DIRECTORY",
        [XS_READ] = "READ",
        [XS_WATCH] = "WATCH",
        [XS_UNWATCH] = "UNWATCH",
        [XS_TRANSACTION_START] = "TRANSACTION_START",
        [XS_TRANSACTION_END] = "TRANSACTION_END",
        [XS_WRITE] = "WRITE",
        [XS_RM] = "RM",
        [XS_WATCH_EVENT] = "WATCH_EVENT",
        [XS_ERROR] = "ERROR",
        [XS_IS_DOMAIN_INTRODUCED] = "IS_DOMAIN_INTRODUCED",
        [XS_DIRECTORY_PART] = "DIRECTORY_PART",
    };
    return type < XS_TYPE_COUNT && names[type] ? names[type] : "unknown";
}

int xs_wire_error(const char *text, size_t len)
{
    size_t n = strnlen(text, len);
    for (size_t i = 0; i < sizeof xsd_errors / sizeof *xsd_errors; i++) {
        const char *name = xsd_errors[i].errstring;
        if (n == strlen(name) && memcmp(name, text, n) == 0)
            return -xsd_errors[i].errnum;
    }
    return -EIO;
}
