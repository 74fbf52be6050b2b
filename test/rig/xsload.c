/* SPDX-License-Identifier: MIT */
/* Loads into the store what `xenstore-ls -f` printed of one: `path = "value"` lines, in one transaction.
 * Lines that are empty or begin with # are skipped. With --clear, what was there before goes in the same
 * transaction; with only
 * --clear, nothing comes instead. */
#include "test/rig/client.h"

struct source {
    const char *name;
    unsigned int line;
};

static void bad(const struct source *s, const char *what) __attribute__((noreturn));
static void bad(const struct source *s, const char *what)
{
    errx(1, "%s:%u: %s", s->name, s->line, what);
}

/* n digits of the base, at most a byte's worth; moves *at behind them. */
static char code(const struct source *s, const char **at, int n, int base)
{
    char digits[4] = "";
    char *end;
    long value;

    memcpy(digits, *at, strnlen(*at, (size_t)n));
    value = strtol(digits, &end, base);
    if (end != digits + n || value > 255 || *digits == '-' || *digits == '+' || *digits == ' ')
        bad(s, "malformed escape");
    *at += n;
    return (char)value;
}

/* In place; returns the new length, as a value may hold NULs. */
static size_t unescape(const struct source *s, char *value)
{
    const char *from = value;
    char *to = value;

    while (*from) {
        char c = *from++;

        if (c == '\\') {
            c = *from;
            if (c >= '0' && c <= '7') {
                c = code(s, &from, 3, 8);
            } else {
                from++;
                if (c == 't')
                    c = '\t';
                else if (c == 'n')
                    c = '\n';
                else if (c == 'r')
                    c = '\r';
                else if (c == 'x')
                    c = code(s, &from, 2, 16);
                else if (c != '\\')
                    bad(s, "unknown escape, or a value that was cut");
            }
        }
        *to++ = c;
    }
    return (size_t)(to - value);
}

/* A quote in a value is not escaped: the value ends at the line's last one. */
static void load_line(const struct source *s, xs_transaction_t t, char *line)
{
    char *equals = strstr(line, " = \""), *quote = strrchr(line, '"'), *value;
    size_t len;

    if (*line != '/' || !equals)
        bad(s, "not an absolute path = \"value\"");
    value = equals + strlen(" = \"");
    if (quote < value)
        bad(s, "no closing quote");
    if (quote[1 + strspn(quote + 1, " \r\n")] != '\0')
        bad(s, "text behind the value");
    *equals = *quote = '\0';
    len = unescape(s, value);
    if (!xs_write(xs, t, line, value, (unsigned int)len))
        bad(s, strerror(errno));
}

static void load(xs_transaction_t t, FILE *in, const char *name)
{
    struct source s = {.name = name};
    char *line = NULL;
    size_t size = 0;
    ssize_t len;

    while ((len = getline(&line, &size, in)) >= 0) {
        s.line++;
        if (strlen(line) != (size_t)len)
            bad(&s, "a NUL byte");
        if (*line != '#' && *line != '\n')
            load_line(&s, t, line);
    }
    if (ferror(in))
        err(1, "%s", name);
    free(line);
}

static void clear(xs_transaction_t t)
{
    static const char *const trees[] = {"/local", "/libxl", "/vm", "/tool"};

    for (size_t i = 0; i < sizeof(trees) / sizeof(*trees); i++)
        drop(t, trees[i]);
}

int main(int argc, char **argv)
{
    bool clearing = argc > 1 && strcmp(argv[1], "--clear") == 0;
    const char *name = argv[clearing ? 2 : 1];
    FILE *in = NULL;
    xs_transaction_t t;

    if (argc != 1 + clearing + (name ? 1 : 0) || (!clearing && !name))
        errx(EXIT_USAGE, "usage: xsload [--clear] FILE | xsload --clear");
    if (name && !(in = fopen(name, "r")))
        err(1, "%s", name);
    client_open();
    do {
        t = begin();
        if (clearing)
            clear(t);
        if (in) {
            rewind(in);
            load(t, in, name);
        }
    } while (!commit(t));
    if (in)
        fclose(in);
    return 0;
}
