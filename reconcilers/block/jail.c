/* SPDX-License-Identifier: MIT */
#include "reconcilers/block/jail.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

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

/* Abstract sockets have no place in a file system that a chroot() could hide, and a user's processes may
 * signal each other. Landlock knows of both since version 6, which is newer than Debian 12's headers. */
static int close_scopes(void)
{
    static const struct {
        uint64_t files, network, scoped;
    } rules = {.scoped = 1 /* abstract sockets */ | 2 /* signals */};
    if (syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION) < 6)
        return 0;
    int fd = (int)syscall(SYS_landlock_create_ruleset, &rules, sizeof rules, 0);
    if (fd < 0)
        return -errno;
    int error = syscall(SYS_landlock_restrict_self, fd, 0) ? -errno : 0;
    close(fd);
    return error;
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
    return close_scopes();
}
