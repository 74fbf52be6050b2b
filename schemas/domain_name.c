/* SPDX-License-Identifier: MIT */
#include "schemas/domain_name.h"

#include <stdio.h>
#include <string.h>

#include "schemas/printable.h"

const char *domain_name_format(const char *name, uint16_t domid, char buf[static DOMAIN_NAME_SIZE])
{
    char text[64];
    if (name) {
        printable_copy(text, sizeof text, name, strlen(name), false);
        snprintf(buf, DOMAIN_NAME_SIZE, "%s (%u)", text, domid);
    } else {
        snprintf(buf, DOMAIN_NAME_SIZE, "%u", domid);
    }
    return buf;
}
