/* SPDX-License-Identifier: MIT */
#include "controller/base/log.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "controller/base/log_limit.h"
#include "controller/base/progress.h"
#include "controller/base/wall_clock.h"
#include "schemas/age.h"
#include "schemas/json.h"
#include "schemas/printable.h"
#include "schemas/value.h"

enum { LINE_SIZE = 1024 }; /* longer messages are cut */

static enum log_level max_level = LOG_LEVEL_INFO;
static enum log_format format_now = LOG_FORMAT_TEXT;
static const char *journal_path = "/run/systemd/journal/socket";

void log_set_level(enum log_level level)
{
    max_level = level;
}

void log_set_format(enum log_format format)
{
    format_now = format;
}

void log_set_journal(const char *path)
{
    journal_path = path;
}

/* $JOURNAL_STREAM is "<device>:<inode>" of the journal's socket, and children inherit it. So the journal
 * reads our stderr only if this is that socket. */
static bool stderr_is_journal(void)
{
    const char *stream = getenv("JOURNAL_STREAM");
    struct stat st;
    char ours[48];
    if (!stream || fstat(STDERR_FILENO, &st))
        return false;
    snprintf(ours, sizeof ours, "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
    return strcmp(stream, ours) == 0;
}

/* ---- where it goes ---- */

static const struct level_words {
    const char *name, *prefix;
    char priority;
} levels[] = {
    [LOG_LEVEL_ERROR] = {"error", "<3>", '3'},
    [LOG_LEVEL_WARNING] = {"warning", "<4>", '4'},
    [LOG_LEVEL_INFO] = {"info", "<6>", '6'},
    [LOG_LEVEL_DEBUG] = {"debug", "<7>", '7'},
};

const char *log_level_name(enum log_level level)
{
    return levels[level].name;
}

static void put_field(char *buf, size_t size, size_t *n, const char *name, const char *value)
{
    int len = value ? snprintf(buf + *n, size - *n, "%s=%s\n", name, value) : 0;
    if (len > 0 && (size_t)len < size - *n)
        *n += (size_t)len;
}

/* The journal's own protocol: a datagram of lines NAME=VALUE; ours have no line breaks in them. */
static bool to_journal(const struct log_entry *l)
{
    static int fd = -1;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char buf[2 * LINE_SIZE], priority[2] = {levels[l->level].priority};
    size_t n = 0;
    if (!journal_path || strlen(journal_path) >= sizeof address.sun_path)
        return false;
    if (fd < 0)
        fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    snprintf(address.sun_path, sizeof address.sun_path, "%s", journal_path);
    put_field(buf, sizeof buf, &n, "PRIORITY", priority);
    put_field(buf, sizeof buf, &n, "SYSLOG_IDENTIFIER", "xenrecon");
    put_field(buf, sizeof buf, &n, "MESSAGE", l->text);
    put_field(buf, sizeof buf, &n, "XENRECON_DEVICE", l->device);
    put_field(buf, sizeof buf, &n, "XENRECON_ROW", l->about.row);
    put_field(buf, sizeof buf, &n, "XENRECON_ACTION", l->about.action);
    put_field(buf, sizeof buf, &n, "XENRECON_FINDING", l->about.finding);
    return fd >= 0 && sendto(fd, buf, n, MSG_NOSIGNAL, (struct sockaddr *)&address, sizeof address) >= 0;
}

static void put_member(json_t *o, const char *name, const char *value)
{
    if (value)
        jput(o, name, jtext(value));
}

static void to_json(const struct log_entry *l)
{
    char time[MOMENT_SIZE];
    json_t *o = jobject();
    put_member(o, "time", moment_rfc3339(wall_clock(), time));
    put_member(o, "level", levels[l->level].name);
    jput(o, "message", json_string(l->text)); /* it was made printable before */
    put_member(o, "device", l->device);
    put_member(o, "row", l->about.row);
    put_member(o, "action", l->about.action);
    put_member(o, "finding", l->about.finding);
    char *text = jline(o);
    fprintf(stderr, "%s\n", text);
    free(text);
    json_decref(o);
}

static FILE *stream; /* NULL: stderr */

void log_set_stream(FILE *to)
{
    stream = to;
}

static void (*tap)(void *arg, const struct log_entry *entry);
static void *tap_arg;

void log_set_tap(void (*to)(void *arg, const struct log_entry *entry), void *arg)
{
    tap = to;
    tap_arg = arg;
}

/* In one call: stderr is unbuffered, and lines of several processes must not mix. */
static void print_line(const struct log_entry *l)
{
    if (tap && l->level <= LOG_LEVEL_INFO)
        tap(tap_arg, l);
    if (l->level > max_level)
        return;
    progress_hold();
    if (stream)
        fprintf(stream, "%s\n", l->text);
    else if (format_now == LOG_FORMAT_JSON)
        to_json(l);
    else if (!stderr_is_journal())
        fprintf(stderr, "xenrecon: %s\n", l->text);
    else if (!to_journal(l))
        fprintf(stderr, "%sxenrecon: %s\n", levels[l->level].prefix, l->text);
    progress_release();
}

/* ---- how much ---- */

static uint64_t monotonic(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static uint64_t (*clock_now)(void) = monotonic;

void log_set_clock(uint64_t (*clock)(void))
{
    clock_now = clock;
}

static void tell_suppressed(uint16_t domid, const struct device_key *key, unsigned suppressed)
{
    char who[DEVICE_KEY_SIZE], text[DEVICE_KEY_SIZE + 64];
    if (key)
        device_key_format(key, who);
    else
        snprintf(who, sizeof who, "domain %u", domid);
    snprintf(text, sizeof text, "%s: %u more message%s suppressed", who, suppressed,
             suppressed == 1 ? " was" : "s were");
    print_line(&(struct log_entry){LOG_LEVEL_WARNING, text, key ? who : NULL, domid, {0}});
}

static void (*alarm_set)(void *arg, uint64_t after);
static void *alarm_arg;

void log_set_alarm(void (*alarm)(void *arg, uint64_t after), void *arg)
{
    alarm_set = alarm;
    alarm_arg = arg;
}

static struct log_limit *limit(void)
{
    static struct log_limit limit;
    if (!limit.tell)
        log_limit_init(&limit, tell_suppressed);
    return &limit;
}

void log_make_room(uint16_t domid, unsigned lines)
{
    log_limit_raise(limit(), domid, lines, clock_now());
}

uint64_t log_tell(void)
{
    uint64_t now = clock_now(), next = log_limit_tell(limit(), now, false);
    return next ? next - now : 0;
}

void log_flush(void)
{
    log_limit_tell(limit(), clock_now(), true);
}

/* ---- what is said ---- */

/* The device that a text begins with. */
static bool begins_with_device(const char *text, struct device_key *ret_key)
{
    size_t len = strcspn(text, ": ");
    return text[len] == ':' && !device_key_parse(text, len, ret_key);
}

/* The guest that a text begins with. */
static bool begins_with_guest(const char *text, uint16_t *ret_domid)
{
    static const char domain[] = "domain ";
    size_t n = strlen(domain);
    uint64_t domid;
    if (strncmp(text, domain, n) != 0)
        return false;
    size_t len = strcspn(text + n, ": ");
    if (text[n + len] != ':' || parse_decimal(text + n, len, DOMID_MAX, &domid))
        return false;
    *ret_domid = (uint16_t)domid;
    return true;
}

static uint64_t suppressed_ever;

uint64_t log_suppressed(void)
{
    return suppressed_ever;
}

static bool allowed(uint16_t domid, const struct device_key *key, bool quoted)
{
    struct log_limit *l = limit();
    bool calm = !l->pending;
    if (log_limit_allows(l, domid, key, quoted, clock_now()))
        return true;
    suppressed_ever++;
    if (calm && alarm_set)
        alarm_set(alarm_arg, LOG_WINDOW);
    return false;
}

static void say(enum log_level level, const struct log_about *about, const char *text, size_t len)
{
    struct device_key key;
    uint16_t domid = 0;
    char copy[LINE_SIZE], device[DEVICE_KEY_SIZE];
    printable_copy(copy, sizeof copy, text, len, false);
    bool of_device = begins_with_device(copy, &key), quoted = about && about->quoted;
    bool of_guest = !of_device && begins_with_guest(copy, &domid);
    log_tell();
    if (of_device ? !allowed(key.domid, &key, quoted) : of_guest && !allowed(domid, NULL, quoted))
        return;
    if (of_device)
        device_key_format(&key, device);
    print_line(&(struct log_entry){level, copy, of_device ? device : NULL,
                                   of_device  ? key.domid
                                   : of_guest ? domid
                                              : -1,
                                   about ? *about : (struct log_about){0}});
}

__attribute__((format(printf, 3, 0))) static void
print_message(enum log_level level, const struct log_about *about, const char *format, va_list ap)
{
    char text[LINE_SIZE];
    if (level > max_level && !(tap && level <= LOG_LEVEL_INFO))
        return;
    vsnprintf(text, sizeof text, format, ap);
    say(level, about, text, strlen(text));
}

void log_about(enum log_level level, const struct log_about *about, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    print_message(level, about, format, ap);
    va_end(ap);
}

#define DEFINE_LOG(name, level)                 \
    void name(const char *format, ...)          \
    {                                           \
        va_list ap;                             \
        va_start(ap, format);                   \
        print_message(level, NULL, format, ap); \
        va_end(ap);                             \
    }
DEFINE_LOG(log_error, LOG_LEVEL_ERROR)
DEFINE_LOG(log_warning, LOG_LEVEL_WARNING)
DEFINE_LOG(log_info, LOG_LEVEL_INFO)
DEFINE_LOG(log_debug, LOG_LEVEL_DEBUG)

void log_diagnostic(const struct diagnostic *d)
{
    char text[2 * sizeof *d];
    diagnostic_format(d, text, sizeof text);
    for (const char *line = text; *line;) {
        size_t len = strcspn(line, "\n");
        say(LOG_LEVEL_ERROR, NULL, line, len);
        line += len + (line[len] == '\n');
    }
}
