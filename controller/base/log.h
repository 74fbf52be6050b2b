/* SPDX-License-Identifier: MIT */
/* Messages for the administrator, one line each on stderr: `xenrecon: <text>`, or a JSON object. Where stderr
 * is the journal's, they go to the journal with fields of their own (XENRECON_DEVICE, _ROW, _ACTION,
 * _FINDING). If it does not take them, they are text with the level in front, as in sd-daemon(3). The
 * journal's protocol is written out here, for the reason that controller/daemon/sd_notify.h gives. Text of
 * guests is escaped here, at the latest.
 *
 * Lines about one device are limited to LOG_BURST within LOG_WINDOW, and those about one guest and all its
 * devices to LOG_GUEST_BURST. Beyond that they are only counted, and the count is logged when that time is
 * over. Other lines are not limited, so no guest costs another one's lines. One thread; nothing here fails.
 */
#ifndef XENRECON_LOG_H
#define XENRECON_LOG_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "schemas/diagnostic.h"

enum log_level {
    LOG_LEVEL_ERROR,
    LOG_LEVEL_WARNING,
    LOG_LEVEL_INFO, /* the default: messages of this level and of worse ones are printed */
    LOG_LEVEL_DEBUG,
};

enum log_format {
    LOG_FORMAT_TEXT,
    LOG_FORMAT_JSON, /* time, level, message, and what it is about; one object a line */
};

enum {
    LOG_BURST = 100,
    LOG_GUEST_BURST = 200,
    LOG_QUOTED = 100,
    LOG_ROOM = 4,           /* lines that are usual when a device is attached, or detached */
    LOG_WINDOW = 10 * 1000, /* milliseconds */
};

void log_set_level(enum log_level level);
void log_set_format(enum log_format format);
/* Where text goes instead of to stderr; NULL: there. */
void log_set_stream(FILE *to);
/* For tests: the journal's socket, and a clock of milliseconds. */
void log_set_journal(const char *path);
void log_set_clock(uint64_t (*clock)(void));

void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* What a message is about, to search by; NULL is left out. The text must name it all the same. The device
 * that a text begins with, as in `qdisk/7/51712: ...`, is found without this, and so is the guest that one
 * begins with, as in `domain 7: ...`. */
struct log_about {
    const char *row, *action, *finding;
    bool cleared; /* the finding has ended */
    bool quoted;  /* a worker or a script said it: of a guest's lines LOG_QUOTED may be such */
};
void log_about(enum log_level level, const struct log_about *about, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* A line, as it goes to whoever keeps the log's lines as well. */
struct log_entry {
    enum log_level level;
    const char *text;
    const char *device; /* TYPE/DOMID/DEVID; NULL: it is about none */
    int domid;          /* the guest's; -1: it is about none */
    struct log_about about;
};
const char *log_level_name(enum log_level level);

/* Calls `tap` for each line of LOG_LEVEL_INFO and worse that is not suppressed, whatever level is printed. It
 * must log nothing itself. */
void log_set_tap(void (*tap)(void *arg, const struct log_entry *entry), void *arg);

/* Logs what is wrong in a file, with its line and the caret: an error of up to three lines. */
void log_diagnostic(const struct diagnostic *d);

/* A toolstack has begun something with this guest's devices: so many lines more may be about it for now. What
 * a guest does by itself must not lead here. */
void log_make_room(uint16_t domid, unsigned lines);

/* Logs what was suppressed and whose time is over. Returns after how many milliseconds there will be more of
 * it; 0: nothing is suppressed. Whoever logs next does the same. */
uint64_t log_tell(void);
/* Calls `alarm` when something was suppressed and nothing had been: log_tell() is wanted after so many
 * milliseconds. NULL: it is told by whoever logs next. */
void log_set_alarm(void (*alarm)(void *arg, uint64_t after), void *arg);
/* Lines that were suppressed, ever. */
uint64_t log_suppressed(void);
/* Logs what was suppressed, whether its time is over or not; for the end of the process. */
void log_flush(void);

#endif
