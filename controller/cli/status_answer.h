/* SPDX-License-Identifier: MIT */
/* What the running daemon answers to `status`: of itself, and of the devices that DEVICE arguments mean.
 *
 * The caller owns an answer. Blocks. One thread. Errors are negative errno, and logged. */
#ifndef XENRECON_STATUS_ANSWER_H
#define XENRECON_STATUS_ANSWER_H

#include <jansson.h>

struct status_answer {
    json_t *daemon, *devices;
};

/* Without texts: all devices. */
int status_answer_ask(const char *run_dir, char *const *texts, size_t n_texts,
                      struct status_answer *ret_answer);
void status_answer_clear(struct status_answer *a);

/* The only device that an argument means, as TYPE/DOMID/DEVID, for free(). Who names it exactly is not
 * checked. NULL: it was logged why not. */
char *status_answer_one(const char *run_dir, char *text);

#endif
