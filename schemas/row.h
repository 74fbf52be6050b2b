/* SPDX-License-Identifier: MIT */
/* The rows of the decision table, in its order: the first whose condition holds decides. The condition is in
 * words here, for `explain` and the manual; the code in reconcilers/ has the same rows in the same order. */
#ifndef XENRECON_ROW_H
#define XENRECON_ROW_H

#define ROWS(X)                                                                                            \
    X(VANISHED, "vanished", "B is gone")                                                                   \
    X(UNREADABLE, "unreadable", "a value that is needed cannot be read")                                   \
    X(BAD_VALUE, "bad-value", "`state`, `online`, `frontend-id` or the marker of B cannot be understood")  \
    X(REINCARNATED, "reincarnated", "B is not the directory that we hold an object for")                   \
    X(INCOMPLETE_DIR, "incomplete-dir", "no marker and no `online`: the toolstack is still writing")       \
    X(MISMATCHED, "mismatched", "F or `frontend-id` does not belong to the directory's domain")            \
    X(UNCLAIMED_CLOSE, "unclaimed-close",                                                                  \
      "no marker, online=0, B Closing, F not active, nobody else claims it")                               \
    X(FOREIGN, "foreign", "no marker, and B is beyond Initialising")                                       \
    X(DESTROY, "destroy", "online is not 1, and B is absent, Unknown, Initialising, InitWait or Closed")   \
    X(CLAIMED_ELSEWHERE, "claimed-elsewhere",                                                              \
      "InitWait not written yet, B Initialising, and a device model that serves this type runs")           \
    X(INCOMPLETE, "incomplete", "no object, B absent or Initialising, required keys missing or invalid")   \
    X(CREATE, "create", "no object, or its worker became ready; B Initialising, keys complete")            \
    X(STARTING, "starting", "the worker is not ready yet")                                                 \
    X(RESET, "reset", "B went back to absent, Unknown or Initialising: the toolstack started over")        \
    X(ADOPT, "adopt", "no object, but our marker")                                                         \
    X(CLOSE_IDLE, "close-idle", "online is not 1, B between InitWait and Closed, F not active")            \
    X(CLOSE_WAIT, "close-wait", "online is not 1, B between InitWait and Closed, F active")                \
    X(TOOLSTACK_CLOSED, "toolstack-closed", "online=1, and B Closed was written by somebody else")         \
    X(BUSY, "busy", "the worker is connecting or disconnecting")                                           \
    X(RESPAWN, "respawn", "the worker died, or was not heard of since; F is not about to close")           \
    X(CONNECT, "connect", "B InitWait or Closed, F Initialised or Connected")                              \
    X(RECONNECT, "reconnect", "B Connected, and F has other connect keys or started over")                 \
    X(FRONT_CLOSING, "front-closing", "B InitWait or Connected, F Closing")                                \
    X(FRONT_CLOSED, "front-closed", "B Connected, Closing or InitWait, F Closed or absent")                \
    X(FRONT_RESTART, "front-restart", "B Connected or Closing, F back at its beginning")                   \
    X(TOOLSTACK_CLOSE, "toolstack-close", "B Closing, F not active")                                       \
    X(CYCLE, "cycle", "online=1, B Closed, and F Initialising or InitWait (or by policy always)")          \
    X(PUBLISH, "publish", "the worker publishes other values than B has")                                  \
    X(UNEXPECTED, "unexpected", "B Initialised, Reconfiguring or Reconfigured, which nobody should write") \
    X(HOTPLUG_ADD, "hotplug-add",                                                                          \
      "by policy: online=1, B InitWait, Initialised or Connected, and its script has not done its part")   \
    X(HOTPLUG_REMOVE, "hotplug-remove",                                                                    \
      "by policy: online=0, B Closed, and its script, or the removal of B, is still to come")              \
    X(COLLECT, "collect", "an orphan for longer than `orphan.grace`, and the policy has it removed")       \
    X(ORPHAN, "orphan", "F or its domain is gone")                                                         \
    X(STEADY, "steady", "nothing else applies: there is nothing to do")

enum row {
#define X(name, text, condition) ROW_##name,
    ROWS(X)
#undef X
        ROW_COUNT,
};

const char *row_name(enum row row);
const char *row_condition(enum row row);

#endif
