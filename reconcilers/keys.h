/* SPDX-License-Identifier: MIT */
/* Are the keys that a policy declares complete: is each that is required there, and each that counts valid?
 * Works on the situation of one decide(). */
#ifndef XENRECON_KEYS_H
#define XENRECON_KEYS_H

#include "reconcilers/situation.h"

/* Are the declared keys of this side that are required, at the given moment or earlier, there and valid? */
bool keys_complete(const struct situation *s, enum side side, enum required moment);
/* Findings for those that are not. */
void keys_say(struct situation *s, enum side side, enum required moment, enum severity severity);

/* The severity of keys that are not there: a warning until they are missed for `deadline` milliseconds, for
 * somebody may be about to write them; then an error. */
enum severity severity_by_age(struct situation *s, uint32_t deadline);
/* Are the keys there that connecting needs, and valid? Findings for those that are not. */
bool keys_for_connecting(struct situation *s);

#endif
