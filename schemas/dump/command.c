/* SPDX-License-Identifier: MIT */
#include "schemas/dump/command.h"

#include <ctype.h>
#include <string.h>

static bool next_word(const char **p, const char *end, struct dump_span *ret_word)
{
    const char *at = *p;
    while (at < end && *at == ' ')
        at++;
    const char *word = at;
    while (at < end && *at != ' ')
        at++;
    *p = at;
    *ret_word = (struct dump_span){word, (size_t)(at - word)};
    return at > word;
}

static bool word_is(const struct dump_span *w, const char *const *words)
{
    for (; *words; words++)
        if (w->len == strlen(*words) && memcmp(w->at, *words, w->len) == 0)
            return true;
    return false;
}

static struct dump_span unquoted(struct dump_span w)
{
    if (w.len > 1 && strchr("'\"", *w.at) && w.at[w.len - 1] == *w.at)
        return (struct dump_span){w.at + 1, w.len - 2};
    return w;
}

/* Rather than what a shell or an expression makes something of, such as /local/domain/$id. */
static bool plain(const struct dump_span *w, const char *others)
{
    for (size_t i = 0; i < w->len; i++)
        if (!isalnum((unsigned char)w->at[i]) && !memchr(others, w->at[i], strlen(others)))
            return false;
    return w->len > 0;
}

/* `grep vif` keeps every line with that in it, and nothing comes behind that keeps fewer. */
static void read_filter(struct dump_command *c, const char *p, const char *end)
{
    static const char *const whole[] = {"less", "more", "cat", "tee", NULL}, *const grep[] = {"grep", "fgrep",
                                                                                              NULL};
    struct dump_span word;
    if (!next_word(&p, end, &word) || word_is(&word, whole))
        return;
    c->filtered = true;
    if (!word_is(&word, grep) || !next_word(&p, end, &word))
        return;
    word = unquoted(word);
    if (plain(&word, "_/-") && *word.at != '-' && !memchr(p, '|', (size_t)(end - p)))
        c->kept = word;
}

void dump_command_read(const struct dump_span *arguments, struct dump_command *ret_command)
{
    const char *p = arguments->at, *end = p + arguments->len;
    struct dump_span word;
    struct dump_command c = {.listed = {"/", 1}};
    bool path = false;
    while (next_word(&p, end, &word) && *word.at != '|' && !strchr("><&;", *word.at) &&
           (word.len < 2 || memcmp(word.at, "2>", 2) != 0)) {
        if (*word.at == '-' || path)
            continue;
        path = true;
        word = unquoted(word);
        c.listed = plain(&word, "-_@:/") ? word : (struct dump_span){NULL, 0};
    }
    if (word.len && *word.at == '|')
        read_filter(&c, word.len > 1 ? word.at + 1 : p, end);
    *ret_command = c;
}
