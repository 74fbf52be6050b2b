/* SPDX-License-Identifier: MIT */
/* A descriptor that goes with a text from one process to another, through a socket (SCM_RIGHTS). */
#ifndef XENRECON_BLOCK_DESCRIPTOR_H
#define XENRECON_BLOCK_DESCRIPTOR_H

#include <sys/types.h>

/* At least one byte. -1: none goes with it. 0, or -1 and errno: EPROTO where only a part could be sent. */
int descriptor_send(int socket, const void *text, size_t len, int fd);

/* What was sent, as much of it as has come; *ret_fd is the caller's; -1: none has come with it. As recv(). */
ssize_t descriptor_receive(int socket, void *text, size_t size, int *ret_fd);

#endif
