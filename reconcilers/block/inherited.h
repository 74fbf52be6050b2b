/* SPDX-License-Identifier: MIT */
/* What the controller gives to a process that it starts, as xenrecon-worker(7) has it: variables, and the
 * token. Without them the process was started by somebody else: it says so, and ends. */
#ifndef XENRECON_BLOCK_INHERITED_H
#define XENRECON_BLOCK_INHERITED_H

#include <stdint.h>

#include "schemas/message.h"

enum { EXIT_USAGE = 64, FD_MAX = 1023 };

const char *inherited_text(const char *name);
uint32_t inherited_number(const char *name, uint64_t max);

/* Waits for it: there is none where the controller has died before it could remember us. */
void inherited_token(char token[TOKEN_DIGITS + 1]);

#endif
