/* SPDX-License-Identifier: MIT */
/* Any text as a policy: what parses prints as something that parses to the same, and what does not is
 * refused with a place that is in the text. */
#include "schemas/policy/policy.h"

#include "schemas/policy/yaml.h"
#include "schemas/view.h"
#include "test/fuzz/diagnostics.h"
#include "test/fuzz/fuzz.h"

#define NAME "a\033[2Jb.yaml" /* files are named by people */

static char *printed(const struct policy *p, size_t *ret_len)
{
    char *text = NULL;
    FILE *to = open_memstream(&text, ret_len);
    holds(to);
    policy_print(p, to);
    fclose(to);
    return text;
}

/* A key is found by its own name, and what the policy lists is valid. */
static void check_keys(const struct policy *p)
{
    for (enum side side = 0; side < 2; side++)
        for (size_t i = 0; i < p->n_keys[side]; i++) {
            const struct key_spec *spec = &p->keys[side][i];
            holds(policy_find_key(p, side, spec->name), "%s", spec->name);
            holds(spec->pattern || policy_find_key(p, side, spec->name) == spec, "%s", spec->name);
            holds(!spec->match == !spec->regex, "%s", spec->name);
            holds(side == FRONTEND || spec->required != REQUIRED_CONNECT, "%s", spec->name);
            for (size_t j = 0; j < spec->n_choices && !spec->regex; j++) {
                struct value v = {PRESENT, spec->choices[j], strlen(spec->choices[j])};
                holds(!key_spec_check(spec, &v), "%s: %s", spec->name, spec->choices[j]);
            }
        }
}

static void check_policy(const struct policy *p, const uint8_t *data, size_t size)
{
    holds(device_name_valid(p->type, strlen(p->type)), "%s", p->type);
    holds(device_name_valid(p->frontend, strlen(p->frontend)), "%s", p->frontend);
    holds(p->text_len == size && memcmp(p->text, data, size) == 0, "the text is another");
    holds(p->retry.initial <= p->retry.max, "%u ms", p->retry.initial);
    holds(p->owner == OWNER_XENRECON || (!p->n_publish && !p->worker.command), "%s writes",
          owner_name(p->owner));
    holds(p->owner == OWNER_KERNEL || !p->hotplug.run, "%s runs scripts", owner_name(p->owner));
    check_keys(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct policy *p = NULL, *again = NULL;
    struct diagnostic why;
    size_t len, len_again;
    int error = policy_parse(NAME, (const char *)data, size, &p, &why);
    if (error) {
        size_t mark = size >= 3 && memcmp(data, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
        holds(!p, "%d", error);
        check_diagnostic(&why, "a\\x1b[2Jb.yaml", (const char *)data + mark, size - mark);
        return 0;
    }
    check_policy(p, data, size);
    char *text = printed(p, &len);
    error = policy_parse("again.yaml", text, len, &again, &why);
    holds(!error, "%u:%u: %s in\n%s", why.line, why.column, why.message, text);
    char *text_again = printed(again, &len_again);
    holds(strcmp(text, text_again) == 0, "%s\nbecomes\n%s", text, text_again);
    free(text);
    free(text_again);
    policy_free(p);
    policy_free(again);
    return 0;
}
