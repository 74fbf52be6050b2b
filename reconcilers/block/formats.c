/* SPDX-License-Identifier: MIT */
#include "reconcilers/block/formats.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "reconcilers/block/descriptor.h"
#include "reconcilers/block/disk.h"
#include "reconcilers/block/network.h"
#include "schemas/value.h"

enum { LINE = 4096, PATIENCE_S = 60 };

bool formats_wanted(const char *image)
{
    return network_address(image) || !disk_image_path(image);
}

int formats_dial(const char *path)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    const struct timeval patience = {.tv_sec = PATIENCE_S};
    if (strlen(path) >= sizeof to.sun_path)
        return -ENAMETOOLONG;
    memcpy(to.sun_path, path, strlen(path) + 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (connect(fd, (struct sockaddr *)&to, sizeof to) == 0)
        return fd;
    int error = -errno;
    close(fd);
    return error;
}

/* The server has few words, and what comes with them comes with the first. */
static int read_line(int fd, char line[LINE], int *ret_fd)
{
    size_t len = 0;
    while (len < LINE - 1) {
        int got;
        ssize_t n = descriptor_receive(fd, line + len, LINE - 1 - len, &got);
        if (got >= 0)
            *ret_fd = got;
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : -ECONNRESET;
        len += (size_t)n;
        line[len] = '\0';
        char *end = strchr(line, '\n');
        if (end) {
            *end = '\0';
            return 0;
        }
    }
    return -EPROTO;
}

static int fail(char ret_why[256], const char *what, int error)
{
    snprintf(ret_why, 256, "the server of formats: %s: %s", what, strerror(-error));
    return error;
}

int formats_open(const struct disk_options *o, const char *server, const char *name, int *ret_lease,
                 int *ret_socket, char ret_why[256])
{
    char line[LINE];
    int len = snprintf(line, sizeof line, "open %s %s %s %s %s\n", name, o->read_only || o->cdrom ? "r" : "w",
                       o->discard ? "discard" : "keep", o->direct ? "direct" : "cached", o->image);
    if (len >= LINE || strcspn(line, "\n") + 1 != (size_t)len)
        return fail(ret_why, "the image's name", -ENAMETOOLONG);
    int lease = formats_dial(server);
    if (lease < 0)
        return fail(ret_why, "connecting to it", lease);
    send(lease, line, (size_t)len, MSG_NOSIGNAL); /* who does not want to hear it may have said why */
    int socket = -1, error = read_line(lease, line, &socket);
    if (error)
        error = fail(ret_why, "it has not answered", error);
    else if (strcmp(line, "open") != 0 || socket < 0)
        error = (snprintf(ret_why, 256, "%.250s", line), -EIO);
    if (error && socket >= 0)
        close(socket);
    if (error) {
        close(lease);
        return error;
    }
    *ret_lease = lease;
    *ret_socket = socket;
    return 0;
}

bool formats_size(int lease, uint64_t *ret_size, bool *ret_gone)
{
    static const char word[] = "size ";
    char line[LINE];
    ssize_t n = recv(lease, line, sizeof line - 1, MSG_DONTWAIT);
    *ret_gone = n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
    if (n <= (ssize_t)sizeof word || line[n - 1] != '\n')
        return false;
    /* the last one counts */
    line[n - 1] = '\0';
    const char *last = strrchr(line, '\n');
    last = last ? last + 1 : line;
    return strncmp(last, word, sizeof word - 1) == 0 &&
           parse_decimal(last + sizeof word - 1, strlen(last) - (sizeof word - 1), INT64_MAX, ret_size) == 0;
}

void formats_close(int lease)
{
    static const char line[] = "close\n";
    char end;
    if (send(lease, line, sizeof line - 1, MSG_NOSIGNAL) > 0)
        recv(lease, &end, 1, 0);
    close(lease);
}
