/* SPDX-License-Identifier: MIT */
#include "reconcilers/block/opener.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <seccomp.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <linux/seccomp.h>

#include "reconcilers/block/calls.h"
#include "reconcilers/block/ioctl_number.h"

/* ---- in the program's process ---- */

/* Its images come by openat() and through its socket; these are for reaching others. */
static const int refused[] = {SCMP_SYS(ptrace),
                              SCMP_SYS(process_vm_readv),
                              SCMP_SYS(process_vm_writev),
                              SCMP_SYS(pidfd_getfd),
                              SCMP_SYS(bpf),
                              SCMP_SYS(perf_event_open),
                              SCMP_SYS(userfaultfd),
                              SCMP_SYS(add_key),
                              SCMP_SYS(request_key),
                              SCMP_SYS(keyctl),
                              SCMP_SYS(mount),
                              SCMP_SYS(unshare),
                              SCMP_SYS(setns),
                              SCMP_SYS(open_by_handle_at)};

static int refuse(scmp_filter_ctx filter, int call)
{
    return calls_rule(filter, SCMP_ACT_ERRNO(EPERM), call);
}

int opener_restrict(bool io_uring, int *ret_listener)
{
    const struct scmp_arg_cmp other = {.arg = 0, .op = SCMP_CMP_NE, .datum_a = AF_UNIX};
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    if (!filter)
        return -ENOMEM;
    int error = seccomp_rule_add(filter, SCMP_ACT_NOTIFY, SCMP_SYS(openat), 0);
    for (size_t i = 0; i < sizeof refused / sizeof *refused && !error; i++)
        error = refuse(filter, refused[i]);
    if (!error)
        error = refuse(filter, SCMP_SYS(connect));
    if (!error && !io_uring)
        error = refuse(filter, SCMP_SYS(io_uring_setup));
    if (!error)
        error = seccomp_rule_add_array(filter, SCMP_ACT_ERRNO(EACCES), SCMP_SYS(socket), 1, &other);
    if (!error)
        error = seccomp_load(filter);
    if (!error) {
        *ret_listener = seccomp_notify_fd(filter);
        error = *ret_listener < 0 ? *ret_listener : 0;
    }
    seccomp_release(filter);
    return error;
}

/* ---- in ours ---- */

/* Where the name ends before the memory does. False: it cannot be read. */
static bool read_name(pid_t pid, uint64_t at, char name[PATH_MAX])
{
    enum { PAGE = 4096 };
    size_t len = 0;
    while (len < PATH_MAX) {
        size_t n = PAGE - (at + len) % PAGE;
        if (n > PATH_MAX - len)
            n = PATH_MAX - len;
        struct iovec to = {name + len, n}, from = {(void *)(uintptr_t)(at + len), n};
        if (process_vm_readv(pid, &to, 1, &from, 1, 0) != (ssize_t)n)
            return false;
        if (memchr(name + len, '\0', n))
            return true;
        len += n;
    }
    return false;
}

/* Hands over a descriptor as the answer. */
static int give(int listener, uint64_t id, int fd, bool on_exec)
{
    struct seccomp_notif_addfd add = {
        .id = id, .srcfd = (uint32_t)fd, .newfd_flags = on_exec ? O_CLOEXEC : 0};
    return ioctl(listener, IOCTL_NUMBER(SECCOMP_IOCTL_NOTIF_ADDFD), &add);
}

/* -EOPNOTSUPP: it is none of ours. Never made, never cut off. */
static int open_for(int listener, const struct seccomp_notif *call, const struct opener_list *list)
{
    enum { OF_THEIRS = O_ACCMODE | O_DIRECT | O_SYNC | O_DSYNC | O_NONBLOCK };
    char name[PATH_MAX];
    bool writable = false;
    int flags = (int)call->data.args[2];
    if (!read_name((pid_t)call->pid, call->data.args[1], name) || *name != '/' ||
        !list->find(list->arg, name, &writable))
        return -EOPNOTSUPP;
    if (ioctl(listener, IOCTL_NUMBER(SECCOMP_IOCTL_NOTIF_ID_VALID), &call->id))
        return -EOPNOTSUPP; /* what was read was another process's */
    if (!writable && (flags & O_ACCMODE) != O_RDONLY)
        return -EACCES;
    int fd = open(name, (flags & OF_THEIRS) | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return -errno;
    int theirs = give(listener, call->id, fd, flags & O_CLOEXEC);
    if (theirs < 0)
        theirs = -errno;
    close(fd);
    return theirs;
}

void opener_serve(int listener, const struct opener_list *list)
{
    struct seccomp_notif call = {0};
    if (ioctl(listener, IOCTL_NUMBER(SECCOMP_IOCTL_NOTIF_RECV), &call))
        return; /* it is gone already */
    struct seccomp_notif_resp answer = {.id = call.id};
    int result = open_for(listener, &call, list);
    if (result == -EOPNOTSUPP)
        answer.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
    else if (result < 0)
        answer.error = result;
    else
        answer.val = result;
    ioctl(listener, IOCTL_NUMBER(SECCOMP_IOCTL_NOTIF_SEND), &answer);
}
