/* SPDX-License-Identifier: MIT */
/* Which boot this is. Processes and times of another boot are gone, whatever their numbers. Any thread. */
#ifndef XENRECON_BOOT_ID_H
#define XENRECON_BOOT_ID_H

enum { BOOT_ID_SIZE = 40 };

/* A word. Errors are negative errno. */
int boot_id(char ret_id[static BOOT_ID_SIZE]);

#endif
