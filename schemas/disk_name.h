/* SPDX-License-Identifier: MIT */
/* What a guest calls the disk whose devid is a number of libxl's: xvda, sdb1, hdc. Source:
 * docs/man/xen-vbd-interface.7 of Xen. Pure. */
#ifndef XENRECON_DISK_NAME_H
#define XENRECON_DISK_NAME_H

#include <stdbool.h>

enum { DISK_NAME_SIZE = 24 };

/* False: this numbers no disk. */
bool disk_name_of_devid(const char *devid, char buf[static DISK_NAME_SIZE]);

#endif
