/* SPDX-License-Identifier: MIT */
#include "controller/processes/worker_launch.h"

#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "schemas/mem.h"

enum { VARIABLES_MAX = 12 /* the variables that every worker gets, and the NULL */ };

/* Takes a user's name, or a number, which need not be any user's. */
static const char *find_user(struct arena *a, const char *name, uid_t *ret_uid, gid_t *ret_gid)
{
    char *end;
    errno = 0;
    unsigned long number = strtoul(name, &end, 10);
    if (name[0] >= '0' && name[0] <= '9' && !*end) {
        if (errno || number >= UINT32_MAX)
            return arena_printf(a, "cannot be run: %s is no user's number", name);
        const struct passwd *user = getpwuid((uid_t)number);
        *ret_uid = (uid_t)number;
        *ret_gid = user ? user->pw_gid : (gid_t)number;
        return NULL;
    }
    const struct passwd *user = getpwnam(name);
    if (!user)
        return arena_printf(a, "cannot be run: there is no user %s", name);
    *ret_uid = user->pw_uid;
    *ret_gid = user->pw_gid;
    return NULL;
}

static void find_identity(struct worker_launch *l, const struct worker_start *start, gid_t *ret_gid)
{
    const struct policy *p = start->policy;
    l->uid = geteuid();
    *ret_gid = getegid();
    if (p->worker.uid_base)
        *ret_gid = l->uid = p->worker.uid_base + start->key->domid;
    else if (p->worker.user)
        l->wrong = find_user(&l->arena, p->worker.user, &l->uid, ret_gid);
    l->command.scoped = p->worker.uid_base || p->worker.user;
    l->command.as_user = (p->worker.uid_base || p->worker.user) && !p->worker.drops;
    l->command.file_size = l->command.as_user ? p->worker.file_size : 0;
    l->command.uid = l->uid;
    l->command.gid = *ret_gid;
}

/* The policy's variables come last: of two of a name, getenv() takes the first. */
static void make_env(struct worker_launch *l, const struct worker_start *start, const char *socket,
                     const char *formats, bool serves, gid_t gid)
{
    const struct policy *p = start->policy;
    struct arena *a = &l->arena;
    char key[DEVICE_KEY_SIZE];
    char **env = arena_alloc(a, (VARIABLES_MAX + p->worker.n_environment) * sizeof *env);
    size_t n = 0;
    bool path = false;
    device_key_format(start->key, key);
    env[n++] = arena_printf(a, "XENRECON_SOCKET=%s", socket);
    env[n++] = arena_printf(a, "XENRECON_DEVICE=%s", key);
    env[n++] = arena_printf(a, "XENRECON_FRONTEND_DOMID=%u", start->key->domid);
    env[n++] = arena_printf(a, "XENRECON_TOKEN_FD=%d", WORKER_TOKEN_FD);
    env[n++] = arena_printf(a, "XENRECON_STATE_FD=%d", WORKER_STATE_FD);
    if (formats)
        env[n++] = arena_printf(a, "XENRECON_FORMATS=%s", formats);
    if (serves)
        env[n++] = arena_printf(a, "XENRECON_LISTEN_FD=%d", WORKER_LISTEN_FD);
    if (p->worker.drops) {
        env[n++] = arena_printf(a, "XENRECON_UID=%u", l->uid);
        env[n++] = arena_printf(a, "XENRECON_GID=%u", gid);
    }
    for (size_t i = 0; i < p->worker.n_environment; i++) {
        const struct variable *v = &p->worker.environment[i];
        path = path || strcmp(v->name, "PATH") == 0;
        if (strncmp(v->name, "XENSTORED_", 10) !=
            0) /* no worker may have the store, whatever a policy says */
            env[n++] = arena_printf(a, "%s=%s", v->name, v->value);
    }
    if (!path)
        env[n++] = arena_strdup(a, "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
    l->command.env = env; /* the memory is cleared, so there is a NULL at the end */
}

struct worker_launch *worker_launch_new(const struct worker_start *start, const char *socket,
                                        const char *formats, bool serves)
{
    const struct policy *p = start->policy;
    struct worker_launch *l = xcalloc(1, sizeof *l);
    size_t n = 0;
    gid_t gid;
    l->incarnation = start->incarnation;
    l->create = p->deadlines.create;
    l->connect = p->deadlines.connect;
    l->close = p->deadlines.close;
    l->retry_initial = p->retry.initial;
    l->retry_max = p->retry.max;
    l->command.open_files = p->worker.open_files;
    l->command.memory = p->worker.memory;
    while (start->argv[n])
        n++;
    l->command.argv = arena_alloc(&l->arena, (n + 1) * sizeof *l->command.argv);
    for (size_t i = 0; i < n; i++)
        l->command.argv[i] = arena_strdup(&l->arena, start->argv[i]);
    find_identity(l, start, &gid);
    make_env(l, start, socket, formats, serves, gid);
    return l;
}

void worker_launch_free(struct worker_launch *l)
{
    if (!l)
        return;
    arena_free(&l->arena);
    free(l);
}
