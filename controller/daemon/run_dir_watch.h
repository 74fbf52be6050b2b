/* SPDX-License-Identifier: MIT */
/* Says when something has gone from the run directory, or the directory itself (inotify(7)): what is there
 * must be made again, or workers that come back find nobody. Where the kernel gives no watches, nothing is
 * said; what is missing is noticed when it is needed.
 *
 * One thread, the loop's. */
#ifndef XENRECON_RUN_DIR_WATCH_H
#define XENRECON_RUN_DIR_WATCH_H

struct uv_loop_s;
struct run_dir_watch;

/* `gone` is called a moment after something went, once for all that went meanwhile, and again every 5 s
 * as long as the directory is not there. The path must live as long as the watch. */
struct run_dir_watch *run_dir_watch_new(struct uv_loop_s *loop, const char *path, void (*gone)(void *arg),
                                        void *arg);
void run_dir_watch_look(struct run_dir_watch *w);  /* at parts that were made since; NULL is fine */
void run_dir_watch_close(struct run_dir_watch *w); /* NULL is fine. Gone when the loop has turned */

#endif
