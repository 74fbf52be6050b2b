/* SPDX-License-Identifier: MIT */
#include "controller/daemon/ages_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#include "controller/base/boot_id.h"
#include "controller/base/log.h"
#include "controller/base/run_dir.h"
#include "controller/engine/engine.h"
#include "reconcilers/ages_line.h"
#include "schemas/mem.h"

#define NAME "ages"

/* The number changes when older lines would be misunderstood. */
static const char heading[] = "xenrecon-ages 1";

enum { COMPLAINTS = 8 /* lines of the log about lines of the file */ };

/* A line that was read, and is still to be asked for. */
struct kept {
    struct device_key key;
    char *line;
};

struct ages_file {
    uv_loop_t *loop;
    const char *run_dir;
    uv_timer_t timer;
    const struct engine *e; /* NULL: not every device is known yet */
    struct kept *kept;      /* sorted by key */
    size_t n_kept, cap_kept;
    bool changed, failed, refused; /* since it was written; writing failed last; lines were too many last */
    bool written;                  /* there is one */
    uint64_t first, last;          /* uv_now() of changes since it was written */
};

/* ---- reading ---- */

static int by_key(const void *a, const void *b)
{
    return device_key_compare(&((const struct kept *)a)->key, &((const struct kept *)b)->key);
}

static const struct kept *find(const struct ages_file *f, const struct device_key *key)
{
    const struct kept wanted = {.key = *key};
    return f->n_kept ? bsearch(&wanted, f->kept, f->n_kept, sizeof wanted, by_key) : NULL;
}

bool ages_file_find(const struct ages_file *f, const struct device_key *key, uint64_t now, struct ages *ret)
{
    const struct kept *k = find(f, key);
    return k && !ages_line_parse(k->line, strlen(k->line), now, ret);
}

/* The line at *at, whose newline becomes a NUL; *at is moved behind it. NULL: there is none more. What lacks
 * its newline was not written to its end. */
static char *next_line(char **at, const char *end, size_t *ret_len)
{
    char *line = *at, *newline = line < end ? memchr(line, '\n', (size_t)(end - line)) : NULL;
    if (!newline)
        return NULL;
    *newline = '\0';
    *ret_len = (size_t)(newline - line);
    *at = newline + 1;
    return line;
}

static const char *take_line(struct ages_file *f, const char *line, size_t len, uint64_t now)
{
    struct ages a;
    const char *wrong = len >= AGES_LINE_SIZE ? "is too long" : ages_line_parse(line, len, now, &a);
    if (wrong)
        return wrong;
    xgrow(&f->kept, &f->cap_kept, f->n_kept + 1, sizeof *f->kept);
    f->kept[f->n_kept++] = (struct kept){a.key, xstrndup(line, len)};
    return NULL;
}

/* The same device twice: nobody knows which is true. */
static size_t drop_doubles(struct ages_file *f)
{
    size_t n = 0, dropped = 0;
    if (f->n_kept)
        qsort(f->kept, f->n_kept, sizeof *f->kept, by_key);
    for (size_t i = 0, next; i < f->n_kept; i = next) {
        for (next = i + 1; next < f->n_kept && by_key(&f->kept[i], &f->kept[next]) == 0; next++)
            ;
        if (next == i + 1) {
            f->kept[n++] = f->kept[i];
            continue;
        }
        dropped += next - i;
        for (; i < next; i++)
            free(f->kept[i].line);
    }
    f->n_kept = n;
    return dropped;
}

static void take_lines(struct ages_file *f, char *at, const char *end, uint64_t now)
{
    unsigned number = 2, wrong_lines = 0;
    size_t len;
    for (char *line; (line = next_line(&at, end, &len));) {
        const char *wrong = take_line(f, line, len, now);
        number++;
        if (wrong && wrong_lines++ < COMPLAINTS)
            log_warning("%s/" NAME ": line %u %s: it is left out", f->run_dir, number, wrong);
    }
    if (at != end) {
        wrong_lines++;
        log_warning("%s/" NAME ": its last line was not written to its end: it is left out", f->run_dir);
    }
    size_t doubles = drop_doubles(f);
    if (doubles)
        log_warning("%s/" NAME ": %zu lines are about the same devices: they are left out", f->run_dir,
                    doubles);
    if (wrong_lines > COMPLAINTS)
        log_warning("%s/" NAME ": %u lines in all are left out", f->run_dir, wrong_lines);
    if (f->n_kept)
        log_info("remembered: what %zu devices have waited for, and since when", f->n_kept);
}

/* A boot begins with nothing remembered: its times are its own. */
static void take_text(struct ages_file *f, char *text, size_t size, uint64_t now)
{
    char *at = text, boot[BOOT_ID_SIZE], expected[BOOT_ID_SIZE + 8];
    size_t len = 0;
    const char *first = next_line(&at, text + size, &len), *second;
    if (!first || strcmp(first, heading) != 0) {
        log_warning("%s/" NAME " is of another version, or damaged: nothing is remembered from before",
                    f->run_dir);
        return;
    }
    second = next_line(&at, text + size, &len);
    if (!second || boot_id(boot))
        return;
    snprintf(expected, sizeof expected, "boot %s", boot);
    if (strcmp(second, expected) == 0)
        take_lines(f, at, text + size, now);
}

static int read_all(int fd, char *text, size_t size, size_t *ret_len)
{
    size_t n = 0;
    ssize_t got;
    while ((got = read(fd, text + n, size - n)) > 0)
        n += (size_t)got;
    *ret_len = n;
    return got < 0 ? -errno : 0;
}

static int read_file(struct ages_file *f, uint64_t now)
{
    struct stat st;
    size_t len = 0;
    int fd, directory = open(f->run_dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (directory < 0)
        return -errno;
    int error = run_dir_open_file(directory, NAME, S_IFREG, O_RDONLY, &fd);
    close(directory);
    if (error)
        return error;
    f->written = true;
    error = fstat(fd, &st) ? -errno : st.st_size > AGES_FILE_MAX ? -EFBIG : 0;
    if (!error) {
        char *text = xcalloc(1, (size_t)st.st_size + 1);
        error = read_all(fd, text, (size_t)st.st_size, &len);
        if (!error && len)
            take_text(f, text, len, now);
        free(text);
    }
    close(fd);
    return error;
}

/* ---- writing ---- */

struct writing {
    const struct ages_file *f;
    FILE *to;
    size_t bytes, refused;
    uint16_t of_guest[DOMID_MAX + 1];
};

static void put(void *arg, const struct device_key *key, const char *line)
{
    struct writing *w = arg;
    const struct kept *k = line ? NULL : find(w->f, key);
    const char *text = k ? k->line : line;
    size_t len = text ? strlen(text) + 1 : 0;
    if (!text)
        return;
    if (w->of_guest[key->domid] == AGES_OF_GUEST || w->bytes + len > AGES_FILE_MAX) {
        w->refused++;
        return;
    }
    w->of_guest[key->domid]++;
    w->bytes += len;
    fprintf(w->to, "%s\n", text);
}

static int replace(const struct ages_file *f, const char *text, size_t len)
{
    int directory, error = run_dir_open_top(f->run_dir, &directory);
    if (error)
        return error;
    error = run_dir_replace(directory, NAME, text, len);
    close(directory);
    return error;
}

static size_t print(const struct ages_file *f, const char *boot, char **ret_text, size_t *ret_len)
{
    struct writing *w = xcalloc(1, sizeof *w);
    w->f = f;
    w->to = open_memstream(ret_text, ret_len);
    if (!w->to)
        abort(); /* as for any memory */
    int heads = fprintf(w->to, "%s\nboot %s\n", heading, boot);
    w->bytes = (size_t)heads;
    engine_each_ages(f->e, put, w);
    fclose(w->to);
    size_t refused = w->refused;
    free(w);
    return refused;
}

static void write_now(struct ages_file *f)
{
    char *text = NULL, boot[BOOT_ID_SIZE];
    size_t len, refused = 0;
    int error = boot_id(boot);
    if (!error) {
        refused = print(f, boot, &text, &len);
        error = replace(f, text, len);
        free(text);
    }
    if (error && !f->failed)
        log_error("cannot write %s/" NAME ": %s; tried again with the next change", f->run_dir,
                  strerror(-error));
    else if (!error && f->failed)
        log_info("%s/" NAME " is written again", f->run_dir);
    if (refused && !f->refused)
        log_warning("%s/" NAME
                    ": there is no room for %zu devices: a restart forgets what they have waited for",
                    f->run_dir, refused);
    f->failed = error;
    f->refused = refused;
    f->written = f->written || !error;
    f->changed = error; /* at our end it is tried once more */
}

static void on_timer(uv_timer_t *timer)
{
    struct ages_file *f = timer->data;
    uint64_t now = uv_now(f->loop), calm = f->last + AGES_CALM, latest = f->first + AGES_LATEST;
    uint64_t at = calm < latest ? calm : latest;
    if (now < at)
        uv_timer_start(timer, on_timer, at - now, 0);
    else
        write_now(f);
}

void ages_file_changed(struct ages_file *f)
{
    f->last = uv_now(f->loop);
    if (!f->changed)
        f->first = f->last;
    f->changed = true;
    if (f->e && !uv_is_active((uv_handle_t *)&f->timer))
        uv_timer_start(&f->timer, on_timer, AGES_CALM, 0);
}

void ages_file_ready(struct ages_file *f, const struct engine *e)
{
    bool first = !f->e;
    f->e = e;
    if (first && (f->changed || f->n_kept)) /* some may be of devices that have gone */
        ages_file_changed(f);
}

void ages_file_mend(struct ages_file *f)
{
    if (!f || !f->e || !f->written)
        return;
    int directory = open(f->run_dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    bool there = directory >= 0 && run_dir_has(directory, NAME);
    if (directory >= 0)
        close(directory);
    if (!there)
        ages_file_changed(f);
}

/* ---- life ---- */

struct ages_file *ages_file_new(struct uv_loop_s *loop, const char *run_dir, uint64_t now)
{
    struct ages_file *f = xcalloc(1, sizeof *f);
    f->loop = loop;
    f->run_dir = run_dir;
    uv_timer_init(loop, &f->timer);
    f->timer.data = f;
    int error = read_file(f, now);
    if (error && error != -ENOENT)
        log_warning("%s/" NAME " cannot be used: %s: nothing is remembered from before", run_dir,
                    strerror(-error));
    return f;
}

static void on_closed(uv_handle_t *handle)
{
    struct ages_file *f = handle->data;
    for (size_t i = 0; i < f->n_kept; i++)
        free(f->kept[i].line);
    free(f->kept);
    free(f);
}

void ages_file_close(struct ages_file *f)
{
    if (!f)
        return;
    if (f->e && f->changed)
        write_now(f);
    uv_close((uv_handle_t *)&f->timer, on_closed);
}
