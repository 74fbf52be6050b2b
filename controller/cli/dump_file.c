/* SPDX-License-Identifier: MIT */
#include "controller/cli/dump_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "controller/base/log.h"
#include "controller/base/progress.h"
#include "schemas/mem.h"

/* Reads up to one byte more than a dump may have: then it is refused as too long. */
static int read_all(int fd, char **ret_text, size_t *ret_len)
{
    enum { CHUNK = 256 << 10 };
    char *text = NULL;
    size_t len = 0, cap = 0;
    while (len <= DUMP_SIZE_MAX) {
        xgrow(&text, &cap, len + CHUNK, 1);
        ssize_t n = read(fd, text + len, CHUNK);
        if (n == 0)
            break;
        if (n < 0 && errno != EINTR) {
            int error = -errno;
            free(text);
            return error;
        }
        if (n > 0)
            len += (size_t)n;
        progress_at(len >> 10, 0);
    }
    *ret_text = text;
    *ret_len = len;
    return 0;
}

int dump_file_load(const char *file, struct dump_hosts *ret_hosts, char ret_why[static DUMP_FILE_WHY_SIZE])
{
    bool standard = strcmp(file, "-") == 0;
    int fd = standard ? STDIN_FILENO : open(file, O_RDONLY | O_CLOEXEC);
    char *text = NULL;
    size_t len = 0;
    struct diagnostic why;
    int error = fd < 0 ? -errno : 0;
    if (standard)
        file = "stdin";
    progress_begin(" KiB", "reading %s", file);
    if (fd >= 0)
        error = read_all(fd, &text, &len);
    if (fd >= 0 && !standard)
        close(fd);
    if (error) {
        log_error("cannot read %s: %s", file, strerror(-error));
        snprintf(ret_why, DUMP_FILE_WHY_SIZE, "it cannot be read: %s", strerror(-error));
        return error;
    }
    progress_begin("", "making sense of %s", file);
    error = dump_hosts_parse(file, text, len, ret_hosts, &why);
    if (error) {
        log_diagnostic(&why);
        snprintf(ret_why, DUMP_FILE_WHY_SIZE, "%s", why.message);
    }
    free(text);
    return error;
}

/* ---- the text ---- */

static void report_note(const struct dump_note *n, struct plan *host)
{
    enum severity severity = n->harmless ? SEVERITY_INFO : SEVERITY_WARNING;
    if (!n->first)
        plan_add_finding(host, FINDING_DUMP_INCOMPLETE, severity, "%s", n->text);
    else if (n->first == n->last)
        plan_add_finding(host, FINDING_DUMP_INCOMPLETE, severity, "line %u: %s", n->first, n->text);
    else
        plan_add_finding(host, FINDING_DUMP_INCOMPLETE, severity, "lines %u-%u: %s", n->first, n->last,
                         n->text);
}

/* ---- what is not in it ---- */

/* Directories that a listing should have had, and how many ends of devices that would have shown. */
struct unlisted {
    const struct dump *dump;
    struct arena arena;
    const char **directories; /* the first few, each once */
    size_t n, cap;
    size_t ends[2]; /* by side */
};

enum { COMMANDS_MAX = 3 }; /* with more it is easier to list everything */

/* /local/domain/7/device of /local/domain/7/device/vbd/51712; a path that is no such one itself */
static size_t directory_len(const char *path)
{
    const char *at = path;
    for (int slashes = 0; at && slashes < 4; slashes++)
        at = strchr(at + 1, '/');
    return at ? (size_t)(at - path) : strlen(path);
}

static void not_listed(struct unlisted *u, enum side side, const char *path)
{
    if (dump_shows(u->dump, path) || dump_lookup(u->dump, path).presence == ABSENT)
        return;
    u->ends[side]++;
    size_t len = directory_len(path);
    for (size_t i = 0; i < u->n; i++)
        if (strlen(u->directories[i]) == len && memcmp(u->directories[i], path, len) == 0)
            return;
    if (u->n > COMMANDS_MAX)
        return;
    xgrow(&u->directories, &u->cap, u->n + 1, sizeof *u->directories);
    u->directories[u->n++] = arena_strndup(&u->arena, path, len);
}

static void backend_named(void *arg, const char *backend)
{
    not_listed(arg, BACKEND, backend);
}

static const char *commands(struct unlisted *u)
{
    const char *text = "";
    if (u->n > COMMANDS_MAX)
        return "`xenstore-ls -fp /local/domain`";
    for (size_t i = 0; i < u->n; i++)
        text = arena_printf(&u->arena, "%s%s`xenstore-ls -fp %s`", text,
                            i == 0          ? ""
                            : i + 1 == u->n ? " and "
                                            : ", ",
                            u->directories[i]);
    return text;
}

static void report_unlisted(const struct dump *dump, struct report *report)
{
    struct unlisted u = {.dump = dump};
    for (size_t i = 0; i < report->n_devices; i++)
        if (report->devices[i].frontend)
            not_listed(&u, FRONTEND, report->devices[i].frontend);
    dump_frontends(dump, backend_named, &u);
    const char *which = u.ends[FRONTEND] && u.ends[BACKEND] ? "frontends and backends"
                        : u.ends[FRONTEND]                  ? "the frontends"
                                                            : "the backends";
    size_t n = u.ends[FRONTEND] + u.ends[BACKEND];
    if (n)
        plan_add_finding(report->host, FINDING_NOT_LISTED, SEVERITY_INFO,
                         "%s of %zu device%s are not in the listing, and nothing is said of them: add %s",
                         which, n, n == 1 ? "" : "s", commands(&u));
    free(u.directories);
    arena_free(&u.arena);
}

/* ---- the report ---- */

static void count_device(void *arg, uint16_t backend_domid, const struct device_key *key)
{
    size_t *n = arg;
    (void)backend_domid;
    (void)key;
    ++*n;
}

void dump_file_report(const struct dump *dump, const struct dump_store *store, struct report *report)
{
    struct plan *host = report->host;
    size_t n, devices = 0;
    const struct dump_note *notes = dump_notes(dump, &n);
    for (size_t i = 0; i < n; i++)
        report_note(&notes[i], host);
    const struct dump_store_miss *misses = dump_store_misses(store, &n);
    for (size_t i = 0; i < n; i++)
        plan_add_finding(host, FINDING_DUMP_INCOMPLETE, SEVERITY_INFO,
                         "line %u: the value of %s is not whole", misses[i].line, misses[i].path);
    report_unlisted(dump, report);
    dump_devices(dump, count_device, &devices);
    if (!devices && !dump_shows_domains(dump))
        plan_add_finding(host, FINDING_DUMP_INCOMPLETE, SEVERITY_INFO,
                         "there is no device's backend directory in it");
}
