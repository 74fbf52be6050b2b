/* SPDX-License-Identifier: MIT */
#include "schemas/disk_name.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "schemas/value.h"

/* Linux's major numbers, the disk's first number below, and how many minor numbers a disk has, as a power of
 * two. */
static const struct {
    const char *prefix;
    unsigned major, first, bits;
} majors[] = {{"xvd", 202, 0, 4}, {"sd", 8, 0, 4}, {"hd", 3, 0, 6}, {"hd", 22, 2, 6}};

enum { EXTENDED_BIT = 28 };

/* a to z, aa to zz, aaa … */
static void write_name(const char *prefix, uint32_t disk, uint32_t partition, char buf[static DISK_NAME_SIZE])
{
    char letters[8] = "", number[12] = "";
    size_t at = sizeof letters - 1;
    uint32_t left = disk + 1;
    do {
        left--;
        letters[--at] = (char)('a' + left % 26);
        left /= 26;
    } while (left);
    if (partition)
        snprintf(number, sizeof number, "%" PRIu32, partition);
    snprintf(buf, DISK_NAME_SIZE, "%s%s%s", prefix, letters + at, number);
}

bool disk_name_of_devid(const char *devid, char buf[static DISK_NAME_SIZE])
{
    uint64_t number;
    if (parse_decimal(devid, strlen(devid), (UINT64_C(1) << (EXTENDED_BIT + 1)) - 1, &number))
        return false;
    uint32_t n = (uint32_t)number;
    if (n >> EXTENDED_BIT) {
        write_name("xvd", n >> 8 & 0xfffff, n & 0xff, buf);
        return true;
    }
    for (size_t i = 0; i < sizeof majors / sizeof *majors; i++)
        if (n >> 8 == majors[i].major) {
            uint32_t minor = n & 0xff, bits = majors[i].bits;
            if (bits == 6 && minor >> bits > 1)
                return false;
            write_name(majors[i].prefix, majors[i].first + (minor >> bits), minor & ((1U << bits) - 1), buf);
            return true;
        }
    return false;
}
