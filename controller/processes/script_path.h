/* SPDX-License-Identifier: MIT */
/* May a hotplug script of this name be run? The name comes from the store and is not trusted.
 *
 * Only a regular file beneath the directory may, reached without a symbolic link. It, its directories and all
 * directories above must belong to root, and no other user may be able to change them. So it can be run by
 * its path, by which Xen's scripts find each other.
 *
 * Any thread. */
#ifndef XENRECON_SCRIPT_PATH_H
#define XENRECON_SCRIPT_PATH_H

struct arena;

/* Returns NULL, or what is wrong, to follow the script's name. Either way *ret_path is what to call it, in
 * the arena: its absolute path where it is beneath the directory, which is absolute as well. */
const char *script_path_check(struct arena *a, const char *directory, const char *name, char **ret_path);

#endif
