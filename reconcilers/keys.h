/* SPDX-License-Identifier: MIT */
/* Are the keys that a policy declares complete: is each that is required there, and each that counts valid?
 * Works on the situation of one decide(). */
#ifndef XENRECON_KEYS_H
#define XENRECON_KEYS_H

#include "reconcilers/situation.h"

/* Are the declared keys of this side that are required, at the given moment or earlier, there and valid? */
bool keys_complete(const struct situation *s, enum side side, enum required moment);

/* How what is wrong with keys is said. */
struct patience {
    enum severity severity;
    bool waits; /* nothing of those that are missing: somebody may be writing one after the other */
};

/* Findings for those that are not. */
void keys_say(struct situation *s, enum side side, enum required moment, struct patience patience);
/* By the age of the row: missing keys are no news for a moment; then a warning until they are missed for
 * `deadline` milliseconds, and an error from then on. */
struct patience keys_patience(struct situation *s, uint32_t deadline);
/* Has the device looked at again while keys of F are missing that creating needs: no event tells of them. */
void look_for_frontend_keys(struct situation *s);
/* Are the keys there that connecting needs, and valid? Findings for those that are not. */
bool keys_for_connecting(struct situation *s);

#endif
