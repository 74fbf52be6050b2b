/* SPDX-License-Identifier: MIT */
/* What must never be asked of workers and scripts; and whether the engine knew that there is something to do.
 */
#include "test/sim/sim_world.h"

void sim_check_task(struct sim_world *w, struct sim_device *d, const struct action *a)
{
    bool fresh = d->decided_in > d->touched; /* nobody has moved since it was decided */
    if (a->task == TASK_START && a->incarnation != d->kept)
        d->variant = w->in_force; /* it is begun anew */
    if (!d->decided_in)
        sim_fail(w, "a task that was not decided in a transaction");
    if (d->unreadable)
        sim_fail(w, "a task that was decided from what could not be read");
    if (sim_served(w, d) && fresh)
        sim_fail(w, "a worker that serves and is left alone gets task %d", (int)a->task);
    if (a->task == TASK_CONNECT && d->looked.state != WORKER_READY)
        sim_fail(w, "connect to a worker that is not ready");
    if (a->task == TASK_CONNECT && fresh && a->ring != sim_ring(w, d))
        sim_fail(w, "connect to another ring than F shows");
    if (a->task == TASK_START && !sim_works(w, d->variant))
        sim_fail(w, "a worker that no policy wants");
    if (a->task == TASK_START && fresh && sim_state(w, d->b) == 1 && sim_model_runs(w, d))
        sim_fail(w, "a worker beside a device model");
    sim_check_idle(w);
}

void sim_check_script(struct sim_world *w, const struct sim_device *d, bool removing)
{
    int b = sim_state(w, d->b);
    const char *online = sim_text(w, d->b, "online"), *status = sim_text(w, d->b, "hotplug-status");
    bool fresh = d->decided_in > d->touched, on = online && online[0] == '1';
    if (!sim_hotplug(w, w->in_force))
        sim_fail(w, "a script that no policy wants");
    if (!d->decided_in)
        sim_fail(w, "a script that was not decided in a transaction");
    if (d->unreadable)
        sim_fail(w, "a script that was decided from what could not be read");
    if (d->script.runs && !w->setup.reloads && !w->setup.losses)
        sim_fail(w, "a second script for %s", d->b);
    if (fresh && !removing && (!on || b < 2 || b > 4))
        sim_fail(w, "a script sets up %s with state %d, online %d", d->b, b, on);
    if (fresh && !removing && status && status[0] == 'c')
        sim_fail(w, "a script sets up %s, which is", d->b);
    if (fresh && removing && on && w->alive[sim_domain(w, d)])
        sim_fail(w, "a script takes down %s, which is online in a living domain", d->b);
    sim_check_idle(w);
}

uint64_t sim_last_touch(const struct sim_world *w)
{
    uint64_t last = 0;
    for (unsigned i = 0; i < w->setup.devices; i++)
        if (w->devices[i].touched > last)
            last = w->devices[i].touched;
    return last;
}

/* Who ran it once has ended it when it said that it was idle. What was lost or refused does not count. */
void sim_check_idle(struct sim_world *w)
{
    bool faulty = w->left.faults != w->setup.faults || w->left.losses != w->setup.losses;
    if (w->idle_at > sim_last_touch(w) && !faulty)
        sim_fail(w, "there was something to do after it had said that nothing is left");
    w->idle_at = 0; /* it has to say so again */
}
