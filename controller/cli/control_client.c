/* SPDX-License-Identifier: MIT */
#include "controller/cli/control_client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "controller/base/log.h"
#include "controller/base/progress.h"
#include "controller/daemon/control_server.h"
#include "schemas/json.h"
#include "schemas/mem.h"

enum { PATIENCE = 10 /* seconds without a line */ };

struct control_client {
    char *path;
    FILE *from; /* to read from; writes go to its descriptor */
};

const char *control_client_default_dir(void)
{
    const char *dir = getenv("XENRECON_RUNTIME_DIR");
    return dir && *dir ? dir : "/run/xenrecon";
}

static void say_closed(const char *path, int error)
{
    bool readers = strcmp(strrchr(path, '/') + 1, CONTROL_READER_SOCKET) == 0;
    switch (-error) {
    case ENOENT:
    case ENOTDIR:
        log_error("no daemon runs here: there is no %s", path);
        log_error("start one with `xenrecon run`, or say where its run directory is: --runtime-dir");
        break;
    case ECONNREFUSED:
        log_error("no daemon runs any more: nobody answers at %s", path);
        log_error("start it with `xenrecon run`, and look in its log why it ended");
        break;
    case EACCES:
    case EPERM:
        log_error("only root%s may ask the daemon: %s: %s", readers ? " and its group" : "", path,
                  strerror(-error));
        log_error(readers ? "run this as root, or as somebody in that group" : "run this as root");
        break;
    default:
        log_error("cannot ask the daemon at %s: %s", path, strerror(-error));
        break;
    }
}

static int open_socket(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const struct timeval patience = {.tv_sec = PATIENCE};
    if (strlen(path) >= sizeof address.sun_path)
        return -ENAMETOOLONG;
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    if (connect(fd, (struct sockaddr *)&address, sizeof address)) {
        int error = -errno;
        close(fd);
        return error;
    }
    return fd;
}

static int open_named(struct control_client *a, const char *run_dir, const char *name)
{
    free(a->path);
    if (asprintf(&a->path, "%s/%s", run_dir, name) < 0)
        abort(); /* as for any memory */
    return open_socket(a->path);
}

int control_client_open(const char *run_dir, bool quiet, struct control_client **ret_ask)
{
    struct control_client *a = xcalloc(1, sizeof *a);
    int fd = open_named(a, run_dir, CONTROL_SOCKET);
    if (fd == -EACCES) {
        fd = open_named(a, run_dir, CONTROL_READER_SOCKET);
        if (fd == -ENOENT || fd == -ECONNREFUSED) /* this daemon has no readers */
            fd = open_named(a, run_dir, CONTROL_SOCKET);
    }
    if (fd < 0) {
        if (!quiet || (fd != -ENOENT && fd != -ECONNREFUSED && fd != -EACCES))
            say_closed(a->path, fd);
        control_client_close(a);
        return fd;
    }
    a->from = fdopen(fd, "r");
    if (!a->from)
        abort();
    *ret_ask = a;
    return 0;
}

void control_client_close(struct control_client *a)
{
    if (!a)
        return;
    if (a->from)
        fclose(a->from);
    free(a->path);
    free(a);
}

static int send_line(struct control_client *a, json_t *request)
{
    char *text = jline(request);
    size_t len = strlen(text), at = 0;
    int error = 0;
    text[len++] = '\n'; /* it takes the place of the NUL */
    while (at < len && !error) {
        ssize_t n = send(fileno(a->from), text + at, len - at, MSG_NOSIGNAL);
        if (n < 0 && errno != EINTR)
            error = -errno;
        at += n > 0 ? (size_t)n : 0;
    }
    free(text);
    return error;
}

/* Logs why the daemon refused. */
static int refused(const json_t *error)
{
    const char *code = jget_text(error, "code"), *message = jget_text(error, "message");
    log_error("%s", message ? message : "the daemon refuses without a word");
    if (!code || strcmp(code, "unknown-device") == 0) {
        log_error("`xenrecon status` lists those that it knows; `xenrecon plan` those in the store");
        return -ENODEV;
    }
    if (strcmp(code, "not-allowed") == 0)
        return -EACCES;
    if (strcmp(code, "protocol") == 0 || strcmp(code, "unknown-request") == 0) {
        log_error("but this is xenrecon %s: use the one that was installed with the daemon, or restart it",
                  XENRECON_VERSION);
        return -EPROTONOSUPPORT;
    }
    return -EPROTO;
}

static int lost(const struct control_client *a)
{
    int error = ferror(a->from) ? -errno : -ECONNRESET;
    if (error == -EAGAIN)
        log_error("the daemon at %s does not answer within %d s: is it stopped?", a->path, PATIENCE);
    else
        log_error("the daemon at %s hung up: it was ended, or too many ask it at once", a->path);
    return error;
}

static int read_answer(struct control_client *a, void (*line)(void *arg, const json_t *line), void *arg)
{
    char *text = NULL;
    size_t size = 0;
    int error = 1;
    while (error > 0) {
        ssize_t len = getline(&text, &size, a->from);
        json_t *o = len > 0 ? json_loadb(text, (size_t)len, 0, NULL) : NULL;
        if (len <= 0) {
            error = lost(a);
        } else if (!json_is_object(o)) {
            log_error("the daemon at %s does not speak as it should: is it another version?", a->path);
            error = -EPROTO;
        } else if (json_object_get(o, "error")) {
            error = refused(json_object_get(o, "error"));
        } else if (json_object_get(o, "end")) {
            error = 0;
        } else {
            line(arg, o);
        }
        json_decref(o);
    }
    free(text);
    return error;
}

int control_client_request(struct control_client *a, const char *name, json_t *members,
                           void (*line)(void *arg, const json_t *line), void *arg)
{
    json_t *request = members ? members : jobject();
    jput(request, "protocol", jcount(CONTROL_PROTOCOL));
    jput(request, "request", jtext(name));
    progress_begin("", "waiting for the daemon");
    int error = send_line(a, request);
    json_decref(request);
    if (error == -EPIPE || error == -ECONNRESET)
        error = 0; /* it may have answered before it closed */
    if (error) {
        say_closed(a->path, error);
        return error;
    }
    return read_answer(a, line, arg);
}
