/* SPDX-License-Identifier: MIT */
/* Health for people: its colour, and counts of devices by it. Pure. */
#ifndef XENRECON_HEALTH_TEXT_H
#define XENRECON_HEALTH_TEXT_H

#include "schemas/health.h"
#include "schemas/terminal.h"

enum colour health_text_colour(enum health health);

/* `: 1 failed, 3 ok`; nothing where there are none. */
void health_text_counts(const size_t n[static HEALTH_COUNT], const struct terminal *term, FILE *to);

#endif
