/* SPDX-License-Identifier: MIT */
#include "reconcilers/needs.h"

#include <string.h>

#include "reconcilers/ring.h"

const char *const needs_hotplug[] = {"script", "hotplug-status", "hotplug-error", NULL};
const char *const needs_vif[] = {"vifname", "gatewaydev", "type", NULL};
const char needs_carrier[] = "disconnect";

const char *const needs_image[] = {"params", "mode", "device-type", "physical-device", NULL};

static void add(struct needs *n, enum need need, bool read, bool required)
{
    n->read |= read ? (unsigned)need : 0;
    n->required |= required ? (unsigned)need : 0;
}

/* Those of a device whose state somebody else drives. What is wrong with it is only reported, so that little
 * is required. */
static void add_observed(struct needs *n, const struct needs_input *in)
{
    const struct policy *p = in->policy;
    bool runs = policy_hotplug(p, in->backend_domid);
    bool reconfigures = STATE_IN(in->ends.backend, XENBUS_RECONFIGURING, XENBUS_RECONFIGURED);
    bool unclaimed = p->owner != OWNER_XENRECON && in->ends.backend == XENBUS_INITIALISING;
    add(n, NEED_HOTPLUG, p->owner == OWNER_KERNEL, runs);
    add(n, NEED_VIF, runs && strcmp(p->frontend, "vif") == 0, false);
    add(n, NEED_CARRIER,
        p->owner != OWNER_XENRECON && strcmp(p->frontend, "vif") == 0 &&
            in->ends.backend == XENBUS_CONNECTED && in->ends.frontend == XENBUS_CONNECTED,
        false);
    add(n, NEED_CARDS, p->owner != OWNER_XENRECON && reconfigures, false);
    add(n, NEED_BACKEND_REQUIRED, unclaimed, false); /* its keys may be why nobody takes it */
}

/* Will another worker be started, with B's keys? */
static bool starts_worker(const struct needs_input *in)
{
    return in->policy->worker.command && in->marked && in->ends.backend >= XENBUS_INIT_WAIT &&
           in->now >= in->worker->until;
}

/* Those of a device whose state we drive. */
static void add_driven(struct needs *n, const struct needs_input *in)
{
    enum xenbus_state b = in->ends.backend, f = in->ends.frontend;
    bool on = in->ends.online == 1;
    bool begins = STATE_IN(b, XENBUS_ABSENT, XENBUS_INITIALISING);
    bool no_worker = in->worker && STATE_IN(in->worker->state, WORKER_NONE, WORKER_DEAD);
    bool ready = STATE_IN(f, XENBUS_INITIALISED, XENBUS_CONNECTED);
    bool connects = in->marked && ready && STATE_IN(b, XENBUS_INIT_WAIT, XENBUS_CONNECTED, XENBUS_CLOSED);
    /* of a state that cannot be understood the keys are read to be shown */
    add(n, NEED_BACKEND_DECLARED, begins || b == XENBUS_INVALID || no_worker,
        on && (begins || (no_worker && starts_worker(in))));
    add(n, NEED_FRONTEND_REQUIRED, begins || b == XENBUS_INVALID || ready, on && (begins || connects));
    add(n, NEED_RING, ready, on && connects);
    /* nothing begins before F is there */
    add(n, NEED_FRONTEND_PRESENCE, false, on && b == XENBUS_INITIALISING && f == XENBUS_ABSENT);
    add(n, NEED_PUBLISHED, in->published_unknown && STATE_IN(b, XENBUS_INIT_WAIT, XENBUS_CONNECTED), false);
}

/* Those that say who else has to do with the device, and what is removed with it. */
static void add_others(struct needs *n, const struct needs_input *in)
{
    const struct policy *p = in->policy;
    enum xenbus_state b = in->ends.backend;
    bool on = in->ends.online == 1, closes = b == XENBUS_CLOSING && !in->marked;
    bool active =
        STATE_IN(in->ends.frontend, XENBUS_INIT_WAIT, XENBUS_INITIALISED, XENBUS_CONNECTED, XENBUS_CLOSING);
    bool claims = (on && b == XENBUS_INITIALISING) || (in->ends.online == 0 && closes && !active);
    add(n, NEED_DEVICE_MODEL, p->qemu && (b == XENBUS_INITIALISING || closes),
        p->owner == OWNER_XENRECON && p->qemu && claims);
    add(n, NEED_BACK_LINK, p->destroy.frontend && !on, false);
}

/* A disk whose image is said by a key that the policy knows of. */
static bool has_image(const struct policy *p)
{
    return strcmp(p->frontend, "vbd") == 0 && policy_find_key(p, BACKEND, needs_image[0]);
}

struct needs needs_of(const struct needs_input *in)
{
    struct needs n = {0};
    bool ours = in->policy->owner == OWNER_XENRECON;
    add(&n, NEED_FRONT_STATE, true, !in->domain_gone && in->policy->handshake == HANDSHAKE_FULL);
    add(&n, NEED_FRONTEND_PRESENCE, in->ends.frontend == XENBUS_ABSENT, false);
    add(&n, NEED_IMAGE, in->image_unknown && has_image(in->policy), false);
    add_observed(&n, in);
    if (ours)
        add_driven(&n, in);
    if (ours || in->everything)
        add_others(&n, in);
    if (in->everything) {
        n.read &=
            ~(unsigned)(NEED_BACKEND_REQUIRED | NEED_FRONTEND_REQUIRED | NEED_RING); /* these are among: */
        n.read |= NEED_BACKEND_DECLARED | NEED_FRONTEND_DECLARED;
    }
    return n;
}

static bool reads_of_frontend(unsigned read, const struct policy *p, const struct key_spec *spec)
{
    return ((read & NEED_FRONTEND_REQUIRED) && spec->required == REQUIRED_CREATE) ||
           ((read & NEED_RING) && ring_has_key(p, spec));
}

bool needs_reads_key(unsigned read, const struct policy *p, enum side side, const struct key_spec *spec)
{
    if (side == BACKEND)
        return (read & NEED_BACKEND_DECLARED) ||
               ((read & NEED_BACKEND_REQUIRED) && spec->required != REQUIRED_NO);
    if ((read & NEED_FRONTEND_DECLARED) || reads_of_frontend(read, p, spec))
        return true;
    for (size_t i = 0; i < p->n_keys[FRONTEND]; i++) {
        const struct key_spec *other = &p->keys[FRONTEND][i];
        if (other->alternative && strcmp(other->alternative, spec->name) == 0 &&
            reads_of_frontend(read, p, other))
            return true;
    }
    return false;
}

bool needs_requires_key(unsigned required, enum side side, const struct key_spec *spec)
{
    if (side == BACKEND)
        return (required & NEED_BACKEND_DECLARED) && policy_key_counts(spec, side, REQUIRED_CREATE);
    return ((required & NEED_FRONTEND_REQUIRED) && policy_key_counts(spec, side, REQUIRED_CREATE)) ||
           ((required & NEED_RING) && policy_key_counts(spec, side, REQUIRED_CONNECT));
}
