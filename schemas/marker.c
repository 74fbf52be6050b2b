/* SPDX-License-Identifier: MIT */
#include "schemas/marker.h"

#include <errno.h>

static int take_hex(const char *text, uint64_t *ret)
{
    uint64_t n = 0;
    for (int i = 0; i < 16; i++) {
        unsigned digit = (unsigned char)text[i] - (unsigned)'0';
        unsigned letter = (unsigned char)text[i] - (unsigned)'a';
        if (digit > 9 && letter > 5)
            return -EINVAL;
        n = n << 4 | (digit <= 9 ? digit : letter + 10);
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

static char *put_hex(char *to, uint64_t n)
{
    for (int shift = 60; shift >= 0; shift -= 4)
        *to++ = "0123456789abcdef"[n >> shift & 15];
    return to;
}

/* No printf: this is part of each decision that writes. */
void marker_format(const struct marker *m, char buf[static MARKER_SIZE])
{
    char *to = put_hex(buf, m->incarnation);
    *to++ = ' ';
    *to++ = (char)('0' + (int)m->wrote);
    *to++ = ' ';
    if (m->connected)
        to = put_hex(to, m->ring);
    else
        *to++ = '-';
    *to = '\0';
}
