/* SPDX-License-Identifier: MIT */
/* The store's wire format (xen/io/xs_wire.h): requests to bytes, bytes to messages. Pure: no descriptor, no
 * clock.
 *
 * What comes in is not trusted: a stream that is not what the protocol allows is -EPROTO, and from there on
 * nothing in it can be relied on. A buffer is the caller's, to be freed with xs_buffer_free(). */
#ifndef XENRECON_XS_WIRE_H
#define XENRECON_XS_WIRE_H

#include <errno.h> /* before xs_wire.h, whose table of errors needs it */
#include <stddef.h>
#include <stdint.h>
#include <xen/io/xs_wire.h>

enum { XS_MESSAGE_MAX = sizeof(struct xsd_sockmsg) + XENSTORE_PAYLOAD_MAX };

struct xs_buffer {
    char *data;
    size_t len, cap;
};

void xs_buffer_free(struct xs_buffer *b); /* empties it; it can be used again */
/* Removes the first n bytes. */
void xs_buffer_cut(struct xs_buffer *b, size_t n);

struct xs_message {
    enum xsd_sockmsg_type type; /* XS_INVALID: nothing that the protocol has, which may be passed over */
    uint32_t req_id;
    size_t len;
    const char *body; /* lies where it was parsed; no NUL behind it */
};

/* 0; -E2BIG: the body is longer than XENSTORE_PAYLOAD_MAX. */
int xs_wire_append(struct xs_buffer *b, enum xsd_sockmsg_type type, uint32_t req_id, uint32_t tx,
                   const void *body, size_t len);

/* Parses the first message. 1: *ret_size is how many bytes it takes. 0: it is not complete yet. -EPROTO: it
 * is not the protocol. */
int xs_wire_parse(const char *data, size_t len, struct xs_message *ret_message, size_t *ret_size);

/* The size of the message whose beginning was written by xs_wire_append(). */
size_t xs_wire_size(const char *data);

/* The strings of a parsed XS_WATCH_EVENT. */
const char *xs_event_path(const struct xs_message *m);
const char *xs_event_token(const struct xs_message *m);

/* A request's name, as in `READ`; "unknown". */
const char *xs_type_name(enum xsd_sockmsg_type type);

/* The negative errno that the text of an XS_ERROR means; -EIO: an unknown text. */
int xs_wire_error(const char *text, size_t len);

#endif
