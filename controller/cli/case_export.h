/* SPDX-License-Identifier: MIT */
/* Writes a device's case as a folder that a test can run: policy.yaml, store (as `xenstore-ls -f` prints it)
 * and expected (the report as text). Secrets are replaced in all three. Blocks. One thread. */
#ifndef XENRECON_CASE_EXPORT_H
#define XENRECON_CASE_EXPORT_H

#include "schemas/policy/policy.h"
#include "schemas/view.h"

/* The folder must not exist. `name`: of the frontend's domain, or NULL. 0; or a negative errno, which was
 * logged. */
int case_export_write(const char *directory, const struct policy *policy, const struct view *view,
                      const char *name);

#endif
