/* SPDX-License-Identifier: MIT */
#include "controller/base/write_whole.h"

#include <errno.h>
#include <unistd.h>

int write_whole(int fd, const char *data, size_t len)
{
    while (len) {
        ssize_t n = write(fd, data, len);
        if (n < 0 && errno != EINTR)
            return -errno;
        data += n > 0 ? n : 0;
        len -= n > 0 ? (size_t)n : 0;
    }
    return 0;
}
