/* SPDX-License-Identifier: MIT */
/* Runs hotplug scripts on the loop: so many at a time, each with a deadline. A script's name is not trusted.
 *
 * Which may be run says script_path.h. A script gets a cleared environment, no shell in between, no input,
 * and a process group of its own. What it prints is read as it comes, and its end is logged when it has ended
 * (output.h); from then on what is printed by those that it has left behind is logged, too. Such a
 * daemon keeps nobody waiting. Scripts that run when we exit are left to run.
 *
 * One thread, the loop's. Errors are negative errno. */
#ifndef XENRECON_HOTPLUG_SCRIPTS_H
#define XENRECON_HOTPLUG_SCRIPTS_H

#include <stdint.h>

struct uv_loop_s;

struct script_request {
    const char *key;       /* the device's, formatted; scripts of one type share their limit */
    const char *directory; /* absolute */
    const char *const *argv, *const *env;
    uint32_t timeout;  /* milliseconds */
    uint32_t parallel; /* so many scripts of the type run at a time */
};

/* How a script has ended: 0, or a negative errno and in `said` the reason, printable and short. */
typedef void script_done_fn(void *arg, const char *key, int error, const char *said);

struct hotplug_scripts;
struct hotplug_scripts *hotplug_scripts_new(struct uv_loop_s *loop, script_done_fn *done, void *arg);
void hotplug_scripts_run(struct hotplug_scripts *s,
                         const struct script_request *request); /* `done` is called later */
/* Forgets the scripts that wait, and leaves those that run alone. `done` is not called any more. Freed when
 * the loop has turned. */
void hotplug_scripts_close(struct hotplug_scripts *s);

#endif
