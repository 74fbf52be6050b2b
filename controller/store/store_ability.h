/* SPDX-License-Identifier: MIT */
/* What a store can do. Not every store is xenstored: what one cannot do is found out by its first refusals,
 * logged once, remembered as long as the store's client, and done without by whoever asks.
 *
 * One thread. Errors are negative errno. */
#ifndef XENRECON_STORE_ABILITY_H
#define XENRECON_STORE_ABILITY_H

#include <stdbool.h>
#include <stdint.h>

enum store_ability {
    ABILITY_INTRODUCED,   /* says whether a domain is there */
    ABILITY_PARTS,        /* lists a directory that is too long for a message */
    ABILITY_TRANSACTIONS, /* has them at all */
    ABILITY_ISOLATION,    /* shows what a transaction writes only when it ends */
    ABILITY_PARALLEL,     /* has more than one transaction at a time */
    STORE_ABILITIES
};

/* Begins as zeroes. Bits for each enum store_ability. */
struct store_abilities {
    uint8_t lacking, proven;
    uint8_t refusals[STORE_ABILITIES]; /* in a row */
};

/* Takes note of what a request that needs the ability was answered with. */
void store_judge(struct store_abilities *s, enum store_ability a, int status);
/* It was seen that the store has it, or that it has not. */
void store_has(struct store_abilities *s, enum store_ability a);
void store_has_not(struct store_abilities *s, enum store_ability a, const char *why);

static inline bool store_lacks(const struct store_abilities *s, enum store_ability a)
{
    return s->lacking >> a & 1;
}

/* Neither was seen yet. */
static inline bool store_unknown(const struct store_abilities *s, enum store_ability a)
{
    return !((s->lacking | s->proven) >> a & 1);
}

const char *store_ability_name(enum store_ability a);

#endif
