/* SPDX-License-Identifier: MIT */
/* The least that can answer a toolstack: is told of each device by a pipe (attach burst --tell), watches
 * nothing, decides nothing, and makes the requests that it is given for each, up to 16 devices in a
 * transaction. What the toolstack and this take together is the floor of what it takes with a backend.
 *
 *   attach burst ... --tell | answer REQUESTS
 *
 * REQUESTS has a line for each of a device, `READ path` or `WRITE path value`, with DOMID and DEVID in it.
 * Prints the microseconds that writing took, and those from the beginning to the last commit, as attach does.
 */
#include <poll.h>
#include <stdio.h>

#include "test/bench/wire.h"

enum {
    BATCH = 16,
    REQUESTS_MAX = 64,
    LINE = 512,
    PAUSE = 5, /* microseconds an answer, before the first is read: being woken by each costs the store more
                  than it */
};

struct request {
    bool write;
    char path[LINE], value[LINE];
};

struct told {
    unsigned domid, devid;
};

static struct request requests[REQUESTS_MAX];
static size_t n_requests;

static void read_requests(const char *file)
{
    char line[LINE], type[8];
    FILE *f = fopen(file, "r");

    if (!f)
        err(1, "%s", file);
    while (n_requests < REQUESTS_MAX && fgets(line, sizeof line, f)) {
        struct request *r = &requests[n_requests++];
        if (sscanf(line, "%7s %511s %511[^\n]", type, r->path, r->value) < 2)
            errx(1, "%s: %s", file, line);
        r->write = strcmp(type, "WRITE") == 0;
    }
    fclose(f);
}

static void replace(char text[LINE], const char *word, unsigned number)
{
    char rest[LINE];
    char *at = strstr(text, word);

    if (!at)
        return;
    snprintf(rest, sizeof rest, "%s", at + strlen(word));
    snprintf(at, LINE - (size_t)(at - text), "%u%s", number, rest);
}

static void answer(struct wire *w, const struct told *d, bool write)
{
    for (size_t i = 0; i < n_requests; i++) {
        char path[LINE];
        if (requests[i].write != write)
            continue;
        snprintf(path, sizeof path, "%s", requests[i].path);
        replace(path, "DOMID", d->domid);
        replace(path, "DEVID", d->devid);
        if (write)
            wire_write(w, path, requests[i].value);
        else
            wire_ask_path(w, XS_READ, path);
    }
}

static void answer_all(struct wire *w, const struct told *told, size_t n)
{
    do {
        wire_begin(w);
        for (size_t i = 0; i < n; i++)
            answer(w, &told[i], false);
        for (size_t i = 0; i < n; i++)
            answer(w, &told[i], true);
        wire_flush(w);
        usleep(PAUSE * w->in_flight);
    } while (!wire_commit(w));
}

static bool more(void)
{
    struct pollfd p = {.fd = STDIN_FILENO, .events = POLLIN};
    return poll(&p, 1, 0) > 0;
}

/* Unbuffered, so that poll() tells of all that there is to read. */
static bool next_line(char line[LINE])
{
    for (size_t n = 0; n < LINE - 1; n++) {
        if (read(STDIN_FILENO, &line[n], 1) != 1)
            return false;
        if (line[n] == '\n') {
            line[n] = '\0';
            return true;
        }
    }
    errx(1, "a line too long");
}

int main(int argc, char **argv)
{
    struct told told[BATCH];
    char line[LINE] = "";
    unsigned long long begun, written = 0;
    struct wire *w = wire_open(WINDOW_MAX);
    bool open = argc == 2;

    if (!open)
        errx(64, "usage: attach burst ... --tell | answer REQUESTS");
    read_requests(argv[1]);
    if (!next_line(line) || sscanf(line, "begun %llu", &begun) != 1)
        errx(1, "\"%s\" is no beginning", line);
    while (open) {
        size_t n = 0;
        do {
            open = next_line(line);
            if (open && sscanf(line, "%u %u", &told[n].domid, &told[n].devid) == 2)
                n++;
            else if (open && sscanf(line, "written %llu", &written) != 1)
                errx(1, "\"%s\" is no device", line);
        } while (open && n < BATCH && more());
        if (n)
            answer_all(w, told, n);
    }
    printf("%llu %llu\n", written, (unsigned long long)now_us() - begun);
    wire_settle(w);
    free(w);
    return written ? 0 : 1;
}
