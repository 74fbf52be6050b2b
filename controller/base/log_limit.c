/* SPDX-License-Identifier: MIT */
#include "controller/base/log_limit.h"

#include "controller/base/log.h"

static void tell(struct log_limit *l, struct log_slot *s)
{
    unsigned suppressed = s->suppressed;
    struct device_key key = s->key;
    if (!suppressed)
        return;
    s->suppressed = 0;
    l->pending--;
    l->tell(&key, suppressed);
}

bool log_limit_allows(struct log_limit *l, const struct device_key *key, uint64_t now)
{
    struct log_slot *s = &l->slots[device_key_hash(key) % LOG_SLOTS];
    if (!device_key_equal(&s->key, key) || now - s->since >= LOG_WINDOW) {
        tell(l, s);
        *s = (struct log_slot){.key = *key, .since = now};
    }
    if (s->said < LOG_BURST) {
        s->said++;
        return true;
    }
    l->pending += !s->suppressed++;
    return false;
}

void log_limit_tell(struct log_limit *l, uint64_t now, bool all)
{
    for (int i = 0; i < LOG_SLOTS && l->pending; i++)
        if (all || now - l->slots[i].since >= LOG_WINDOW)
            tell(l, &l->slots[i]);
}
