/* SPDX-License-Identifier: MIT */
/* The engine in simulated worlds:
 *
 *   sim --search                      every schedule of a few small ones
 *   sim --search STEPS                of more of them, as far as it comes with so many steps
 *   sim --pairs [STEPS]               likewise, of worlds of two devices
 *   sim --random SCHEDULES [--seed N] long schedules made of chance
 *   sim --replay FILE [--export DIR]  one schedule, step by step; how the store is when it fails, as a golden
 * case */
#include "test/sim/sim.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "test/sim/sim_policy.h"
#include "test/sim/sim_random.h"
#include "test/sim/sim_search.h"
#include "test/sim/sim_world.h"

enum { QUICK = 600 * 1000, QUICK_PAIRS = 150 * 1000 }; /* steps, where no number is given */

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

static int run_random(uint64_t schedules, uint64_t seed)
{
    struct sim_figures f = {0};
    struct sim_schedule failing;
    double begun = seconds();
    do
        if (!sim_random_run(seed, &f, &failing))
            return fail(&failing, seed);
    while (seed++, f.schedules < schedules);
    printf("random: %" PRIu64 " schedules, %" PRIu64 " steps, %" PRIu64 " commits, %" PRIu64
           " tasks for workers, %.1f s\n",
           f.schedules, f.steps, f.commits, f.tasks, seconds() - begun);
    return EXIT_SUCCESS;
}

/* ---- every schedule ---- */

#define COUNT(list) (sizeof(list) / sizeof *(list))
#define WORLD       .counted = 1, .prompt = 1, .settled = 1, .run_on = 1
#define SMALL       .devices = 1, WORLD
#define PAIR        .devices = 2, WORLD
/* in a driver domain, scripts run by us */
#define KERNEL(says) .owner = OWNER_KERNEL, .hotplug = (says), .driver_domain = 1
#define FRONT(n)     (1u << (n))
#define ALL          0xffffu

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
    {"another guest of that number", {SMALL, .deaths = 1, .returns = 1}, FRONT(0), ALL},
    {"the same, a worker", {SMALL, .worker = 1, .deaths = 1, .returns = 1}, FRONT(0), FRONT(0) | FRONT(2)},
    {"orphans are removed", {SMALL, .orphans = 1, .deaths = 1}, FRONT(0), FRONT(0) | FRONT(3)},
    {"a device model comes", {SMALL, .models = 1}, FRONT(0), FRONT(0) | FRONT(2) | FRONT(4)},
    {"a device model comes, a worker", {SMALL, .worker = 1, .models = 1}, FRONT(0), FRONT(0) | FRONT(2)},
    {"other policies come", {SMALL, .reloads = 1}, FRONT(0), FRONT(0) | FRONT(2) | FRONT(4)},
    {"other policies come, a worker", {SMALL, .worker = 1, .reloads = 1}, FRONT(0), FRONT(0) | FRONT(2)},
    {"a kernel's", {SMALL, .owner = OWNER_KERNEL}, FRONT(0) | FRONT(4), ALL},
    {"hotplug", {SMALL, .owner = OWNER_KERNEL, .hotplug = 1}, FRONT(0) | FRONT(4), ALL},
    {"hotplug, a script fails", {SMALL, KERNEL(1), .mishaps = 1}, FRONT(0), FRONT(0) | FRONT(2)},
    {"hotplug, the controller dies", {SMALL, KERNEL(1), .crashes = 1}, FRONT(0), FRONT(0) | FRONT(2)},
    {"hotplug, other policies come", {SMALL, KERNEL(1), .reloads = 1}, FRONT(0), FRONT(0) | FRONT(2)},
    {"hotplug, the guest dies", {SMALL, KERNEL(1), .orphans = 1, .deaths = 1}, FRONT(0), FRONT(0) | FRONT(2)},
};

/* The second device's frontend connects, its toolstack does nothing more, unless it says otherwise here. */
static const struct scenario pairs[] = {
    {"beside another of the guest", {PAIR, .calm = 1}, FRONT(0) | FRONT(4), ALL},
    {"beside another, workers", {PAIR, .calm = 1, .worker = 1}, FRONT(0), FRONT(0) | FRONT(2)},
    {"beside another, the controller dies", {PAIR, .calm = 1, .crashes = 1}, FRONT(0), ALL},
    {"beside another, the store dies", {PAIR, .calm = 1, .losses = 1}, FRONT(0), FRONT(0) | FRONT(2)},
    {"beside another, a fault", {PAIR, .calm = 1, .faults = 1}, FRONT(0), FRONT(0) | FRONT(2)},
    {"beside another, both are removed",
     {PAIR, .calm = 1, .removes = 1, .toolstack1 = 2},
     FRONT(0),
     FRONT(2)},
    {"beside another guest's", {PAIR, .calm = 1, .two_guests = 1}, FRONT(0) | FRONT(4), ALL},
    {"beside another guest's, one dies", {PAIR, .calm = 1, .two_guests = 1, .deaths = 1}, FRONT(0), ALL},
    {"beside another kernel's", {PAIR, KERNEL(1), .calm = 1}, FRONT(0), FRONT(0) | FRONT(2)},
    {"beside another, other policies", {PAIR, .calm = 1, .reloads = 1}, FRONT(0), FRONT(0) | FRONT(2)},
    {"two of a guest at once", {PAIR}, FRONT(0), FRONT(0) | FRONT(2)},
    {"two of a guest at once, a worker each", {PAIR, .worker = 1}, FRONT(0), FRONT(0) | FRONT(2)},
    {"two guests' at once", {PAIR, .two_guests = 1}, FRONT(0), FRONT(0) | FRONT(2)},
};

/* Quick: the first frontend, and a toolstack that does nothing, or detaches. */
static bool chosen(const struct scenario *x, bool quick, unsigned front, unsigned tool)
{
    bool first = front == 0 && (tool == 0 || (tool == 2 && !x->setup.mishaps));
    return (!quick || first) && x->fronts & FRONT(front) && x->tools & FRONT(tool);
}

/* With each of its programs, for equal parts of the steps that are left. */
static bool run_scenario(const struct scenario *x, bool quick, uint64_t steps, struct sim_searched *f,
                         struct sim_schedule *ret_failing)
{
    enum { PROGRAMS = COUNT(frontends) * COUNT(toolstacks) };
    unsigned left = 0;
    for (unsigned i = 0; i < PROGRAMS; i++)
        left += chosen(x, quick, i / COUNT(toolstacks), i % COUNT(toolstacks));
    for (unsigned i = 0; i < PROGRAMS; i++) {
        struct sim_setup s = x->setup;
        s.frontend0 = i / COUNT(toolstacks);
        s.toolstack0 = i % COUNT(toolstacks);
        if (chosen(x, quick, s.frontend0, s.toolstack0) &&
            !sim_search(&s, (steps - f->steps) / left--, f, ret_failing))
            return false;
    }
    return true;
}

/* One after the other, each for its share of the steps that are left. */
static int run_search(const struct scenario *list, size_t n, uint64_t steps, bool quick)
{
    struct sim_searched all = {0};
    struct sim_schedule failing;
    double begun = seconds();
    for (size_t i = 0; i < n; i++) {
        struct sim_searched f = {.complete = true};
        double since = seconds();
        if (!run_scenario(&list[i], quick, (steps - all.steps) / (n - i), &f, &failing))
            return fail(&failing, 0);
        printf("search: %-38s %8" PRIu64 " states, %5.1f s%s\n", list[i].name, f.states, seconds() - since,
               f.complete ? "" : ", not all of them");
        fflush(stdout);
        all.schedules += f.schedules;
        all.states += f.states;
        all.steps += f.steps;
        all.rests += f.rests;
    }
    printf("search: %" PRIu64 " schedules, %" PRIu64 " states, %" PRIu64 " steps, %" PRIu64
           " followed to their end, %.1f s\n",
           all.schedules, all.states, all.steps, all.rests, seconds() - begun);
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

static uint64_t number(const char *text)
{
    return strtoull(text, NULL, 10);
}

static int usage(void)
{
    fputs("usage: sim --search [STEPS] | --pairs [STEPS] | --random SCHEDULES [--seed N] | --replay FILE "
          "[--export DIR]\n",
          stderr);
    return 64;
}

static int run(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "--search") == 0)
        return run_search(scenarios, COUNT(scenarios), number(argv[2]), false);
    if (argc == 2 && strcmp(argv[1], "--search") == 0)
        return run_search(scenarios, COUNT(scenarios), QUICK, true);
    if (argc == 3 && strcmp(argv[1], "--pairs") == 0)
        return run_search(pairs, COUNT(pairs), number(argv[2]), false);
    if (argc == 2 && strcmp(argv[1], "--pairs") == 0)
        return run_search(pairs, COUNT(pairs), QUICK_PAIRS, true);
    if (argc == 3 && strcmp(argv[1], "--replay") == 0)
        return replay(argv[2], NULL);
    if (argc == 5 && strcmp(argv[1], "--replay") == 0 && strcmp(argv[3], "--export") == 0)
        return replay(argv[2], argv[4]);
    if (argc >= 3 && strcmp(argv[1], "--random") == 0) {
        bool seeded = argc == 5 && strcmp(argv[3], "--seed") == 0;
        return run_random(number(argv[2]), seeded ? number(argv[4]) : 1);
    }
    return usage();
}

int main(int argc, char **argv)
{
    int status = run(argc, argv);
    sim_policies_free();
    return status;
}
