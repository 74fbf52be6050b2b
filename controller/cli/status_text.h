/* SPDX-License-Identifier: MIT */
/* What `status` and `history` print for people, from the daemon's answers. One thread. */
#ifndef XENRECON_STATUS_TEXT_H
#define XENRECON_STATUS_TEXT_H

#include <jansson.h>

#include "controller/cli/terminal.h"

void status_text_print(const json_t *daemon, const json_t *devices, const struct terminal *term, FILE *to);
void history_text_print(const char *device, const json_t *decisions, const struct terminal *term, FILE *to);

#endif
