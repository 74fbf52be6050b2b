/* SPDX-License-Identifier: MIT */
/* The engine in simulated worlds:
 *
 *   sim --search                      every schedule of a few small ones
 *   sim --search SECONDS              of more of them, as far as it comes
 *   sim --random SECONDS [--seed N]   long schedules made of chance
 *   sim --replay FILE [--export DIR]  one schedule, step by step; how the store is when it fails, as a golden
 * case */
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
    sim_replay(s, false, NULL, failed);
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

#define SMALL    .devices = 1, .counted = 1, .prompt = 1, .settled = 1, .run_on = 1
#define FRONT(n) (1u << (n))
#define ALL      0xffffu

/* With these frontends and toolstacks of test/lib/programs.h. */
static const struct scenario {
    const char *name;
    struct sim_setup setup;
    unsigned fronts, tools;
} scenarios[] = {
    {"no worker", {SMALL}, ALL, ALL},
    {"a worker", {SMALL, .worker = 1}, FRONT(0) | FRONT(4), ALL},
    {"the controller dies", {SMALL, .crashes = 1}, FRONT(0) | FRONT(4), ALL},
    {"the controller dies, a worker",
     {SMALL, .worker = 1, .crashes = 1},
     FRONT(0),
     FRONT(0) | FRONT(2) | FRONT(4)},
    {"the store dies", {SMALL, .losses = 1}, FRONT(0) | FRONT(4), ALL},
    {"the store is empty then", {SMALL, .losses = 2}, FRONT(0), FRONT(0) | FRONT(2)},
    {"the store dies, a worker", {SMALL, .worker = 1, .losses = 1}, FRONT(0), FRONT(0) | FRONT(2)},
    {"the guest dies", {SMALL, .deaths = 1}, FRONT(0) | FRONT(4), ALL},
    {"the guest dies, a worker", {SMALL, .worker = 1, .deaths = 1}, FRONT(0), FRONT(0) | FRONT(2)},
    {"a worker's mishap", {SMALL, .worker = 1, .mishaps = 1}, FRONT(0), FRONT(0) | FRONT(2)},
    {"a request fails, or an event is lost", {SMALL, .faults = 1}, FRONT(0), FRONT(0) | FRONT(2) | FRONT(4)},
    {"the same, a worker", {SMALL, .worker = 1, .faults = 1}, FRONT(0), FRONT(0) | FRONT(2)},
    {"removes what is left", {SMALL, .removes = 1}, FRONT(0), ALL},
    {"in a driver domain", {SMALL, .driver_domain = 1}, FRONT(0) | FRONT(4), ALL},
    {"key by key", {SMALL, .piecemeal = 1}, FRONT(0), FRONT(0) | FRONT(2)},
    {"cycle: on-closed", {SMALL, .on_closed = 1}, FRONT(0) | FRONT(4), ALL},
};

/* Quick: the first frontend, and a toolstack that does nothing, or detaches. */
static bool run_scenario(const struct scenario *x, bool quick, double until, struct sim_searched *f,
                         struct sim_schedule *ret_failing)
{
    unsigned fronts = quick ? FRONT(0) : x->fronts, tools = quick ? FRONT(0) : x->tools;
    if (quick && !x->setup.mishaps)
        tools |= FRONT(2);
    for (unsigned front = 0; front < sizeof frontends / sizeof *frontends; front++)
        for (unsigned tool = 0; tool < sizeof toolstacks / sizeof *toolstacks; tool++) {
            struct sim_setup s = x->setup;
            s.frontend0 = front;
            s.toolstack0 = tool;
            if (fronts & FRONT(front) && tools & x->tools & FRONT(tool) &&
                !sim_search(&s, until, seconds, f, ret_failing))
                return false;
        }
    return true;
}

static int run_search(double limit, bool quick)
{
    struct sim_searched all = {0};
    struct sim_schedule failing;
    double begun = seconds();
    for (size_t i = 0; i < sizeof scenarios / sizeof *scenarios; i++) {
        struct sim_searched f = {.complete = true};
        double since = seconds(), left = begun + limit - since;
        size_t more = sizeof scenarios / sizeof *scenarios - i;
        double share = left / (double)more;
        if (!run_scenario(&scenarios[i], quick, since + share, &f, &failing))
            return fail(&failing, 0);
        printf("search: %-38s %8" PRIu64 " states, %5.1f s%s\n", scenarios[i].name, f.states,
               seconds() - since, f.complete ? "" : ", not all of them");
        fflush(stdout);
        all.schedules += f.schedules;
        all.states += f.states;
        all.rests += f.rests;
    }
    printf("search: %" PRIu64 " schedules, %" PRIu64 " states, %" PRIu64 " followed to their end, %.1f s\n",
           all.schedules, all.states, all.rests, seconds() - begun);
    return EXIT_SUCCESS;
}

static int replay(const char *file, const char *export)
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
    sim_replay(&s, true, export, failed);
    printf("%s\n", failed[0] ? failed : "nothing is wrong with it");
    sim_schedule_free(&s);
    return failed[0] ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int usage(void)
{
    fputs("usage: sim --search [SECONDS] | --random SECONDS [--seed N] | --replay FILE [--export DIR]\n",
          stderr);
    return 64;
}

static int run(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "--search") == 0)
        return run_search(atof(argv[2]), false);
    if (argc == 2 && strcmp(argv[1], "--search") == 0)
        return run_search(60, true);
    if (argc == 3 && strcmp(argv[1], "--replay") == 0)
        return replay(argv[2], NULL);
    if (argc == 5 && strcmp(argv[1], "--replay") == 0 && strcmp(argv[3], "--export") == 0)
        return replay(argv[2], argv[4]);
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
