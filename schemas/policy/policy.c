/* SPDX-License-Identifier: MIT */
#include "schemas/policy/policy.h"

#include <stdlib.h>
#include <string.h>

#include "schemas/mem.h"
#include "schemas/policy/fields.h"

static void free_words(char **words, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free(words[i]);
    free(words);
}

static void free_keys(struct key_spec *keys, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        free(keys[i].name);
        free(keys[i].match);
        if (keys[i].regex)
            regfree(keys[i].regex);
        free(keys[i].regex);
        free_words(keys[i].choices, keys[i].n_choices);
        free(keys[i].alternative);
    }
    free(keys);
}

void policy_free(struct policy *p)
{
    if (!p)
        return;
    free(p->source);
    free(p->text);
    free_keys(p->keys[BACKEND], p->n_keys[BACKEND]);
    free_keys(p->keys[FRONTEND], p->n_keys[FRONTEND]);
    for (size_t i = 0; i < p->n_publish; i++) {
        free(p->publish[i].key);
        free(p->publish[i].value);
    }
    free(p->publish);
    free_words(p->worker.command, p->worker.n_command);
    free_words(p->worker.formats, p->worker.n_formats);
    free(p->worker.user);
    for (size_t i = 0; i < p->worker.n_environment; i++) {
        free(p->worker.environment[i].name);
        free(p->worker.environment[i].value);
    }
    free(p->worker.environment);
    free(p->hotplug.directory);
    free(p);
}

size_t policy_set_position(const struct policy_set *set, const char *type)
{
    size_t low = 0, high = set->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(set->list[middle]->type, type) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

int policy_set_add(struct policy_set *set, struct policy *p)
{
    size_t at = policy_set_position(set, p->type);
    if (at < set->n && strcmp(set->list[at]->type, p->type) == 0) {
        policy_free(set->list[at]);
        set->list[at] = p;
        return 1;
    }
    xgrow(&set->list, &set->cap, set->n + 1, sizeof(struct policy *));
    memmove(&set->list[at + 1], &set->list[at], (set->n - at) * sizeof *set->list);
    set->list[at] = p;
    set->n++;
    return 0;
}

const struct policy *policy_set_find(const struct policy_set *set, const char *type)
{
    size_t at = policy_set_position(set, type);
    return at < set->n && strcmp(set->list[at]->type, type) == 0 ? set->list[at] : NULL;
}

void policy_set_clear(struct policy_set *set)
{
    for (size_t i = 0; i < set->n; i++)
        policy_free(set->list[i]);
    free(set->list);
    memset(set, 0, sizeof *set);
}

uint32_t policy_hold_closed(const struct policy *p, uint16_t backend_domid)
{
    if (p->hold.closed != HOLD_CLOSED_DEFAULT)
        return p->hold.closed;
    return backend_domid == 0 ? 10 * 1000 : 1000;
}

bool policy_hotplug(const struct policy *p, uint16_t backend_domid)
{
    return p->hotplug.run && (backend_domid != 0 || p->hotplug.in_dom0);
}

static bool pattern_matches(const char *pattern, const char *name)
{
    for (;;) {
        size_t a = strcspn(pattern, "/"), b = strcspn(name, "/");
        bool any = a == 1 && *pattern == '*' && b > 0;
        if (!any && (a != b || memcmp(pattern, name, a) != 0))
            return false;
        pattern += a;
        name += b;
        if (*pattern != *name)
            return false;
        if (*pattern == '\0')
            return true;
        pattern++, name++;
    }
}

const struct key_spec *policy_find_key(const struct policy *p, enum side side, const char *name)
{
    const struct key_spec *keys = p->keys[side];
    for (size_t i = 0; i < p->n_keys[side]; i++)
        if (!keys[i].pattern && keys[i].name[0] == *name && strcmp(keys[i].name, name) == 0)
            return &keys[i];
    for (size_t i = 0; i < p->n_keys[side]; i++)
        if (keys[i].pattern && pattern_matches(keys[i].name, name))
            return &keys[i];
    return NULL;
}

bool policy_key_counts(const struct key_spec *spec, enum side side, enum required moment)
{
    return side == BACKEND || (spec->required != REQUIRED_NO && spec->required <= moment);
}

static bool is_hex(const char *text, size_t len)
{
    if (len > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X'))
        text += 2, len -= 2;
    return len > 0 && len <= 16 && strspn(text, "0123456789abcdefABCDEF") == len;
}

static const char *check_text(const struct key_spec *spec, const struct value *value)
{
    bool listed = spec->n_choices == 0;
    for (size_t i = 0; i < spec->n_choices; i++)
        listed |= strcmp(spec->choices[i], value->text) == 0;
    if (!listed)
        return "is not one of the values that the policy lists";
    if (spec->regex && regexec(spec->regex, value->text, 0, NULL, 0) != 0)
        return "does not match the policy's expression";
    return NULL;
}

const char *key_spec_check(const struct key_spec *spec, const struct value *value)
{
    uint64_t n;
    if (value->presence != PRESENT)
        return value->presence == ABSENT ? "is absent" : "cannot be read";
    const char *text = value->text;
    size_t len = value->len;
    if (memchr(text, '\0', len))
        return "holds a zero byte";
    if (spec->secret && strcmp(text, SECRET_REDACTED) == 0)
        return NULL;
    switch (spec->type) {
    case KEY_STRING:
        return check_text(spec, value);
    case KEY_BOOLEAN:
        return len == 1 && (*text == '0' || *text == '1') ? NULL : "is neither 0 nor 1";
    case KEY_UINT16:
        return parse_decimal(text, len, UINT16_MAX, &n) ? "is not a 16-bit number" : NULL;
    case KEY_UINT32:
        return parse_decimal(text, len, UINT32_MAX, &n) ? "is not a 32-bit number" : NULL;
    case KEY_UINT64:
        return parse_decimal(text, len, UINT64_MAX, &n) ? "is not a 64-bit number" : NULL;
    case KEY_HEX:
        return is_hex(text, len) ? NULL : "is not a hexadecimal number of up to 64 bits";
    }
    return NULL; /* GCOVR_EXCL_LINE: there is no other type */
}

const char *owner_name(enum owner owner)
{
    return owner_choices[owner];
}
