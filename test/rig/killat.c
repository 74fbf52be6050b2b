/* SPDX-License-Identifier: MIT */
/* Kills a program at one of its moments:   killat PID ADDRESS
 *
 * When it comes to that address of its own code, as `nm` has it, it is killed as by kill -9, before the
 * instruction there; then this ends, with 0. Says `armed` when the address is watched. */
#include <err.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

/* What stops there, by processor. */
#if defined __x86_64__
static const unsigned char stop[] = {0xcc};
#elif defined __aarch64__
static const unsigned char stop[] = {0, 0, 0x20, 0xd4};
#else
static const unsigned char stop[] = {2, 0x90};
#endif

/* Where its program lies in its memory. */
static uintptr_t base_of(pid_t pid)
{
    char path[64];
    uintptr_t base = 0;
    FILE *maps;

    snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
    maps = fopen(path, "re");
    if (!maps || fscanf(maps, "%" SCNxPTR, &base) != 1)
        err(1, "%s", path);
    fclose(maps);
    return base;
}

static void arm(pid_t pid, uintptr_t at)
{
    long word;

    errno = 0;
    word = ptrace(PTRACE_PEEKTEXT, pid, at, NULL);
    if (errno)
        err(1, "address %#" PRIxPTR, at);
    memcpy(&word, stop, sizeof(stop));
    if (ptrace(PTRACE_POKETEXT, pid, at, word) != 0)
        err(1, "address %#" PRIxPTR, at);
}

int main(int argc, char **argv)
{
    pid_t pid = argc == 3 ? atoi(argv[1]) : 0;
    int status, signal = 0;

    if (pid <= 0)
        errx(64, "usage: killat PID ADDRESS");
    if (ptrace(PTRACE_ATTACH, pid, NULL, NULL) != 0 || waitpid(pid, &status, 0) != pid)
        err(1, "process %d", (int)pid);
    arm(pid, base_of(pid) + strtoull(argv[2], NULL, 16));
    puts("armed");
    fflush(stdout);
    for (;;) {
        if (ptrace(PTRACE_CONT, pid, NULL, signal) != 0 || waitpid(pid, &status, 0) != pid)
            err(1, "process %d", (int)pid);
        if (!WIFSTOPPED(status))
            errx(1, "it ended by itself");
        signal = WSTOPSIG(status);
        if (signal == SIGTRAP)
            break;
    }
    kill(pid, SIGKILL);
    return 0;
}
