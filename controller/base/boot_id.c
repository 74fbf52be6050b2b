/* SPDX-License-Identifier: MIT */
#include "controller/base/boot_id.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

int boot_id(char ret_id[static BOOT_ID_SIZE])
{
    int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    ssize_t n = read(fd, ret_id, BOOT_ID_SIZE - 1);
    int error = errno;
    close(fd);
    if (n <= 0)
        return n < 0 ? -error : -EIO;
    ret_id[n] = '\0';
    ret_id[strcspn(ret_id, "\n")] = '\0';
    return 0;
}
