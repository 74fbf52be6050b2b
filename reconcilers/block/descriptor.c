/* SPDX-License-Identifier: MIT */
#include "reconcilers/block/descriptor.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

union control {
    struct cmsghdr header;
    char space[CMSG_SPACE(sizeof(int))];
};

int descriptor_send(int socket, const void *text, size_t len, int fd)
{
    union control control = {
        .header = {.cmsg_len = CMSG_LEN(sizeof fd), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS}};
    struct iovec v = {.iov_base = (void *)(uintptr_t)text, .iov_len = len};
    struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};
    memcpy(CMSG_DATA(&control.header), &fd, sizeof fd);
    if (fd >= 0) {
        m.msg_control = &control;
        m.msg_controllen = sizeof control;
    }
    ssize_t n = sendmsg(socket, &m, MSG_NOSIGNAL);
    if (n >= 0 && n != (ssize_t)len)
        errno = EPROTO;
    return n == (ssize_t)len ? 0 : -1;
}

ssize_t descriptor_receive(int socket, void *text, size_t size, int *ret_fd)
{
    union control control;
    struct iovec v = {.iov_base = text, .iov_len = size};
    struct msghdr m = {
        .msg_iov = &v, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    ssize_t n = recvmsg(socket, &m, MSG_CMSG_CLOEXEC);
    *ret_fd = -1;
    if (n >= 0 && m.msg_controllen >= CMSG_LEN(sizeof(int)) && control.header.cmsg_level == SOL_SOCKET &&
        control.header.cmsg_type == SCM_RIGHTS)
        memcpy(ret_fd, CMSG_DATA(&control.header), sizeof(int));
    return n;
}
