/* SPDX-License-Identifier: MIT */
#include "schemas/policy/check.h"

#include <string.h>

#include "schemas/policy/fields.h"
#include "schemas/view.h"

/* kernel and external: nothing is ever written, and no worker is started. */
static int check_owner(const struct document *d, const struct node *root, const struct policy *p)
{
    static const char *const ours[] = {"worker", "publish"};
    if (p->owner == OWNER_XENRECON)
        return 0;
    for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++) {
        const struct node *n = node_find(root, ours[i]);
        if (n)
            return document_fail(d, n->key,
                                 "`%s` is for owner xenrecon: with owner %s, nothing is ever written",
                                 ours[i], owner_name(p->owner));
    }
    return 0;
}

static int check_hotplug(const struct document *d, const struct node *root, const struct policy *p)
{
    const struct node *hotplug = node_find(root, "hotplug");
    const char *frontend = p->frontend[0] ? p->frontend : p->type;
    if (!hotplug)
        return 0;
    if (p->owner != OWNER_KERNEL)
        return document_fail(d, hotplug->key, "`hotplug` is for owner kernel");
    if (p->hotplug.run && strcmp(frontend, "vbd") != 0 && strcmp(frontend, "vif") != 0)
        return document_fail(d, hotplug->key, "`hotplug` is for the frontends vbd and vif, not for %s",
                             frontend);
    return 0;
}

static int check_key(const struct document *d, const struct node *n, const struct key_spec *spec)
{
    static const char *const for_strings[] = {"match", "enum"};
    for (size_t i = 0; i < sizeof for_strings / sizeof for_strings[0]; i++) {
        const struct node *rule = node_find(n, for_strings[i]);
        if (rule && spec->type != KEY_STRING)
            return document_fail(d, rule->key, "`%s` is for keys of type string", for_strings[i]);
    }
    return 0;
}

static const struct key_spec *find_exactly(const struct policy *p, enum side side, const char *name)
{
    for (size_t i = 0; i < p->n_keys[side]; i++)
        if (strcmp(p->keys[side][i].name, name) == 0)
            return &p->keys[side][i];
    return NULL;
}

static int check_alternative(const struct document *d, const struct node *key, const struct policy *p,
                             const struct key_spec *spec)
{
    const struct node *n = node_find(key, "or");
    const struct key_spec *other = n ? find_exactly(p, FRONTEND, n->text) : NULL;
    if (!n)
        return 0;
    if (!other || other == spec || other->alternative)
        return document_fail(d, n, "`or` names another key of frontend-keys, that has no `or` itself");
    if (spec->required == REQUIRED_NO)
        return document_fail(d, n->key, "`or` is for keys that are required");
    return 0;
}

static int check_keys(const struct document *d, const struct node *root, const struct policy *p,
                      enum side side)
{
    const struct node *keys = node_find(root, side == BACKEND ? "backend-keys" : "frontend-keys");
    const struct key_spec *spec = p->keys[side];
    int error = 0;
    for (const struct node *n = keys ? keys->first : NULL; n; n = n->next, spec++) {
        error |= check_key(d, n, spec);
        if (side == FRONTEND)
            error |= check_alternative(d, n, p, spec);
        if (spec->required == REQUIRED_CONNECT && p->handshake == HANDSHAKE_NONE)
            error |= document_fail(
                d, node_find(n, "required")->key,
                "`required: connect` needs `handshake: full`: without one, nothing is connected");
    }
    return error;
}

static int check_placeholder(const struct document *d, const struct node *word, const struct policy *p,
                             const char *name, size_t len)
{
    static const char *const of_device[] = {"type", "domid", "devid", "key"};
    char key[DOCUMENT_KEY_MAX + 1];
    const struct key_spec *spec = NULL;
    for (size_t i = 0; i < sizeof of_device / sizeof of_device[0]; i++)
        if (strlen(of_device[i]) == len && memcmp(name, of_device[i], len) == 0)
            return 0;
    if (len < sizeof key) {
        memcpy(key, name, len);
        key[len] = '\0';
        spec = policy_find_key(p, BACKEND, key);
    }
    if (!spec)
        return document_fail(d, word,
                             "`${%.*s}` is neither in backend-keys nor one of type, domid, devid, key",
                             len < sizeof key ? (int)len : DOCUMENT_KEY_MAX, name);
    if (spec->secret)
        return document_fail(d, word, "`${%s}` is secret: everybody can read a command line", key);
    return 0;
}

static int check_word(const struct document *d, const struct node *word, const struct policy *p)
{
    for (const char *at = strstr(word->text, "${"); at; at = strstr(at, "${")) {
        at += 2;
        const char *end = strchr(at, '}');
        if (!end)
            return document_fail(d, word, "`${` without `}`");
        int error = check_placeholder(d, word, p, at, (size_t)(end - at));
        if (error)
            return error;
        at = end;
    }
    return 0;
}

static int check_worker(const struct document *d, const struct node *root, const struct policy *p)
{
    const struct node *worker = node_find(root, "worker");
    const struct node *word = worker ? node_find(worker, "command")->first : NULL;
    int error = 0;
    if (word && (word->text[0] != '/' || strstr(word->text, "${"))) {
        error = document_fail(d, word, "the program must be an absolute path, without placeholders");
        word = word->next;
    }
    for (; word; word = word->next)
        error |= check_word(d, word, p);
    const struct node *formats = worker ? node_find(worker, "formats") : NULL;
    if (formats && formats->first && formats->first->text[0] != '/')
        error |= document_fail(d, formats->first, "the program must be an absolute path");
    return error;
}

static int check_worker_user(const struct document *d, const struct node *root, const struct policy *p)
{
    const struct node *worker = node_find(root, "worker");
    if (!worker)
        return 0;
    if (p->worker.user && p->worker.uid_base)
        return document_fail(d, node_find(worker, "uid-base")->key,
                             "`uid-base` and `user` exclude each other");
    if (p->worker.drops && !p->worker.user && !p->worker.uid_base)
        return document_fail(d, node_find(worker, "drops-privileges")->key,
                             "`drops-privileges` needs `user` or `uid-base`: who shall it become?");
    return 0;
}

static int check_retry(const struct document *d, const struct node *root, const struct policy *p)
{
    if (p->retry.initial <= p->retry.max)
        return 0;
    const struct node *retry = node_find(root, "retry");
    const struct node *max = node_find(retry, "max");
    return document_fail(d, max ? max : node_find(retry, "initial"),
                         "`max` is shorter than `initial`: from %u ms to %u ms", p->retry.initial,
                         p->retry.max);
}

int policy_check(const struct document *d, const struct node *root, const struct policy *p)
{
    int error = check_owner(d, root, p);
    error |= check_keys(d, root, p, BACKEND);
    error |= check_keys(d, root, p, FRONTEND);
    error |= check_worker(d, root, p);
    error |= check_worker_user(d, root, p);
    error |= check_retry(d, root, p);
    return error | check_hotplug(d, root, p);
}
