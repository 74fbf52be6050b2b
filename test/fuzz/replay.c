/* SPDX-License-Identifier: MIT */
/* In libFuzzer's place: feeds a target with the files that are named, once each. For compilers without
 * libFuzzer, and for coverage. */
#include "schemas/mem.h"
#include "test/fuzz/fuzz.h"

static void feed(const char *path)
{
    uint8_t *data = NULL;
    size_t n = 0, cap = 0, got;
    FILE *f = fopen(path, "re");
    holds(f, "%s cannot be opened", path);
    do {
        xgrow(&data, &cap, n + 4096, 1);
        got = fread(data + n, 1, 4096, f);
        n += got;
    } while (got);
    fclose(f);
    LLVMFuzzerTestOneInput(data, n);
    free(data);
}

int main(int argc, char **argv)
{
    if (LLVMFuzzerInitialize)
        LLVMFuzzerInitialize(&argc, &argv);
    for (int i = 1; i < argc; i++)
        feed(argv[i]);
    return 0;
}
