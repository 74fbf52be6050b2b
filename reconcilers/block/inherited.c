/* SPDX-License-Identifier: MIT */
#include "reconcilers/block/inherited.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "reconcilers/block/say.h"
#include "schemas/value.h"

const char *inherited_text(const char *name)
{
    const char *value = getenv(name);
    if (!value || !*value) {
        say("%s is not set: xenrecon-blk is started by xenrecon", name);
        exit(EXIT_USAGE);
    }
    return value;
}

uint32_t inherited_number(const char *name, uint64_t max)
{
    const char *text = inherited_text(name);
    uint64_t n = 0;
    if (parse_decimal(text, strlen(text), max, &n)) {
        say("%s is no number that can be", name);
        exit(EXIT_USAGE);
    }
    return (uint32_t)n;
}

/* Both positions of the descriptor are ours alone: nobody after us may read it. */
void inherited_token(char token[TOKEN_DIGITS + 1])
{
    int fd = (int)inherited_number("XENRECON_TOKEN_FD", FD_MAX);
    size_t len = 0;
    for (ssize_t n = 1; n && len<TOKEN_DIGITS; len += n> 0 ? (size_t)n : 0) {
        n = read(fd, token + len, TOKEN_DIGITS - len); /* of a pipe, which may take its time */
        if (n < 0 && errno != EINTR)
            break;
    }
    token[TOKEN_DIGITS] = '\0';
    if (len < TOKEN_DIGITS || strspn(token, "0123456789abcdef") != TOKEN_DIGITS) {
        say("no token on XENRECON_TOKEN_FD");
        exit(1);
    }
    close(fd);
}
