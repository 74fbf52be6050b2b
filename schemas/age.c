/* SPDX-License-Identifier: MIT */
#include "schemas/age.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

const char *age_format(double seconds, char buf[static AGE_SIZE])
{
    long s = (long)seconds;
    if (seconds < 0)
        snprintf(buf, AGE_SIZE, "-");
    else if (seconds < 10)
        snprintf(buf, AGE_SIZE, "%.1fs", seconds);
    else if (s < 60)
        snprintf(buf, AGE_SIZE, "%lds", s);
    else if (s < 3600)
        snprintf(buf, AGE_SIZE, "%ldm%02lds", s / 60, s % 60);
    else if (s < 86400)
        snprintf(buf, AGE_SIZE, "%ldh%02ldm", s / 3600, s / 60 % 60);
    else
        snprintf(buf, AGE_SIZE, "%ldd%02ldh", s / 86400, s / 3600 % 24);
    return buf;
}

const char *moment_rfc3339(uint64_t milliseconds, char buf[static MOMENT_SIZE])
{
    time_t seconds = (time_t)(milliseconds / 1000);
    struct tm tm;
    size_t n = gmtime_r(&seconds, &tm) ? strftime(buf, MOMENT_SIZE, "%Y-%m-%dT%H:%M:%S", &tm) : 0;
    snprintf(buf + n, MOMENT_SIZE - n, ".%03uZ", (unsigned)(milliseconds % 1000));
    return buf;
}

bool moment_parse(const char *text, uint64_t *ret_milliseconds)
{
    struct tm tm = {0};
    const char *end = text ? strptime(text, "%Y-%m-%dT%H:%M:%S", &tm) : NULL;
    unsigned ms = 0;
    if (!end || (strcmp(end, "Z") != 0 && sscanf(end, ".%3uZ", &ms) != 1))
        return false;
    time_t seconds = timegm(&tm);
    if (seconds < 0)
        return false;
    *ret_milliseconds = (uint64_t)seconds * 1000 + ms;
    return true;
}

const char *moment_format(uint64_t milliseconds, char buf[static MOMENT_SIZE])
{
    time_t seconds = (time_t)(milliseconds / 1000);
    struct tm tm;
    buf[0] = '\0';
    if (gmtime_r(&seconds, &tm))
        strftime(buf, MOMENT_SIZE, "%Y-%m-%d %H:%M:%S UTC", &tm);
    return buf;
}
