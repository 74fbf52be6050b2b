/* SPDX-License-Identifier: MIT */
/* The engine in simulated worlds:
 *
 *   sim --search SECONDS              every schedule of small ones
 *   sim --random SECONDS [--seed N]   long schedules made of chance
 *   sim --replay FILE                 one schedule, step by step */
#include "test/sim/sim.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "test/sim/sim_random.h"
#include "test/sim/sim_search.h"
#include "test/sim/sim_world.h"

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int fail(struct sim_schedule *s, uint64_t seed)
{
    char failed[512];
    size_t n = s->n;
    printf("seed %" PRIu64 " fails; making it shorter\n", seed);
    fflush(stdout);
    sim_shrink(s);
    sim_replay(s, false, failed);
    printf("# %s (from %zu steps)\n", failed, n);
    sim_schedule_print(s, stdout);
    sim_schedule_free(s);
    return EXIT_FAILURE;
}

static int run_random(double limit, uint64_t seed)
{
    struct sim_figures f = {0};
    struct sim_schedule failing;
    double begun = seconds();
    do
        if (!sim_random_run(seed, &f, &failing))
            return fail(&failing, seed);
    while (seed++, seconds() - begun < limit);
    printf("random: %" PRIu64 " schedules, %" PRIu64 " steps, %" PRIu64 " commits, %" PRIu64
           " tasks for workers, %.1f s\n",
           f.schedules, f.steps, f.commits, f.tasks, seconds() - begun);
    return EXIT_SUCCESS;
}

/* ---- every schedule ---- */

/* All frontends with all toolstacks, and one thing that goes wrong. */
static const struct sim_setup scenarios[] = {
    {.devices = 1, .counted = 1, .prompt = 1, .settled = 1, .run_on = 1},
    {.devices = 1, .counted = 1, .prompt = 1, .settled = 1, .run_on = 1, .worker = 1},
};

static int run_search(double limit)
{
    struct sim_searched f = {0};
    struct sim_schedule failing;
    double begun = seconds();
    for (size_t i = 0; i < sizeof scenarios / sizeof *scenarios; i++)
        for (unsigned front = 0; front < 11; front++)
            for (unsigned tool = 0; tool < 6; tool++) {
                struct sim_setup s = scenarios[i];
                double since = seconds();
                uint64_t states = f.states;
                s.frontend0 = front;
                s.toolstack0 = tool;
                if (!sim_search(&s, begun + limit, seconds, &f, &failing))
                    return fail(&failing, i);
                printf("%zu %u %u: %" PRIu64 " states %.2f s%s\n", i, front, tool, f.states - states,
                       seconds() - since, f.complete ? "" : " (cut)");
            }
    printf("search: %" PRIu64 " schedules, %" PRIu64 " states, %" PRIu64 " ends, %.1f s\n", f.schedules,
           f.states, f.rests, seconds() - begun);
    return EXIT_SUCCESS;
}

static int replay(const char *file)
{
    char failed[512];
    unsigned line;
    struct sim_schedule s;
    FILE *from = fopen(file, "re");
    if (!from || sim_schedule_read(&s, from, &line)) {
        fprintf(stderr, "sim: %s: %s\n", file, from ? "not a schedule" : strerror(errno));
        if (from)
            fclose(from);
        return EXIT_FAILURE;
    }
    fclose(from);
    sim_verbose = true;
    sim_replay(&s, true, failed);
    printf("%s\n", failed[0] ? failed : "nothing is wrong with it");
    sim_schedule_free(&s);
    return failed[0] ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int usage(void)
{
    fputs("usage: sim --search SECONDS | --random SECONDS [--seed N] | --replay FILE\n", stderr);
    return 64;
}

static int run(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "--search") == 0)
        return run_search(atof(argv[2]));
    if (argc == 3 && strcmp(argv[1], "--replay") == 0)
        return replay(argv[2]);
    if (argc >= 3 && strcmp(argv[1], "--random") == 0) {
        bool seeded = argc == 5 && strcmp(argv[3], "--seed") == 0;
        return run_random(atof(argv[2]), seeded ? strtoull(argv[4], NULL, 10) : 1);
    }
    return usage();
}

int main(int argc, char **argv)
{
    int status = run(argc, argv);
    sim_engine_forget();
    return status;
}
