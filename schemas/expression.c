/* SPDX-License-Identifier: MIT */
#include "schemas/expression.h"

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

/* NULL, or what is wrong. It need not know what is correct: regcomp() does. */
static const char *excess(const char *s)
{
    uint64_t sum[DEPTH_MAX + 1] = {0}, last = 0, n;
    unsigned depth = 0;
    bool repeated = false; /* is what came last a repetition? */
    while (*s) {
        bool again = repeated;
        repeated = false;
        if (*s == '(') {
            if (++depth > DEPTH_MAX)
                return "too many parentheses within each other";
            sum[depth] = last = 0;
            s++;
            continue;
        }
        if ((n = copies(&s)) > 0) {
            if (again)
                return "a repetition of a repetition";
            repeated = true;
            n = n > EXPRESSION_COST_MAX ? EXPRESSION_COST_MAX + 1 : n;
            sum[depth] += last * (n - 1);
        } else if (*s == ')' && depth > 0) {
            last = sum[depth--] + 1;
            sum[depth] += last;
            s++;
        } else {
            if (*s == '\\' && s[1] >= '1' && s[1] <= '9')
                return "back-references are not supported";
            last = 1;
            sum[depth]++;
            s = *s == '[' ? skip_bracket(s) : s + (*s == '\\' && s[1] ? 2 : 1);
        }
        if (sum[depth] > EXPRESSION_COST_MAX)
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
