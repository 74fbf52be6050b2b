/* SPDX-License-Identifier: MIT */
/* The QMP of a device model that has no devices. No I/O: bytes in, bytes out. A command is answered
 * truthfully where the answer is known, and with CommandNotFound otherwise.
 *
 * Source: QEMU's specification of QMP (docs/interop/qmp-spec), and what libxl and libxenstat send. A message
 * is a JSON object; messages need nothing between them, so they are told apart by counting braces. */
#ifndef XENRECON_DM_QMP_H
#define XENRECON_DM_QMP_H

#include <stdbool.h>
#include <stddef.h>

#include "controller/dm/options.h"

enum { QMP_MESSAGE_MAX = 64 * 1024 };

/* The machine that all sessions speak of; owned by the caller. */
struct qmp_machine {
    const struct dm_options *options;
    unsigned clients[DM_SOCKETS_MAX]; /* clients that are connected, by socket */
    bool running, started;            /* it runs; it has run at some time */
    bool quit;                        /* `quit` was received */
};

struct qmp_session {
    struct qmp_machine *machine;
    bool negotiated;
    /* the message that is being read */
    char *text;
    size_t len, cap;
    unsigned depth;
    bool quoted, escaped;
};

void qmp_session_init(struct qmp_session *s, struct qmp_machine *machine);
void qmp_session_finish(struct qmp_session *s);

/* The greeting to send first, NUL-terminated; the caller frees it. */
char *qmp_greeting(void);

/* Takes bytes until a message is complete, and answers that one. *ret_answer: to be sent and freed; NULL: all
 * bytes were taken, and no message was complete. Returns how many bytes were taken. *ret_broken: what comes
 * cannot be understood any more; the answer is to be sent and the connection closed. */
size_t qmp_feed(struct qmp_session *s, const char *data, size_t len, char **ret_answer, bool *ret_broken);

#endif
