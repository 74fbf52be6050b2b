/* SPDX-License-Identifier: MIT */
/* Where policies come from: folders of `*.yaml`. A file replaces one of the same name in an earlier folder. A
 * set is loaded as a whole or not at all. Blocks on the file system: for start-up and reload.
 *
 * A policy can have commands run as root. So policies that are `obeyed` must belong to root, to our own user
 * or to the owner of this program, and no other user may be able to change them: otherwise -EPERM, for a file
 * and for a folder.
 *
 * The caller owns what is returned. Any thread. Errors are negative errno, explained in *ret_why. */
#ifndef XENRECON_POLICY_DIRS_H
#define XENRECON_POLICY_DIRS_H

#include <stdbool.h>
#include <stddef.h>

#include "schemas/arena.h"
#include "schemas/diagnostic.h"
#include "schemas/policy/policy.h"

struct policy_file {
    const char *name, *path; /* its name in the folder, and the path to open it by */
    size_t found;            /* when: a later one takes the place of an earlier one */
};

/* The files in force, sorted by name. The arena owns the names. */
struct policy_files {
    struct arena arena;
    struct policy_file *list;
    size_t n, cap;
};

/* Finds the files of the named folders, each of which must be there. n_dirs 0: of those default folders that
 * are there, which are the shipped one (for a program in a build folder, ../deploy/policies beside it) and
 * the administrator's policies.d. On failure there is nothing to free. */
int policy_dirs_find(const char *const *dirs, size_t n_dirs, bool obeyed, struct policy_files *ret_files,
                     struct diagnostic *ret_why);
void policy_dirs_free_files(struct policy_files *files);

/* Loads one file, and tells of every mistake in it. */
int policy_dirs_load_file(const char *path, bool obeyed, struct policy **ret_policy,
                          struct mistakes *mistakes);

/* Are its workers' users nobody else's on this host? -EINVAL: they are. Part of loading what is obeyed. */
int policy_dirs_check_users(const struct policy *p, struct diagnostic *ret_why);

/* Adds a policy to the set, which takes it over. Where it has one of the same type: -EEXIST, *ret_why names
 * both files, and `p` is freed. */
int policy_dirs_add(struct policy_set *set, struct policy *p, struct diagnostic *ret_why);

/* Loads all files of policy_dirs_find(dirs, n_dirs, obeyed) as one set. *ret_set is untouched on failure. */
int policy_dirs_load(const char *const *dirs, size_t n_dirs, bool obeyed, struct policy_set *ret_set,
                     struct diagnostic *ret_why);

#endif
