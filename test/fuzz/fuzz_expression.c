/* SPDX-License-Identifier: MIT */
/* An expression of a policy (up to the first newline) and a value of a guest (the rest): neither may keep us
 * busy, whatever they are. */
#include "schemas/policy/regex.h"

#include <time.h>

#include "test/fuzz/fuzz.h"

/* Of the processor's time, so that a busy machine makes no difference: a moment, with a sanitizer. */
enum { MOMENT_MS = 2000 };

static long milliseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_string(data, size), *subject = strchr(text, '\n');
    char why[EXPRESSION_WHY_SIZE] = "";
    regex_t regex;
    if (subject)
        *subject++ = '\0';
    long begin = milliseconds(), compiled, matched;
    int error = expression_compile(text, &regex, why);
    compiled = milliseconds();
    holds(compiled - begin < MOMENT_MS, "%ld ms to compile %s", compiled - begin, text);
    if (error) {
        holds(*why && memchr(why, '\0', sizeof why), "no reason");
        holds_printable(why, strlen(why), false);
    } else {
        bool once = regexec(&regex, subject ? subject : "", 0, NULL, 0) == 0;
        matched = milliseconds();
        holds(matched - compiled < MOMENT_MS, "%ld ms to match %s", matched - compiled, text);
        holds(once == (regexec(&regex, subject ? subject : "", 0, NULL, 0) == 0), "once it matches");
        regfree(&regex);
    }
    free(text);
    return 0;
}
