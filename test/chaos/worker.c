/* SPDX-License-Identifier: MIT */
/* A worker that serves nothing, for a crowd of them:   worker FOLDER
 *
 * It keeps what it serves in its state file: the ring, and the frontend's ring-ref; another that replaces it
 * goes on with that. Two at once for one device would be seen: FOLDER/two.DEVICE. While there is a
 * FOLDER/mischief, one task in ten ends in its death, in an error or late. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "schemas/message.h"

enum { TOKEN_FD = 3, STATE_FD = 4, AGAIN_MS = 20 };

static const char *folder;
static char token[TOKEN_DIGITS + 2];
static char ring[RING_DIGITS + 1]; /* that is connected; or empty */
static int controller;

static int open_file(const char *name, int flags)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return open(path, flags | O_CLOEXEC, 0600);
}

/* The lock is the process's. */
static void be_alone(void)
{
    struct flock lock = {.l_type = F_WRLCK};
    char name[128];
    snprintf(name, sizeof name, "alone.%s", getenv("XENRECON_DEVICE"));
    for (char *c = name; *c; c++)
        if (*c == '/')
            *c = '.';
    int fd = open_file(name, O_RDWR | O_CREAT);
    if (fd < 0)
        exit(8);
    if (fcntl(fd, F_SETLK, &lock) == 0)
        return;
    memcpy(name, "two..", 5);
    close(open_file(name, O_RDWR | O_CREAT));
}

static void load(void)
{
    ssize_t n = read(TOKEN_FD, token, sizeof token);
    if (n != TOKEN_DIGITS + 1)
        exit(8); /* the controller died before it could find us again */
    token[TOKEN_DIGITS] = '\0';
    n = pread(STATE_FD, ring, RING_DIGITS, 0);
    ring[n == RING_DIGITS ? n : 0] = '\0';
}

static void keep(const char *ring_ref)
{
    char text[128];
    int n = snprintf(text, sizeof text, "%s %s\n", ring, ring_ref);
    if (ftruncate(STATE_FD, 0) || (ring[0] && pwrite(STATE_FD, text, (size_t)n, 0) != n))
        exit(8);
}

static void say(enum message_kind kind, const char *arg)
{
    static struct message_line line;
    message_begin(&line, kind);
    if (arg)
        message_arg(&line, arg);
    if (kind == MESSAGE_HELLO) {
        message_arg(&line, getenv("XENRECON_DEVICE"));
        message_arg(&line, token);
    }
    if (kind == MESSAGE_READY)
        message_key(&line, "served", "yes");
    if (!message_end(&line))
        exit(8);
    if (send(controller, line.text, line.len, MSG_NOSIGNAL) < 0 && errno != EPIPE && errno != ECONNRESET)
        exit(8);
}

/* What no worker should say. */
static void rave(void)
{
    static const char words[] = "connected\nready %zz\n\001\377 connect -1\n";
    if (send(controller, words, sizeof words - 1, MSG_NOSIGNAL) < 0 && errno != EPIPE && errno != ECONNRESET)
        exit(8);
}

static void flood(void)
{
    for (int i = 0; i < 1000; i++)
        dprintf(STDERR_FILENO, "worker: ERROR: line %d of a thousand\n", i);
}

/* True: the task is not to be done. */
static bool misbehave(const struct message *m)
{
    char name[] = "mischief";
    int fd = open_file(name, O_RDONLY);
    if (fd < 0)
        return false;
    close(fd);
    switch (random() % 30) {
    case 0:
        _exit(1);
    case 1:
        poll(NULL, 0, 100);
        return false;
    case 2:
        if (m->kind == MESSAGE_CONNECT)
            say(MESSAGE_ERROR, "no such ring");
        return m->kind == MESSAGE_CONNECT;
    case 3: /* it never answers */
        return m->kind == MESSAGE_CONNECT || m->kind == MESSAGE_WELCOME || m->kind == MESSAGE_DISCONNECT;
    case 4:
        rave();
        return false;
    case 5:
        flood();
        return false;
    default:
        return false;
    }
}

static const char *key(const struct message *m, const char *name)
{
    for (size_t i = 0; i < m->n_keys; i++)
        if (strcmp(m->keys[i].name, name) == 0)
            return m->keys[i].value;
    return "-";
}

static void obey(const struct message *m)
{
    if (m->kind == MESSAGE_STOP)
        exit(0);
    if (m->kind == MESSAGE_REFUSED)
        exit(9);
    if (misbehave(m))
        return;
    if (m->kind == MESSAGE_WELCOME) {
        say(MESSAGE_READY, NULL);
        if (ring[0])
            say(MESSAGE_CONNECTED, ring);
    } else if (m->kind == MESSAGE_CONNECT) {
        snprintf(ring, sizeof ring, "%s", m->args[0]);
        keep(key(m, "ring-ref"));
        say(MESSAGE_CONNECTED, ring);
    } else if (m->kind == MESSAGE_DISCONNECT) {
        ring[0] = '\0';
        keep("");
        say(MESSAGE_DISCONNECTED, NULL);
    }
}

/* Until the controller is gone. */
static void serve(void)
{
    static struct message_reader in;
    static struct message m;
    size_t size, len;
    in.len = in.taken = 0;
    for (;;) {
        char *room = message_room(&in, &size), *line;
        ssize_t n = read(controller, room, size);
        if (n <= 0)
            return;
        message_fed(&in, (size_t)n);
        while ((line = message_next(&in, &len)))
            if (!message_parse(line, len, &m))
                obey(&m);
    }
}

int main(int argc, char **argv)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (argc != 2)
        return 64;
    folder = argv[1];
    snprintf(address.sun_path, sizeof address.sun_path, "%s", getenv("XENRECON_SOCKET"));
    srandom((unsigned)getpid());
    load();
    be_alone();
    for (;;) {
        controller = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (connect(controller, (struct sockaddr *)&address, sizeof address) == 0) {
            say(MESSAGE_HELLO, "1");
            serve();
        }
        close(controller);
        poll(NULL, 0, AGAIN_MS);
    }
}
