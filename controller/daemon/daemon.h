/* SPDX-License-Identifier: MIT */
/* The daemon: binds the engine to the loop, to the store's client, to scripts and workers, and to signals.
 *
 * Its life:  connect -> lock -> own domain id -> run directory -> engine -> (lost: reconnect with backoff) ->
 * signal -> close */
#ifndef XENRECON_DAEMON_H
#define XENRECON_DAEMON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct daemon_config {
    const char *const *dirs; /* --policies */
    size_t n_dirs;
    const char *runtime_dir;  /* where sockets and workers' state live */
    const char *metrics_file; /* NULL: none is written */
    const gid_t *readers;     /* who may ask how it goes without being root; NULL: nobody */
    bool once, dry_run;
    uint32_t resync; /* milliseconds; 0: never */
};

/* Until it is told to stop, or `once` and nothing is left to do: 0; or a negative errno, having logged why.
 */
int daemon_run(const struct daemon_config *config);

#endif
