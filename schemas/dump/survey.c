/* SPDX-License-Identifier: MIT */
#include "schemas/dump/survey.h"

#include <ctype.h>
#include <limits.h>
#include <string.h>

static enum dump_form form_of(const struct dump_line *l)
{
    if (l->name.at[0] == '/')
        return FORM_ABSOLUTE;
    return memchr(l->name.at, '/', l->name.len) ? FORM_RELATIVE : FORM_TREE;
}

bool dump_survey_fits(const struct dump_survey *s, const struct dump_line *l)
{
    return form_of(l) == s->form;
}

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

static bool word_is(const struct dump_span *w, const char *const *words, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (w->len == strlen(words[i]) && memcmp(w->at, words[i], w->len) == 0)
            return true;
    return false;
}

/* Rather than what only a shell understands, such as /local/domain/$id. */
static bool is_store_path(const struct dump_span *w)
{
    for (size_t i = 0; i < w->len; i++)
        if (!isalnum((unsigned char)w->at[i]) && !memchr("-_@:/", w->at[i], 5))
            return false;
    return true;
}

/* -fp /local/domain/0 | grep vif > file */
static void read_command(struct dump_survey *s, const struct dump_span *arguments)
{
    static const char *const whole[] = {"less", "more", "cat", "tee"};
    const char *p = arguments->at, *end = p + arguments->len;
    struct dump_span word;
    s->listed = (struct dump_span){"/", 1};
    bool path = false;
    while (next_word(&p, end, &word)) {
        if (*word.at == '|') {
            s->filtered |= next_word(&p, end, &word) && !word_is(&word, whole, sizeof whole / sizeof *whole);
            return;
        }
        if (strchr("><&;", *word.at) || (word.len > 1 && memcmp(word.at, "2>", 2) == 0))
            return;
        if (*word.at == '-' || path)
            continue;
        path = true;
        if (word.len > 1 && strchr("'\"", *word.at))
            word = (struct dump_span){word.at + 1, word.len - 2};
        s->listed = is_store_path(&word) ? word : (struct dump_span){NULL, 0};
    }
}

static bool cut(const struct dump_span *value)
{
    static const char mark[] = "\\...";
    size_t n = strlen(mark);
    return value->len >= n && memcmp(value->at + value->len - n, mark, n) == 0;
}

/* xenstore-ls cuts what it prints of a node so that this many columns hold the name and ` = "\..."`. */
enum { COLUMNS_PIPED = 80 };

bool dump_survey_name_cut(const struct dump_survey *s, const struct dump_line *l)
{
    if (s->form != FORM_TREE)
        return false;
    if (l->value.len == 0)
        return l->indent + l->name.len + strlen(" = \"\\...\"") - 1 == s->columns;
    return l->value.len == 4 && cut(&l->value);
}

void dump_survey_take(const struct dump_reader *r, const struct dump_line *command,
                      struct dump_survey *ret_survey)
{
    struct dump_reader look = *r;
    struct dump_survey s = {.base = UINT_MAX, .columns = COLUMNS_PIPED};
    struct dump_line l;
    enum dump_line_kind before = LINE_OTHER;
    size_t by_form[FORM_RELATIVE + 1] = {0}, with = 0, without = 0;
    if (command)
        read_command(&s, &command->name);
    for (; dump_reader_next(&look, &l) && l.kind != LINE_COMMAND; before = l.kind) {
        if (l.kind == LINE_PERMS && before == LINE_NODE) { /* wrapped */
            with++;
            without -= without > 0;
        }
        if (l.kind != LINE_NODE && l.kind != LINE_OPEN)
            continue;
        by_form[form_of(&l)]++;
        with += l.kind == LINE_NODE && l.perms;
        without += l.kind == LINE_NODE && !l.perms;
        if (l.kind == LINE_NODE && cut(&l.value))
            s.columns = l.indent + l.name.len + strlen(" = \"") + l.value.len;
        if (!s.nodes++)
            s.first = l.number;
        s.last = l.number;
        if (l.indent < s.base)
            s.base = l.indent;
    }
    for (int form = 0; form <= FORM_RELATIVE; form++)
        if (by_form[form] > by_form[s.form])
            s.form = (enum dump_form)form;
    s.perms = with && with >= without;
    *ret_survey = s;
}
