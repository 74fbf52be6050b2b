/* SPDX-License-Identifier: MIT */
/* What `status` and `history` print for people, from the daemon's answers. One thread. */
#ifndef XENRECON_STATUS_TEXT_H
#define XENRECON_STATUS_TEXT_H

#include <jansson.h>

#include "controller/cli/naming.h"
#include "controller/cli/screen.h"

struct status_view {
    const struct terminal *term;
    struct naming *naming; /* what guests are called */
    bool wide;             /* with the rows of the decision table */
};

void status_text_print(const json_t *daemon, const json_t *devices, const struct status_view *v, FILE *to);
void history_text_print(const char *device, const json_t *decisions, const struct terminal *term, FILE *to);

#endif
