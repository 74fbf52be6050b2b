/* SPDX-License-Identifier: MIT */
/* A worker for tests: the test program itself, started again with `worker MODE`. It serves nothing, and in
 * most modes misbehaves in one way. What it was given, it publishes. */
#ifndef XENRECON_TEST_FAKE_WORKER_H
#define XENRECON_TEST_FAKE_WORKER_H

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "schemas/message.h"

static struct fake {
    const char *mode;
    char token[TOKEN_DIGITS + 2];
    int fd;
    struct message_reader in;
    char ring[RING_DIGITS + 1]; /* that is connected; or empty */
    char starts[16], child[16];
} fake;

static bool fake_is(const char *mode)
{
    return strcmp(fake.mode, mode) == 0;
}

/* Two at a time would be seen: the lock is the process's. */
static void fake_be_alone(void)
{
    struct flock lock = {.l_type = F_WRLCK};
    char path[256];
    snprintf(path, sizeof path, "%s/alone", getenv("FAKE_DIR"));
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0 || fcntl(fd, F_SETLK, &lock)) {
        snprintf(path, sizeof path, "%s/two", getenv("FAKE_DIR"));
        close(open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666));
    }
}

static void fake_send(const char *text)
{
    if (send(fake.fd, text, strlen(text), MSG_NOSIGNAL) < 0 && errno == EPIPE)
        return;
}

static bool fake_connect(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", getenv("XENRECON_SOCKET"));
    fake.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    fake.in.len = fake.in.taken = 0;
    if (connect(fake.fd, (struct sockaddr *)&address, sizeof address) == 0)
        return true;
    close(fake.fd);
    return false;
}

static void fake_hello(void)
{
    char line[256];
    if (fake_is("wrong-token"))
        fake.token[31] = (char)(fake.token[31] ^ 1);
    snprintf(line, sizeof line, "hello %s %s %s\n", fake_is("wrong-version") ? "2" : "1",
             fake_is("wrong-device") ? "qdisk/7/1" : getenv("XENRECON_DEVICE"), fake.token);
    fake_send(line);
}

static void fake_ready(void)
{
    char line[512];
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    int n = snprintf(
        line, sizeof line,
        "ready starts=%s pid=%d session=%d uid=%u files=%u store=%d become=%s domid=%s extra=%s child=%s\n",
        fake.starts, (int)getpid(), (int)getsid(0), geteuid(), (unsigned)files.rlim_cur,
        getenv("XENSTORED_PATH") != NULL, getenv("XENRECON_UID") ? getenv("XENRECON_UID") : "",
        getenv("XENRECON_FRONTEND_DOMID"), getenv("EXTRA") ? getenv("EXTRA") : "", fake.child);
    if (fake.ring[0] && fake_is("connected-first")) {
        char first[640];
        snprintf(first, sizeof first, "connected %s\n%s", fake.ring, line);
        fake_send(first);
        return;
    }
    if (fake.ring[0])
        snprintf(line + n, sizeof line - (size_t)n, "connected %s\n", fake.ring);
    fake_send(line);
}

/* The kernel's buffer for us runs full: what we are told is not read. */
static void fake_read_nothing(void)
{
    for (;;) {
        poll(NULL, 0, 2);
        if (send(fake.fd, "error busy\n", 11, MSG_NOSIGNAL) < 0)
            return;
    }
}

static void fake_misbehave(void)
{
    static char text[MESSAGE_MAX + 2];
    if (fake_is("malformed"))
        fake_send("connected\n");
    if (fake_is("hello-twice"))
        fake_hello();
    if (fake_is("oversized")) {
        memset(text, 'x', sizeof text - 1);
        fake_send("error ");
        fake_send(text);
    }
    if (fake_is("deaf"))
        fake_read_nothing();
    for (int i = 0; fake_is("noisy") && i < 3000; i++) {
        snprintf(text, sizeof text, "ready n=%d\n", i);
        fake_send(text);
        usleep(100); /* for one to be read at a time */
    }
    if (fake_is("leaves"))
        shutdown(fake.fd, SHUT_RDWR);
    if (fake_is("dies-ready"))
        raise(SIGUSR1);
}

static void fake_told_to_connect(const char *ring)
{
    char line[64];
    if (fake_is("refuses")) {
        fake_send("error no%20such%20ring%0a\n");
        return;
    }
    if (fake_is("no-connect"))
        return;
    if (fake_is("dies-connecting"))
        raise(SIGKILL);
    snprintf(fake.ring, sizeof fake.ring, "%s", ring);
    snprintf(line, sizeof line, "connected 00000000000000ab\nconnected %s\n",
             fake.ring); /* the first is stale */
    fake_send(line);
    if (fake_is("gives-up")) {
        fake.ring[0] = '\0';
        fake_send("error broken\ndisconnected\n");
    }
}

static void fake_obey(const struct message *m)
{
    if (m->kind == MESSAGE_WELCOME && fake_is("fails")) {
        fake_send("error cannot%20open%20it\n");
        exit(3);
    }
    if (m->kind == MESSAGE_WELCOME && !fake_is("never-ready")) {
        fake_ready();
        fake_misbehave();
    }
    if (m->kind == MESSAGE_CONNECT)
        fake_told_to_connect(m->args[0]);
    if (m->kind == MESSAGE_DISCONNECT && !fake_is("no-disconnect")) {
        fake.ring[0] = '\0';
        fake_send("disconnected\n");
    }
    if (m->kind == MESSAGE_REFUSED && !fake_is("insists"))
        exit(9);
    if (m->kind == MESSAGE_STOP && !fake_is("stubborn"))
        exit(0);
}

static void fake_serve(void)
{
    struct message m;
    size_t size, len;
    for (;;) {
        char *room = message_room(&fake.in, &size), *line;
        ssize_t n = read(fake.fd, room, size);
        if (n <= 0)
            break;
        message_fed(&fake.in, (size_t)n);
        while ((line = message_next(&fake.in, &len)))
            if (!message_parse(line, len, &m))
                fake_obey(&m);
    }
    close(fake.fd);
}

static void fake_begin(void)
{
    char state[16];
    ssize_t n = read(3, fake.token, sizeof fake.token);
    if (n != TOKEN_DIGITS + 1)
        exit(8);
    fake.token[TOKEN_DIGITS] = '\0';
    if (write(4, "x", 1) != 1) /* the next one begins where the last one left off, if it has the same file */
        exit(8);
    ssize_t starts = pread(4, state, sizeof state, 0);
    snprintf(fake.starts, sizeof fake.starts, "%zd", starts);
    lseek(4, 0, SEEK_END);
    if (fake_is("stubborn"))
        signal(SIGTERM, SIG_IGN);
    if (fake_is("leaves-child")) {
        pid_t child = fork();
        if (child == 0)
            for (;;)
                pause();
        snprintf(fake.child, sizeof fake.child, "%d", (int)child);
    }
    if (fake_is("in-child") && fork() > 0)
        for (;;)
            pause();
    for (int i = 0; fake_is("crowd") && i < 50; i++)
        fake_connect();
}

/* `argv` as main() has it; comes back only when this is no worker. */
static inline void fake_worker(int argc, char **argv)
{
    if (argc < 3 || strcmp(argv[1], "worker") != 0)
        return;
    fake.mode = argv[2];
    lseek(4, 0, SEEK_END);
    fake_be_alone();
    fake_begin();
    while (fake_is("mute"))
        pause();
    for (;;) {
        if (fake_connect()) {
            if (!fake_is("no-hello"))
                fake_hello();
            fake_serve();
        }
        while (fake_is("leaves"))
            pause();
        poll(NULL, 0, 20);
    }
}

#endif
