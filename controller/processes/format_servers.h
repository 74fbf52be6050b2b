/* SPDX-License-Identifier: MIT */
/* The servers that the workers of one guest and type share, where the policy has one (worker: formats). We
 * hold the socket that workers connect to; when somebody connects, and no server runs, one is started, which
 * inherits the socket. It ends by itself when nobody needs it. When it dies, the next that connects has
 * another started.
 *
 * A server goes on without us. A later run finds it by its record, and starts no other while it lives; it
 * has the socket alone then. Its state file, which is empty, is locked like a worker's
 * (worker_record.h): it counts as living even without a record.
 *
 * One thread, the loop's. Errors are logged, and negative errno. */
#ifndef XENRECON_FORMAT_SERVERS_H
#define XENRECON_FORMAT_SERVERS_H

#include <stddef.h>

struct device_key;
struct format_server;
struct format_servers;
struct run_dir;
struct uv_loop_s;
struct worker_start;

struct format_servers_config {
    struct uv_loop_s *loop;
    const struct run_dir *dir; /* it may be another one later, at the same place */
};

struct format_servers *format_servers_new(const struct format_servers_config *config);
/* Servers that run go on. Its handles are closed when the loop has turned. */
void format_servers_close(struct format_servers *f);

/* Finds those that an earlier run has left. */
int format_servers_find(struct format_servers *f);

/* A worker of an earlier run may need the guest's server; NULL: there is none. */
struct format_server *format_servers_join(struct format_servers *f, const struct device_key *key);

/* Sees to it that the worker which is to be started finds a socket. *user is what the worker before it got;
 * NULL at first. Returns the path, good until the call of format_servers_leave(); NULL: the policy has no
 * server, or there can be no socket. */
const char *format_servers_offer(struct format_servers *f, const struct worker_start *start,
                                 struct format_server **user);

/* Makes records again that somebody has removed. */
void format_servers_mend(struct format_servers *f);

/* The device has no worker any more. NULL is fine. */
void format_servers_leave(struct format_server *s);

#endif
