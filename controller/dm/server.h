/* SPDX-License-Identifier: MIT */
/* QMP on UNIX sockets: listens where the options say, and gives each client a session of its own. It owns
 * itself. One thread, the loop's. Errors are negative errno. */
#ifndef XENRECON_DM_SERVER_H
#define XENRECON_DM_SERVER_H

#include "controller/dm/qmp.h"

struct uv_loop_s;
struct dm_server;

struct dm_server_config {
    struct uv_loop_s *loop;
    struct qmp_machine *machine;
    void (*changed)(
        void *arg); /* called when a command may have changed the machine; its answer is on its way */
    void *arg;
};

/* *ret_at, on failure: the index of the socket in the options. */
int dm_server_new(const struct dm_server_config *config, struct dm_server **ret_server,
                  const struct dm_socket **ret_at);

/* Removes the sockets and closes the connections. Answers are still sent if that takes no waiting. Freed when
 * the loop has turned. */
void dm_server_close(struct dm_server *s);

#endif
