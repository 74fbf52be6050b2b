/* SPDX-License-Identifier: MIT */
#include "reconcilers/block/jail.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/fs.h>
#include <seccomp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <xengnttab.h> /* first: the next two want Xen's types */

#include <xen/sys/evtchn.h>
#include <xen/sys/gntdev.h>

/* ---- rights ---- */

/* What could be had again by exec(); as a plain user, who may not even do this, no_new_privs sees to it. */
static int narrow_bounds(void)
{
    for (unsigned long cap = 0; prctl(PR_CAPBSET_READ, cap) >= 0; cap++)
        if (prctl(PR_CAPBSET_DROP, cap) && errno != EPERM)
            return -errno;
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) && errno != EINVAL)
        return -errno;
    return 0;
}

static int change_user(const struct jail *jail)
{
    if (setgroups(0, NULL) || setresgid(jail->gid, jail->gid, jail->gid) ||
        setresuid(jail->uid, jail->uid, jail->uid))
        return -errno;
    return 0;
}

static int drop_capabilities(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {{0}};
    return syscall(SYS_capset, &header, none) ? -errno : 0;
}

int jail_rights(const struct jail *jail, bool *ret_chrooted)
{
    bool chrooted = false;
    if (chroot(jail->root) == 0)
        chrooted = true;
    else if (errno != EPERM) /* as a plain user there is no other root: the list of calls has to do */
        return -errno;
    if (chdir(chrooted ? "/" : jail->root))
        return -errno;
    int error = narrow_bounds();
    if (!error && jail->new_user)
        error = change_user(jail);
    if (!error)
        error = drop_capabilities();
    if (error)
        return error;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_DUMPABLE, 0))
        return -errno;
    *ret_chrooted = chrooted;
    return 0;
}

/* ---- system calls ---- */

static const int calls[] = {
    /* the image */
    SCMP_SYS(pread64),
    SCMP_SYS(pwrite64),
    SCMP_SYS(preadv2),
    SCMP_SYS(pwritev2),
    SCMP_SYS(fdatasync),
    SCMP_SYS(fallocate),
    SCMP_SYS(fstat),
    SCMP_SYS(newfstatat),
    /* the controller (socket() below), events, the log */
    SCMP_SYS(connect),
    SCMP_SYS(sendto),
    SCMP_SYS(recvfrom),
    SCMP_SYS(read),
    SCMP_SYS(write),
    SCMP_SYS(writev),
    SCMP_SYS(close),
    SCMP_SYS(poll),
    SCMP_SYS(fcntl),
    /* the loop and its threads */
    SCMP_SYS(epoll_pwait),
    SCMP_SYS(epoll_wait),
    SCMP_SYS(epoll_ctl),
    SCMP_SYS(futex),
    SCMP_SYS(sched_yield),
    SCMP_SYS(clock_gettime),
    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(restart_syscall),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
    /* memory (mmap() and mprotect() below) */
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(madvise),
    SCMP_SYS(brk),
    /* abort() */
    SCMP_SYS(getpid),
    SCMP_SYS(gettid),
    SCMP_SYS(tgkill),
};

static const unsigned long ioctls[] = {
    IOCTL_GNTDEV_MAP_GRANT_REF,
    IOCTL_GNTDEV_UNMAP_GRANT_REF,
    IOCTL_GNTDEV_GET_OFFSET_FOR_VADDR,
    IOCTL_GNTDEV_GRANT_COPY,
    IOCTL_EVTCHN_BIND_INTERDOMAIN,
    IOCTL_EVTCHN_UNBIND,
    IOCTL_EVTCHN_NOTIFY,
    BLKGETSIZE64,
    BLKDISCARD,
    FIONBIO,
};

static int allow(scmp_filter_ctx filter, int call)
{
    int error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 0);
    return error == -EDOM ? 0 : error; /* this architecture has no such call */
}

/* Where the argument, masked, is the value. */
static int allow_when(scmp_filter_ctx filter, int call, unsigned arg, uint32_t mask, unsigned long value)
{
    struct scmp_arg_cmp what = {
        .arg = arg, .op = SCMP_CMP_MASKED_EQ, .datum_a = mask, .datum_b = (uint32_t)value};
    int error = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, call, 1, &what);
    return error == -EDOM ? 0 : error;
}

static int fill(scmp_filter_ctx filter)
{
    int error = 0;
    for (size_t i = 0; i < sizeof calls / sizeof *calls && !error; i++)
        error = allow(filter, calls[i]);
    for (size_t i = 0; i < sizeof ioctls / sizeof *ioctls && !error; i++)
        error = allow_when(filter, SCMP_SYS(ioctl), 1, UINT32_MAX, ioctls[i]);
    if (!error)
        error = allow_when(filter, SCMP_SYS(socket), 0, UINT32_MAX, AF_UNIX);
    if (!error)
        error = allow_when(filter, SCMP_SYS(mmap), 2, PROT_EXEC, 0);
    if (!error)
        error = allow_when(filter, SCMP_SYS(mprotect), 2, PROT_EXEC, 0);
    return error;
}

/* Takes over the filter, or frees it if there was an error. */
static int load(scmp_filter_ctx filter, int error)
{
    if (!error)
        error = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
    if (!error)
        error = seccomp_load(filter);
    seccomp_release(filter);
    return error;
}

int jail_without_rings(void)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    if (!filter)
        return -ENOMEM;
    int error = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(io_uring_setup), 0);
    return load(filter, error);
}

int jail_calls(void)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
    if (!filter)
        return -ENOMEM;
    return load(filter, fill(filter));
}
