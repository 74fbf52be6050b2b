/* SPDX-License-Identifier: MIT */
/* The rows that every owner's table begins with, and `always` for its end. */
#ifndef XENRECON_ROWS_COMMON_H
#define XENRECON_ROWS_COMMON_H

#include "reconcilers/situation.h"

bool vanished(const struct situation *s);
bool unreadable(const struct situation *s);
bool bad_value(const struct situation *s);
bool incomplete_dir(const struct situation *s);
bool mismatched(const struct situation *s);
bool always(const struct situation *s);
enum outcome on_vanished(struct situation *s);
enum outcome on_nothing(struct situation *s);    /* row bad-value: situation_read() has said it */
enum outcome on_unreadable(struct situation *s); /* likewise; asks to be requeued */
enum outcome on_incomplete_dir(struct situation *s);
enum outcome on_mismatched(struct situation *s);

#endif
