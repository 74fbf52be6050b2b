/* SPDX-License-Identifier: MIT */
#include "controller/processes/worker_scope.h"

#include <errno.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Older headers have none of it; the numbers are the same on all processors but alpha. */
#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_restrict_self  446
#endif

enum {
    ASK_VERSION = 1 << 0,
    VERSION_WITH_SCOPES = 6,
    SCOPE_ABSTRACT_SOCKETS = 1 << 0,
    SCOPE_SIGNALS = 1 << 1,
};

struct ruleset {
    uint64_t files, network, scopes;
};

static int restrict_self(int ruleset)
{
    return syscall(SYS_landlock_restrict_self, ruleset, 0) ? -errno : 0;
}

int worker_scope_enter(void)
{
    const struct ruleset rules = {.scopes = SCOPE_ABSTRACT_SOCKETS | SCOPE_SIGNALS};
    if (syscall(SYS_landlock_create_ruleset, NULL, 0, ASK_VERSION) < VERSION_WITH_SCOPES)
        return 0;
    int ruleset = (int)syscall(SYS_landlock_create_ruleset, &rules, sizeof rules, 0);
    if (ruleset < 0)
        return -errno;
    int error = restrict_self(ruleset);
    /* who is not the administrator of this system must first see to it that no program gives it more rights
     */
    if (error == -EPERM && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0)
        error = restrict_self(ruleset);
    close(ruleset);
    return error;
}
