/* SPDX-License-Identifier: MIT */
/* The control socket against whoever may connect: any bytes, in any pieces. Each line is answered, in order,
 * by lines of JSON of which only the last says that it is; whoever sends a line that is too long is hung up
 * on, and nobody else. The first byte says how many blanks there are to begin with, so that the longest line
 * is within reach. */
#include "controller/daemon/control_server.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <uv.h>

#include "controller/base/log.h"
#include "controller/daemon/status.h"
#include "controller/store/xs_client.h"
#include "schemas/json.h"
#include "schemas/mem.h"
#include "test/fuzz/fuzz.h"

enum { PIECE_MAX = 8192, PATIENCE = 100000 /* turns of the loop */ };

static uv_loop_t loop;
static struct status status;
static char dir[] = "/tmp/fuzz-control.XXXXXX";
static unsigned handles; /* with nobody connected */

/* Our end of one connection. */
static struct {
    int fd;
    bool hung_up;
    size_t answers; /* that ended */
    char *said;
    size_t n, cap;
} peer;

static void count_handle(uv_handle_t *handle, void *arg)
{
    (void)handle;
    ++*(unsigned *)arg;
}

static unsigned count_handles(void)
{
    unsigned n = 0;
    uv_walk(&loop, count_handle, &n);
    return n;
}

static uint64_t no_time(void *arg)
{
    (void)arg;
    return 1;
}

static void clean_up(void)
{
    char path[sizeof dir + 16];
    snprintf(path, sizeof path, "%s/" CONTROL_SOCKET, dir);
    unlink(path);
    rmdir(dir);
}

/* One server for all runs, as a daemon is one for all who ask. */
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    holds(mkdtemp(dir));
    atexit(clean_up);
    uv_loop_init(&loop);
    status_open(&status, &(struct status_config){.loop = &loop,
                                                 .run_dir = dir,
                                                 .client = xs_client_new(&loop, "/nowhere"),
                                                 .clock = no_time});
    int error = control_server_listen(status.control, true);
    holds(!error, "%d", error);
    handles = count_handles();
    return 0;
}

static void connect_peer(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s/" CONTROL_SOCKET, dir);
    peer.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    holds(!connect(peer.fd, (struct sockaddr *)&address, sizeof address), "%d", errno);
    peer.hung_up = false;
    peer.answers = peer.n = 0;
}

/* One line of an answer; true: its last. */
static bool check_line(const char *text, size_t len)
{
    json_t *line = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
    holds(json_is_object(line) && json_object_size(line) == 1, "%.*s", (int)len, text);
    holds_printable(text, len, false);
    json_t *error = json_object_get(line, "error");
    bool last = error || json_object_get(line, "end");
    holds(!error || (jget_text(error, "code") && jget_text(error, "message")), "%.*s", (int)len, text);
    json_decref(line);
    return last;
}

static void listen_to_it(void)
{
    ssize_t got;
    char *newline;
    do {
        xgrow(&peer.said, &peer.cap, peer.n + PIECE_MAX, 1);
        got = recv(peer.fd, peer.said + peer.n, peer.cap - peer.n, 0);
        peer.n += got > 0 ? (size_t)got : 0;
        peer.hung_up |= got == 0 || (got < 0 && errno != EAGAIN);
    } while (got > 0);
    while (peer.n && (newline = memchr(peer.said, '\n', peer.n))) {
        size_t len = (size_t)(newline - peer.said);
        peer.answers += check_line(peer.said, len);
        peer.n -= len + 1;
        memmove(peer.said, newline + 1, peer.n);
    }
}

/* Until so many were answered; `hangs_up`: or it hung up, as it has to. */
static void turn_until(size_t answers, bool hangs_up)
{
    for (int i = 0; i < PATIENCE && !peer.hung_up && (hangs_up || peer.answers < answers); i++) {
        uv_run(&loop, UV_RUN_NOWAIT);
        listen_to_it();
    }
    holds(peer.hung_up == hangs_up, "answered %zu, want %zu", peer.answers, answers);
    holds(hangs_up || (peer.answers == answers && peer.n == 0), "answered %zu, want %zu, %zu over",
          peer.answers, answers, peer.n);
}

/* What the sender knows of what it has sent. */
struct sent {
    size_t lines, len; /* whole ones, and of the one that is not */
    bool too_long;
};

static void count(struct sent *s, const char *text, size_t len)
{
    for (size_t i = 0; i < len && !s->too_long; i++) {
        s->len++;
        if (text[i] == '\n') {
            s->lines++;
            s->len = 0;
        } else if (s->len == CONTROL_REQUEST_MAX) {
            s->too_long = true;
        }
    }
}

static void send_piece(struct sent *s, const char *text, size_t len)
{
    for (size_t at = 0; at < len && !peer.hung_up;) {
        ssize_t n = send(peer.fd, text + at, len - at, MSG_NOSIGNAL);
        at += n > 0 ? (size_t)n : 0;
        uv_run(&loop, UV_RUN_NOWAIT);
        listen_to_it();
    }
    count(s, text, len);
    turn_until(s->lines, s->too_long);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char blanks[PIECE_MAX] = {[0 ... PIECE_MAX - 1] = ' '};
    struct sent sent = {0};
    size_t padding = size ? data[0] * (size_t)257 : 0; /* up to 65535 */
    connect_peer();
    for (size_t n; padding && !sent.too_long; padding -= n) {
        n = padding < sizeof blanks ? padding : sizeof blanks;
        send_piece(&sent, blanks, n);
    }
    for (size_t at = 1, n; at < size && !sent.too_long; at += n) {
        n = 1 + data[at] * 7u;
        n = n < size - at ? n : size - at;
        send_piece(&sent, (const char *)data + at, n);
    }
    close(peer.fd);
    for (int i = 0; i < PATIENCE && count_handles() != handles; i++)
        uv_run(&loop, UV_RUN_NOWAIT);
    holds(count_handles() == handles, "something is left of it");
    return 0;
}
