/* SPDX-License-Identifier: MIT */
/* How a domain is called where people read of it. Pure. */
#ifndef XENRECON_DOMAIN_NAME_H
#define XENRECON_DOMAIN_NAME_H

#include <stdint.h>

enum { DOMAIN_NAME_SIZE = 80 };

/* `web (7)`, fit for a terminal; `7` where the name is NULL. A long name is cut. Returns buf. */
const char *domain_name_format(const char *name, uint16_t domid, char buf[static DOMAIN_NAME_SIZE]);

#endif
