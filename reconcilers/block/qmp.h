/* SPDX-License-Identifier: MIT */
/* Speaks QMP with a program of QEMU's: a command at a time, whose answer is waited for.
 *
 * Of what it answers only that is looked at which decides how to go on, and nothing of it is believed to be
 * well-formed. Errors are negative errno; -EIO: the command has failed, and ret_why says why. All others: the
 * program cannot be spoken with any more. One thread. */
#ifndef XENRECON_BLOCK_QMP_H
#define XENRECON_BLOCK_QMP_H

#include <jansson.h>
#include <stddef.h>

struct qmp {
    int fd;
    /* What the program may wait for while we wait for it; NULL: nothing. */
    int other;
    void (*serve)(void *arg);
    void *arg;
    size_t len;
    char text[16 * 1024]; /* that was read: lines that were not looked at yet */
};

/* fd, the caller's, and what else is to be served, are set. Waits for the greeting. */
int qmp_open(struct qmp *q, char ret_why[256]);

/* A command with its arguments, which are taken over. NULL: they could not be written as JSON, as a text that
 * is no UTF-8; that is -EIO. */
int qmp_do(struct qmp *q, const char *command, json_t *arguments, char ret_why[256]);
/* *ret_answer is what it returns, the caller's. */
int qmp_ask(struct qmp *q, const char *command, json_t *arguments, json_t **ret_answer, char ret_why[256]);
/* The command is not over before this event has come. */
int qmp_do_until(struct qmp *q, const char *command, json_t *arguments, const char *event, char ret_why[256]);

#endif
