/* SPDX-License-Identifier: MIT */
#include "test/sim/sim_schedule.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "schemas/mem.h"

static const char *const names[] = {
#define X(name, text) text,
    SIM_STEPS(X)
#undef X
};

const char *sim_step_name(enum sim_step_kind kind)
{
    return names[kind];
}

void sim_schedule_add(struct sim_schedule *s, struct sim_step step)
{
    xgrow(&s->steps, &s->cap, s->n + 1, sizeof *s->steps);
    s->steps[s->n++] = step;
}

void sim_schedule_free(struct sim_schedule *s)
{
    free(s->steps);
    *s = (struct sim_schedule){0};
}

void sim_schedule_print(const struct sim_schedule *s, FILE *to)
{
    static const struct sim_setup nothing;
#define X(name)                        \
    if (s->setup.name != nothing.name) \
        fprintf(to, "%s=%u\n", #name, s->setup.name);
    SIM_SETUP(X)
#undef X
    for (size_t i = 0; i < s->n; i++)
        fprintf(to, "%s %u\n", names[s->steps[i].kind], s->steps[i].n);
}

static bool read_setup(struct sim_setup *setup, const char *name, unsigned n)
{
#define X(field)                     \
    if (strcmp(name, #field) == 0) { \
        setup->field = n;            \
        return true;                 \
    }
    SIM_SETUP(X)
#undef X
    return false;
}

static bool read_line(struct sim_schedule *s, const char *line)
{
    char name[32];
    unsigned n = 0;
    if (line[0] == '#' || line[0] == '\n')
        return true;
    if (sscanf(line, "%31[a-z0-9_]=%u", name, &n) == 2)
        return read_setup(&s->setup, name, n);
    n = 0;
    if (sscanf(line, "%31[a-z-] %u", name, &n) < 1)
        return false;
    for (int kind = 0; kind < STEP_COUNT; kind++)
        if (strcmp(name, names[kind]) == 0) {
            sim_schedule_add(s, (struct sim_step){(enum sim_step_kind)kind, n});
            return true;
        }
    return false;
}

int sim_schedule_read(struct sim_schedule *ret, FILE *from, unsigned *ret_line)
{
    char line[1024];
    *ret = (struct sim_schedule){0};
    for (*ret_line = 1; fgets(line, sizeof line, from); ++*ret_line)
        if (!read_line(ret, line)) {
            sim_schedule_free(ret);
            return -EINVAL;
        }
    return 0;
}
