/* SPDX-License-Identifier: MIT */
#include "controller/store/store_path.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

const char *store_path_default(char *buf, size_t size)
{
    static const char device[] = "/dev/xen/xenbus";
    const char *path = getenv("XENSTORED_PATH"), *rundir = getenv("XENSTORED_RUNDIR");
    int n;

    if (path)
        n = snprintf(buf, size, "%s", path);
    else
        n = snprintf(buf, size, "%s/socket", rundir ? rundir : "/run/xenstored");
    if (n < 0 || (size_t)n >= size)
        return NULL;
    if (!path && access(buf, F_OK) != 0 && access(device, F_OK) == 0) {
        n = snprintf(buf, size, "%s", device);
        if (n < 0 || (size_t)n >= size)
            return NULL;
    }
    return buf;
}

static int open_socket(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t len = strlen(path);

    if (len >= sizeof address.sun_path)
        return -ENAMETOOLONG;
    memcpy(address.sun_path, path, len + 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    if (connect(fd, (const struct sockaddr *)&address, sizeof address) < 0) {
        int err = -errno;
        close(fd);
        return err;
    }
    return fd;
}

int store_path_open(const char *path, bool *ret_device)
{
    char buf[PATH_MAX];
    struct stat st;

    if (!path)
        path = store_path_default(buf, sizeof buf);
    if (!path)
        return -ENAMETOOLONG;
    if (stat(path, &st) < 0)
        return -errno;
    bool device = S_ISCHR(st.st_mode);
    int fd = device ? open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC) : open_socket(path);
    if (fd < 0)
        return device ? -errno : fd;
    *ret_device = device;
    return fd;
}
