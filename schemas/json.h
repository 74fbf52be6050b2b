/* SPDX-License-Identifier: MIT */
/* Building JSON for those who read our reports: what jansson cannot allocate ends the program, as any memory
 * does, and every text is made printable (schemas/printable.h), so that it is valid UTF-8 and harmless on a
 * terminal. A `json_t *` that is given to one of these is taken over. */
#ifndef XENRECON_JSON_H
#define XENRECON_JSON_H

#include <jansson.h>
#include <stdint.h>

json_t *jmust(json_t *value) __attribute__((returns_nonnull)); /* aborts on NULL */
json_t *jobject(void) __attribute__((returns_nonnull));
json_t *jarray(void) __attribute__((returns_nonnull));
void jput(json_t *object, const char *key, json_t *value);
void jappend(json_t *array, json_t *value);

json_t *jtext(const char *text) __attribute__((returns_nonnull)); /* NULL: null */
json_t *jcount(uint64_t n) __attribute__((returns_nonnull));
/* A 64-bit number that is a name rather than a quantity: 16 hex digits, which no reader rounds. */
json_t *jhex(uint64_t n) __attribute__((returns_nonnull));
/* A time, in milliseconds since 1970: RFC 3339, in UTC; 0: null. */
json_t *jtime(uint64_t milliseconds) __attribute__((returns_nonnull));
json_t *jseconds(uint64_t milliseconds) __attribute__((returns_nonnull));

/* On one line, for free(). */
char *jline(const json_t *value) __attribute__((returns_nonnull));

/* Reading what another program sent: what is not there, or of another kind, is NULL or `otherwise`. */
const char *jget_text(const json_t *object, const char *key);
int64_t jget_int(const json_t *object, const char *key, int64_t otherwise);
uint64_t jget_hex(const json_t *object, const char *key);
double jget_real(const json_t *object, const char *key, double otherwise); /* any number */

#endif
