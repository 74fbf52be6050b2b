/* SPDX-License-Identifier: MIT */
/* What must be known of a listing as a whole before its lines are read: its form, and where it begins and
 * ends. People paste several into one file, with a blank line, some words or nothing between them:
 * xenstore-ls never prints a name twice in one directory, nor goes back above where it began. Only the dump's
 * own files include this. */
#ifndef XENRECON_DUMP_SURVEY_H
#define XENRECON_DUMP_SURVEY_H

#include "schemas/dump/line.h"

enum dump_form {
    FORM_TREE,     /* names, indented */
    FORM_ABSOLUTE, /* full paths */
    FORM_RELATIVE, /* paths that begin at a domain's own directory */
    DUMP_FORMS,
};

struct dump_survey {
    enum dump_form form;
    bool perms;           /* -p: permissions behind every value */
    unsigned base, unit;  /* a tree's least indentation, and by how much each level has more: one, unless it
                             was changed */
    unsigned first, last; /* lines of nodes; 0: there are none */
    unsigned end;         /* the line that begins another listing; 0: a command does, or there is none */
    size_t nodes;
    size_t columns; /* to which the lines of a tree were cut */
    bool filtered;  /* the command's output went through a program that leaves lines out ... */
    struct dump_span
        kept; /* ... but of paths keeps all with this in them; its `at` is NULL where nobody knows */
    struct dump_span listed; /* the path on the command line; its `at` is NULL where there was none */
};

/* Looks ahead, beginning behind the command given, or behind another listing of the same command. */
void dump_survey_take(const struct dump_reader *r, const struct dump_line *command,
                      const struct dump_survey *before, struct dump_survey *ret_survey);

/* Is this a node's line in that form? Others are what wrapped lines look like. */
bool dump_survey_fits(const struct dump_survey *s, const struct dump_line *l);

/* May this node's name have been cut? Where that leaves no room for the value, nothing tells. */
bool dump_survey_name_cut(const struct dump_survey *s, const struct dump_line *l);

#endif
