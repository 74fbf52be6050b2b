/* SPDX-License-Identifier: MIT */
/* Findings: coded observations about a device, or about the host. Codes are part of the contract: scripts
 * match them. The advice says what a person can do. */
#ifndef XENRECON_FINDING_H
#define XENRECON_FINDING_H

#include <stddef.h>
#include <stdint.h>

#include "schemas/policy/limit.h"

#define SEVERITIES(X)     \
    X(INFO, "info")       \
    X(WARNING, "warning") \
    X(ERROR, "error")

enum severity {
#define X(name, text) SEVERITY_##name,
    SEVERITIES(X)
#undef X
};

/* Who is waited for. */
#define WAITED_FOR(X)       \
    X(NOBODY, NULL)         \
    X(BACKEND, "backend")   \
    X(FRONTEND, "frontend") \
    X(SCRIPT, "script")     \
    X(TOOLSTACK, "toolstack")

enum waits_for {
#define X(name, text) WAITS_FOR_##name,
    WAITED_FOR(X)
#undef X
};

#define FINDINGS(X)                                                                                         \
    X(UNREADABLE, "unreadable", "check the permissions of the keys named; it is read again later")          \
    X(BAD_VALUE, "bad-value", "somebody wrote what cannot be understood: detach and attach again")          \
    X(INCOMPLETE_DIR, "incomplete-dir",                                                                     \
      "ask the toolstack: it did not finish writing this directory, or keeps something of its own there")   \
    X(MISMATCHED_FRONTEND, "mismatched-frontend",                                                           \
      "`frontend` or `frontend-id` names another domain than the directory: detach and attach again")       \
    X(FOREIGN_BACKEND, "foreign-backend",                                                                   \
      "another backend serves this device: leave it, or stop that one and attach again")                    \
    X(MARKER_LOST, "marker-lost",                                                                           \
      "somebody removed the key `xenrecon`: the device is served, but its states are not answered; attach " \
      "it again")                                                                                           \
    X(MISSING_KEY, "missing-key", "the keys named must be written before this device can go on")            \
    X(INVALID_KEY, "invalid-key", "correct the values named, or the policy that forbids them")              \
    X(BAD_FRONTEND_STATE, "bad-frontend-state",                                                             \
      "the guest wrote a state that does not exist: look at its driver")                                    \
    X(STUCK_CREATE, "stuck-create", "look at the worker's messages")                                        \
    X(STUCK_CONNECT, "stuck-connect",                                                                       \
      "look at the end that is waited for: is its driver loaded, and what does it say?")                    \
    X(STUCK_DETACH, "stuck-detach",                                                                         \
      "look at the end that is waited for: a guest has to unmount it; it is never taken away by force")     \
    X(NOT_REMOVED, "not-removed", "the toolstack gave up before it was closed: detach it again")            \
    X(STUCK_CLOSE, "stuck-close", "look at the end that is waited for: its driver does not close")          \
    X(FLAPPING, "flapping", "the frontend closes and starts over again and again: look at its driver")      \
    X(STUCK_RECONFIGURE, "stuck-reconfigure",                                                               \
      "look at the end that is waited for: its kernel log says what the card lacks")                        \
    X(CONTENDED, "contended",                                                                               \
      "another client writes what is read here without end: find it in the store's trace")                  \
    X(UNEXPECTED_STATE, "unexpected-state", "nobody should write this state for this type: who did?")       \
    X(UNCLAIMED_BACKEND, "unclaimed-backend",                                                               \
      "no backend took this device: is the driver or program for this type there?")                         \
    X(ENDS_DISAGREE, "ends-disagree", "one end was restarted without the other: detach and attach again")   \
    X(CLOSED_ONLINE, "closed-online",                                                                       \
      "the guest closed it and may open it again: load its driver, or detach the device")                   \
    X(GUEST_ERROR, "guest-error", "the guest's driver said this: look there first")                         \
    X(BACKEND_ERROR, "backend-error", "the backend's driver said this: look at its kernel log")             \
    X(HOTPLUG_FAILED, "hotplug-failed",                                                                     \
      "correct what the script complains of, then detach it and attach again")                              \
    X(HOTPLUG_INCOMPLETE, "hotplug-incomplete",                                                             \
      "look whether its hotplug script was run, and what it said; then detach it and attach again")         \
    X(HOTPLUG_REFUSED, "hotplug-refused",                                                                   \
      "leave hotplug scripts to libxl; only where it was told not to run them, set `in-dom0: true`")        \
    X(CARRIER_OFF, "carrier-off", "plug it in again where it was pulled out, with the toolstack")           \
    X(ORPHAN, "orphan",                                                                                     \
      "where its domain is gone, remove its directory or set `orphan: {action: remove}`; else detach it")   \
    X(LEAK, "leak", "it is empty: remove it, for such directories use up xenstore's quota")                 \
    X(DANGLING_FRONTEND, "dangling-frontend", "its backend is gone: detach the device")                     \
    X(WORKER_DIED, "worker-died", "it is started again; the log has what it said before it ended")          \
    X(WORKER_ERROR, "worker-error", "the worker cannot do its work: correct what it names")                 \
    X(LOST_WRITE, "lost-write",                                                                             \
      "mend the storage; then shut the guest's file systems down, detach the disk, check it, attach it")    \
    X(SHARED_IMAGE, "shared-image",                                                                         \
      "shut one of the two guests down, and check the image; `mode` w! on both says that it is meant")      \
    X(ACTION_FAILED, "action-failed", "it is tried again; the message says what failed")                    \
    X(NO_POLICY, "no-policy", "write a policy for this type if this domain should look after it")           \
    X(POLICY_CHANGED, "policy-changed", "detach the device to let the new policies take over")              \
    X(UNWATCHED, "unwatched",                                                                               \
      "it is looked at now and then instead: raise this domain's quota of watches, or end who uses them")   \
    X(TOO_MANY_DEVICES, "too-many-devices",                                                                 \
      "raise `limits.devices-per-domain` if this domain may have more")                                     \
    X(NOT_LISTED, "not-listed", "list that, too; best everything: `xenstore-ls -fp > file`, as root")       \
    X(DUMP_INCOMPLETE, "dump-incomplete",                                                                   \
      "make the dump with `xenstore-ls -fp > file`, as root, and pass that file unchanged")

enum finding_code {
#define X(name, text, advice) FINDING_##name,
    FINDINGS(X)
#undef X
        FINDING_COUNT,
};

const char *finding_code_name(enum finding_code code);
const char *finding_advice(enum finding_code code);
const char *severity_name(enum severity severity);
const char *waits_for_name(enum waits_for who); /* NULL for NOBODY */

struct finding {
    enum finding_code code;
    enum severity severity;
    const char *message;
    enum waits_for who;
    /* What would end it: the key of B or F that it hangs on, and what that would have to be, as in
     * `B/state=4`; `F/ring-ref`, where the policy says what it must be; `B`: B is removed; `worker`. NULL: no
     * single one. */
    const char *ends;
    enum policy_limit limit; /* that it has outlasted */
    uint64_t since;          /* milliseconds, decide()'s clock; 0: unknown */
};

#endif
