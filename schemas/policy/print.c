/* SPDX-License-Identifier: MIT */
/* A policy as a document again, with every default filled in: what the parser reads from it is the same
 * policy. */
#include <inttypes.h>
#include <string.h>

#include "schemas/policy/duration.h"
#include "schemas/policy/fields.h"
#include "schemas/policy/policy.h"
#include "schemas/view.h"

/* Single quotes: nothing in it means anything but a quote, which is doubled. The parser admits no control
 * characters. */
static void print_text(FILE *to, const char *text)
{
    fputc('\'', to);
    for (; *text; text++) {
        if (*text == '\'')
            fputc('\'', to);
        fputc(*text, to);
    }
    fputc('\'', to);
}

static const void *at(const void *base, size_t offset)
{
    return (const char *)base + offset;
}

static uint32_t number_at(const void *base, size_t offset)
{
    uint32_t n;
    memcpy(&n, at(base, offset), sizeof n);
    return n;
}

static const void *pointer_at(const void *base, size_t offset)
{
    const void *p;
    memcpy(&p, at(base, offset), sizeof p);
    return p;
}

static size_t count_at(const void *base, size_t offset)
{
    size_t n;
    memcpy(&n, at(base, offset), sizeof n);
    return n;
}

/* Is there anything to print? What has no default and was not given is left out. */
static bool given(const struct field *f, const void *base)
{
    switch (f->kind) {
    case FIELD_VERSION:
    case FIELD_BOOLEAN:
    case FIELD_CHOICE:
    case FIELD_NUMBER:
        return true;
    case FIELD_DURATION:
        return number_at(base, f->offset) != PRESET_NONE;
    case FIELD_NAME:
        return *(const char *)at(base, f->offset) != '\0';
    case FIELD_USER:
    case FIELD_PATH:
    case FIELD_KEY:
    case FIELD_WORDS:
        return pointer_at(base, f->offset) != NULL;
    case FIELD_REGEX:
        return ((const struct key_spec *)base)->match != NULL;
    case FIELD_KEYS:
    case FIELD_PUBLISH:
    case FIELD_VARIABLES:
        return count_at(base, f->offset_n) > 0;
    case FIELD_SECTION:
        for (const struct field *in = f->fields; in->name; in++) /* GCOVR_EXCL_BR_START: the first decides */
            if (in->required || given(in, base))
                return given(in, base); /* GCOVR_EXCL_BR_STOP */
        return false;                   /* GCOVR_EXCL_LINE */
    }
    return false; /* GCOVR_EXCL_LINE: there is no other kind */
}

static bool is_default(const struct field *f, const void *base)
{
    if (f->kind == FIELD_BOOLEAN)
        return *(const bool *)at(base, f->offset) == (f->preset != 0);
    return f->kind == FIELD_CHOICE && number_at(base, f->offset) == f->preset;
}

static void print_words(FILE *to, const struct field *f, const void *base)
{
    const char *const *words = pointer_at(base, f->offset);
    size_t n = count_at(base, f->offset_n);
    for (size_t i = 0; i < n; i++) {
        fputs(i ? ", " : "[", to);
        print_text(to, words[i]);
    }
    fputc(']', to);
}

/* What fits on the field's own line. */
static void print_value(FILE *to, const struct field *f, const void *base)
{
    char buf[DURATION_SIZE];
    switch (f->kind) {
    case FIELD_VERSION:
        fprintf(to, "%" PRIu32, f->min);
        break;
    case FIELD_BOOLEAN:
        fputs(*(const bool *)at(base, f->offset) ? "true" : "false", to);
        break;
    case FIELD_CHOICE:
        fputs(f->choices[number_at(base, f->offset)], to);
        break;
    case FIELD_NUMBER:
        fprintf(to, "%" PRIu32, number_at(base, f->offset));
        break;
    case FIELD_DURATION:
        fputs(duration_format(number_at(base, f->offset), buf), to);
        break;
    case FIELD_NAME:
        fputs(at(base, f->offset), to);
        break;
    case FIELD_USER:
    case FIELD_PATH:
    case FIELD_KEY:
        fputs(pointer_at(base, f->offset), to);
        break;
    case FIELD_REGEX:
        print_text(to, ((const struct key_spec *)base)->match);
        break;
    case FIELD_WORDS:
        print_words(to, f, base);
        break;
    case FIELD_SECTION: /* GCOVR_EXCL_START: they do not */
    case FIELD_KEYS:
    case FIELD_PUBLISH:
    case FIELD_VARIABLES:
        break;
    } /* GCOVR_EXCL_STOP */
}

static void print_keys(FILE *to, const struct field *f, const void *base)
{
    const struct key_spec *keys = pointer_at(base, f->offset);
    size_t n = count_at(base, f->offset_n);
    for (size_t i = 0; i < n; i++) {
        bool first = true;
        fputs("  ", to);
        print_text(to, keys[i].name);
        fputs(": {", to);
        for (const struct field *in = f->fields; in->name; in++) {
            if (!given(in, &keys[i]) || is_default(in, &keys[i]))
                continue;
            fprintf(to, "%s%s: ", first ? "" : ", ", in->name);
            print_value(to, in, &keys[i]);
            first = false;
        }
        fputs("}\n", to);
    }
}

static void print_pair(FILE *to, int indent, const char *name, const char *value)
{
    fprintf(to, "%*s", indent, "");
    print_text(to, name);
    fputs(": ", to);
    print_text(to, value);
    fputc('\n', to);
}

static void print_pairs(FILE *to, const struct field *f, const struct policy *p, int indent)
{
    for (size_t i = 0; f->kind == FIELD_PUBLISH && i < p->n_publish; i++)
        print_pair(to, indent, p->publish[i].key, p->publish[i].value);
    for (size_t i = 0; f->kind == FIELD_VARIABLES && i < p->worker.n_environment; i++)
        print_pair(to, indent, p->worker.environment[i].name, p->worker.environment[i].value);
}

static void print_fields(FILE *to, const struct field *fields, const struct policy *p, int indent)
{
    for (const struct field *f = fields; f->name; f++) {
        if (!given(f, p) || (f->for_kernel && p->owner != OWNER_KERNEL))
            continue;
        fprintf(to, "%*s%s:", indent, "", f->name);
        bool block = f->kind == FIELD_SECTION || f->kind == FIELD_KEYS || f->kind == FIELD_PUBLISH ||
                     f->kind == FIELD_VARIABLES;
        if (block) {
            fputc('\n', to);
        } else {
            fputc(' ', to);
            print_value(to, f, p);
            fputc('\n', to);
        }
        if (f->kind == FIELD_SECTION)
            print_fields(to, f->fields, p, indent + 2);
        else if (f->kind == FIELD_KEYS)
            print_keys(to, f, p);
        else if (block)
            print_pairs(to, f, p, indent + 2);
    }
}

void policy_print(const struct policy *p, FILE *to)
{
    print_fields(to, policy_fields, p, 0);
}
