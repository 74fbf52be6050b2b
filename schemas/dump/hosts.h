/* SPDX-License-Identifier: MIT */
/* A text with listings of several hosts, or of one at several moments: told apart where the text says so.
 * That is where a prompt names another machine that has listed domain 0's directories, too, or where a
 * listing says of a place what contradicts what was said of it before. Whatever does not say so belongs to
 * the host of the listing before. Values; the owner calls dump_hosts_clear(). */
#ifndef XENRECON_DUMP_HOSTS_H
#define XENRECON_DUMP_HOSTS_H

#include "schemas/dump/dump.h"

struct dump_host {
    char name[80]; /* as a prompt says, or else its lines */
    unsigned first, last;
    struct dump *dump;
};

struct dump_hosts {
    struct dump_host *list;
    size_t n, cap;
};

/* As dump_parse(). There is at least one host. */
int dump_hosts_parse(const char *name, const char *text, size_t len, struct dump_hosts *ret_hosts,
                     struct diagnostic *ret_why);
void dump_hosts_clear(struct dump_hosts *h);

#endif
