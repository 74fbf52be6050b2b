/* SPDX-License-Identifier: MIT */
#include "schemas/marker.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static int take_hex(const char *text, uint64_t *ret)
{
    static const char digits[] = "0123456789abcdef";
    uint64_t n = 0;
    for (int i = 0; i < 16; i++) {
        const char *d = text[i] ? strchr(digits, text[i]) : NULL;
        if (!d)
            return -EINVAL;
        n = n << 4 | (uint64_t)(d - digits);
    }
    *ret = n;
    return 0;
}

int marker_parse(const char *text, size_t len, struct marker *ret_marker)
{
    struct marker m = {0};
    if ((len != 20 && len != 35) || text[16] != ' ' || text[18] != ' ')
        return -EINVAL;
    if (take_hex(text, &m.incarnation) || xenbus_state_parse(text + 17, 1, &m.wrote))
        return -EINVAL;
    m.connected = len == 35;
    if (m.connected ? take_hex(text + 19, &m.ring) != 0 : text[19] != '-')
        return -EINVAL;
    *ret_marker = m;
    return 0;
}

void marker_format(const struct marker *m, char buf[static MARKER_SIZE])
{
    int n = snprintf(buf, MARKER_SIZE, "%016" PRIx64 " %d ", m->incarnation, (int)m->wrote);
    if (m->connected)
        snprintf(buf + n, MARKER_SIZE - (size_t)n, "%016" PRIx64, m->ring);
    else
        snprintf(buf + n, MARKER_SIZE - (size_t)n, "-");
}
