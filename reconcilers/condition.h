/* SPDX-License-Identifier: MIT */
/* A device's condition: what is wanted of it and who is waited for, each since when, whichever row decides;
 * and what is found when that lasts (schemas/lasting.h). Works on the situation of one decide(). */
#ifndef XENRECON_CONDITION_H
#define XENRECON_CONDITION_H

#include "reconcilers/situation.h"

/* Sets plan->condition; says what has lasted too long. Once the row has decided. */
void condition_say(struct situation *s);
/* Since when each of the plan's findings is there. Once all are. */
void condition_date(struct situation *s);

#endif
