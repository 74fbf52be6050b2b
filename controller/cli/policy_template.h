/* SPDX-License-Identifier: MIT */
/* `xenrecon policy new`: a policy to begin with. Written from the table of fields, so that it has all of
 * them. One thread. */
#ifndef XENRECON_POLICY_TEMPLATE_H
#define XENRECON_POLICY_TEMPLATE_H

#include <stdio.h>

/* Prints one for this type, a valid name. It observes only. All other fields stand in it as comments: a line
 * that begins with # and no space becomes a field when the # is taken away. */
void policy_template_print(const char *type, FILE *out);

#endif
