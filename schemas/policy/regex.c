/* SPDX-License-Identifier: MIT */
#include "schemas/policy/regex.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH_MAX = 16 };

/* The end of a bracket expression that begins at s, or of the text. */
static const char *skip_bracket(const char *s)
{
    s += s[1] == '^' ? 2 : 1;
    if (*s == ']')
        s++;
    while (*s && *s != ']') {
        char class[3] = {s[1], ']', '\0'}; /* [:digit:], [.a.], [=a=] */
        const char *end = *s == '[' && s[1] && strchr(":.=", s[1]) ? strstr(s + 2, class) : NULL;
        s = end ? end + 2 : s + 1;
    }
    return *s ? s + 1 : s;
}

/* How many copies of what it follows the C library makes of a repetition: moves *s behind it. 0: it is none.
 */
static unsigned long copies(const char **s)
{
    unsigned long least, most;
    char *end;
    switch (**s) {
    case '*': /* these make no copies of characters, but of what leads to the next */
    case '?':
    case '+':
        ++*s;
        return 2;
    case '{':
        least = most = strtoul(*s + 1, &end, 10);
        if (*end == ',')
            most = strtoul(end + 1, &end, 10);
        *s = *end == '}' ? end + 1 : *s + 1;
        least = least < EXPRESSION_COST_MAX ? least : EXPRESSION_COST_MAX; /* so that one more is more */
        return most > least ? most : least + 1;
    default:
        return 0;
    }
}

/* Between two parentheses, or in the whole expression: what it costs, and whether it matches nothing at all.
 */
struct level {
    uint64_t sum;
    bool branch; /* all of this alternative but its last part may be empty */
    bool last;   /* so may that */
    bool before; /* an alternative before this one may */
};

static const struct level fresh = {.branch = true, .last = true};

static void add_part(struct level *l, bool empty)
{
    l->branch &= l->last;
    l->last = empty;
}

static bool may_be_empty(const struct level *l)
{
    return l->before || (l->branch && l->last);
}

static void next_alternative(struct level *l)
{
    *l = (struct level){l->sum, true, true, may_be_empty(l)};
}

/* Places between characters, which take none themselves. */
static bool is_anchor(const char *s)
{
    return *s == '^' || *s == '$' || (*s == '\\' && s[1] && strchr("bB<>`'", s[1]));
}

/* NULL, or what is wrong. It need not know what is correct: regcomp() does. */
static const char *excess(const char *s)
{
    struct level levels[DEPTH_MAX + 1] = {fresh}, *l = levels;
    uint64_t last = 0, n;
    bool repeated = false; /* is what came last a repetition? */
    while (*s) {
        bool again = repeated,
             optional = *s == '*' || *s == '?' || (*s == '{' && strtoul(s + 1, NULL, 10) == 0);
        repeated = false;
        if (*s == '(') {
            if (l == &levels[DEPTH_MAX])
                return "too many parentheses within each other";
            *++l = fresh;
            last = 0;
            s++;
            continue;
        }
        if ((n = copies(&s)) > 0) {
            if (again)
                return "a repetition of a repetition";
            /* from each copy of nothing every other is reached, and the library lists them all */
            if (n > 2 && l->last)
                return "a repetition of what may be empty";
            repeated = true;
            n = n > EXPRESSION_COST_MAX ? EXPRESSION_COST_MAX + 1 : n;
            l->sum += last * (n - 1);
            l->last |= optional;
        } else if (*s == ')' && l > levels) {
            bool empty = may_be_empty(l);
            last = l->sum + 1;
            (--l)->sum += last;
            add_part(l, empty);
            s++;
        } else if (*s == '|') {
            next_alternative(l);
            last = 1;
            l->sum++;
            s++;
        } else {
            if (*s == '\\' && s[1] >= '1' && s[1] <= '9')
                return "back-references are not supported";
            add_part(l, is_anchor(s));
            last = 1;
            l->sum++;
            s = *s == '[' ? skip_bracket(s) : s + (*s == '\\' && s[1] ? 2 : 1);
        }
        if (l->sum > EXPRESSION_COST_MAX)
            return "too long, or too many repetitions";
    }
    return NULL;
}

int expression_compile(const char *text, regex_t *ret_regex, char why[static EXPRESSION_WHY_SIZE])
{
    regex_t regex;
    const char *bad = excess(text);
    if (bad) {
        snprintf(why, EXPRESSION_WHY_SIZE, "%s", bad);
        return -EINVAL;
    }
    int r = regcomp(&regex, text, REG_EXTENDED | REG_NOSUB);
    if (r) {
        regerror(r, &regex, why, EXPRESSION_WHY_SIZE);
        return -EINVAL;
    }
    *ret_regex = regex;
    return 0;
}
