/* SPDX-License-Identifier: MIT */
/* `xenrecon policy new`: a policy to begin with. Written from the table of fields, so that it has them all.
 */
#ifndef XENRECON_POLICY_TEMPLATE_H
#define XENRECON_POLICY_TEMPLATE_H

#include <stdio.h>

/* One for that type, a valid name, which observes only. All that may be said besides stands in it as a
 * comment: a line that begins with # and no space is a field to be turned on. */
void policy_template_print(const char *type, FILE *out);

#endif
