/* SPDX-License-Identifier: MIT */
/* Where policies come from: folders of `*.yaml`, of which a later one's file replaces an earlier one's of the
 * same name. A set is loaded as a whole or not at all. Blocks on the file system: for start-up and reload.
 *
 * Who can write a policy has commands run as root. What is `obeyed` must therefore be nobody's but root's,
 * our own user's or that of who owns this program: -EPERM for a file or a folder that somebody else could
 * change.
 */
#ifndef XENRECON_POLICY_DIRS_H
#define XENRECON_POLICY_DIRS_H

#include <stdbool.h>
#include <stddef.h>

#include "schemas/arena.h"
#include "schemas/diagnostic.h"
#include "schemas/policy/policy.h"

struct policy_file {
    const char *name, *path; /* within its folder; to open */
};

/* The files in force, by name; memory is the arena's. */
struct policy_files {
    struct arena arena;
    struct policy_file *list;
    size_t n, cap;
};

/* Of the folders named, each of which must be there. n_dirs 0: of the default ones, those that are there: the
 * shipped folder (for a binary in a build folder, ../deploy/policies beside it), then the administrator's
 * policies.d. 0; or a negative errno, *ret_why, and nothing to free. */
int policy_dirs_find(const char *const *dirs, size_t n_dirs, bool obeyed, struct policy_files *ret_files,
                     struct diagnostic *ret_why);
void policy_dirs_free_files(struct policy_files *files);

/* One file. 0 and *ret_policy; or a negative errno and *ret_why. */
int policy_dirs_load_file(const char *path, bool obeyed, struct policy **ret_policy,
                          struct diagnostic *ret_why);

/* Adds a policy to the set, which takes it over; -EEXIST, *ret_why naming both files, and p freed when there
 * is one of its type. */
int policy_dirs_add(struct policy_set *set, struct policy *p, struct diagnostic *ret_why);

/* All of policy_dirs_find(dirs, n_dirs, obeyed), as one set that replaces nothing: *ret_set is untouched on
 * failure. */
int policy_dirs_load(const char *const *dirs, size_t n_dirs, bool obeyed, struct policy_set *ret_set,
                     struct diagnostic *ret_why);

#endif
