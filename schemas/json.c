/* SPDX-License-Identifier: MIT */
#include "schemas/json.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "schemas/printable.h"

json_t *jmust(json_t *value)
{
    if (!value) { /* GCOVR_EXCL_START: there is always memory in a test */
        fputs("xenrecon: out of memory\n", stderr);
        abort();
    } /* GCOVR_EXCL_STOP */
    return value;
}

json_t *jobject(void)
{
    return jmust(json_object());
}

json_t *jarray(void)
{
    return jmust(json_array());
}

void jput(json_t *object, const char *key, json_t *value)
{
    if (json_object_set_new_nocheck(object, key, jmust(value))) /* GCOVR_EXCL_BR_LINE: likewise */
        jmust(NULL);                                            /* GCOVR_EXCL_LINE */
}

void jappend(json_t *array, json_t *value)
{
    if (json_array_append_new(array, jmust(value))) /* GCOVR_EXCL_BR_LINE: likewise */
        jmust(NULL);                                /* GCOVR_EXCL_LINE */
}

json_t *jtext(const char *text)
{
    struct arena scratch = {0};
    json_t *value = jmust(text ? json_string(printable(&scratch, text)) : json_null());
    arena_free(&scratch);
    return value;
}

json_t *jcount(uint64_t n)
{
    return jmust(json_integer((json_int_t)n));
}

json_t *jhex(uint64_t n)
{
    char text[17];
    snprintf(text, sizeof text, "%016" PRIx64, n);
    return jmust(json_string(text));
}

json_t *jseconds(uint64_t milliseconds)
{
    return jmust(json_real((double)milliseconds / 1000));
}

json_t *jtime(uint64_t milliseconds)
{
    struct tm tm;
    char text[32];
    time_t seconds = (time_t)(milliseconds / 1000);
    if (!milliseconds || !gmtime_r(&seconds, &tm))
        return jmust(json_null());
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm);
    return jtext(text);
}

char *jline(const json_t *value)
{
    char *text = json_dumps(value, JSON_COMPACT | JSON_REAL_PRECISION(14));
    if (!text)       /* GCOVR_EXCL_BR_LINE: likewise */
        jmust(NULL); /* GCOVR_EXCL_LINE */
    return text;
}

const char *jget_text(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

int64_t jget_int(const json_t *object, const char *key, int64_t otherwise)
{
    const json_t *value = json_object_get(object, key);
    return json_is_integer(value) ? json_integer_value(value) : otherwise;
}

uint64_t jget_hex(const json_t *object, const char *key)
{
    const char *text = jget_text(object, key);
    return text ? strtoull(text, NULL, 16) : 0;
}

double jget_real(const json_t *object, const char *key, double otherwise)
{
    const json_t *value = json_object_get(object, key);
    return json_is_number(value) ? json_number_value(value) : otherwise;
}
