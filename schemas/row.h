/* SPDX-License-Identifier: MIT */
/* The rows of the decision table, in its order: the first whose condition holds decides. The name, the
 * condition and what the row does are in words here, once, for `explain`, reports and the manual; the code in
 * reconcilers/ has the same rows in the same order. */
#ifndef XENRECON_ROW_H
#define XENRECON_ROW_H

#define ROWS(X)                                                                                            \
    X(VANISHED, "vanished", "B is gone", "what we held is released: the worker ends; nothing is written")  \
    X(UNREADABLE, "unreadable", "a value that is needed cannot be read", "nothing; it is read again")      \
    X(BAD_VALUE, "bad-value", "`state`, `online`, `frontend-id` or the marker of B cannot be understood",  \
      "nothing, until it changes")                                                                         \
    X(REINCARNATED, "reincarnated", "B is not the directory that we hold an object for",                   \
      "what we held is released, and the table is gone through again without it")                          \
    X(INCOMPLETE_DIR, "incomplete-dir", "no marker and no `online`: the toolstack is still writing",       \
      "it is waited for")                                                                                  \
    X(MISMATCHED, "mismatched", "F or `frontend-id` does not belong to the directory's domain",            \
      "nothing, until it changes")                                                                         \
    X(UNCLAIMED_CLOSE, "unclaimed-close",                                                                  \
      "no marker, online=0, B Closing, F not active, nobody else claims it",                               \
      "what is held all the same ends, then B becomes Closed, with our marker")                            \
    X(FOREIGN, "foreign", "no marker, and B is beyond Initialising",                                       \
      "nothing: another backend serves it; what we hold all the same goes on being served")                \
    X(DESTROY, "destroy", "online is not 1, and B is absent, Unknown, Initialising, InitWait or Closed",   \
      "what we hold is released; B is removed once `hold: {closed}` is over, and with it what `destroy` "  \
      "says")                                                                                              \
    X(CLAIMED_ELSEWHERE, "claimed-elsewhere",                                                              \
      "InitWait not written yet, B Initialising, and a device model that serves this type runs",           \
      "what we had begun is released; QEMU has it")                                                        \
    X(INCOMPLETE, "incomplete", "no object, B absent or Initialising, required keys missing or invalid",   \
      "the keys are waited for")                                                                           \
    X(CREATE, "create", "no object, or its worker became ready; B Initialising, F there, keys complete",   \
      "the worker is started; once it is ready, or without one, what is published is written, and B "      \
      "becomes InitWait")                                                                                  \
    X(STARTING, "starting", "the worker is not ready yet",                                                 \
      "it is waited for; if the toolstack changes what it was started with, it ends")                      \
    X(RESET, "reset", "B went back to absent, Unknown or Initialising: the toolstack started over",        \
      "what we held is released, and the table is gone through again without it")                          \
    X(ADOPT, "adopt", "no object, but our marker",                                                         \
      "it is taken over as B shows it, without a write, and the table is gone through again")              \
    X(CLOSE_IDLE, "close-idle", "online is not 1, B between InitWait and Closed, F not active",            \
      "the worker disconnects, and B becomes Closed")                                                      \
    X(CLOSE_WAIT, "close-wait", "online is not 1, B between InitWait and Closed, F active",                \
      "B becomes Closing, and the frontend is waited for, never by force")                                 \
    X(TOOLSTACK_CLOSED, "toolstack-closed", "online=1, and B Closed was written by somebody else",         \
      "the worker disconnects; B stays as it is, and is removed only in a driver domain")                  \
    X(BUSY, "busy", "the worker is connecting or disconnecting", "it is waited for")                       \
    X(RESPAWN, "respawn", "the worker died, or was not heard of since; F is not about to close",           \
      "the worker is started again, later each time; B stays as it is")                                    \
    X(CONNECT, "connect", "B InitWait or Closed, F Initialised or Connected",                              \
      "the worker connects to the ring that F shows, then B becomes Connected")                            \
    X(RECONNECT, "reconnect", "B Connected, and F has other connect keys or started over",                 \
      "the worker disconnects and connects again; B stays Connected")                                      \
    X(FRONT_CLOSING, "front-closing", "B InitWait or Connected, F Closing",                                \
      "the worker is told to disconnect, and B becomes Closing")                                           \
    X(FRONT_CLOSED, "front-closed",                                                                        \
      "B Connected or Closing, F Closed or absent; or B InitWait, F Closed or its directory gone",         \
      "the worker disconnects, and B becomes Closed")                                                      \
    X(FRONT_RESTART, "front-restart", "B Connected or Closing, F back at its beginning",                   \
      "the worker disconnects, and B becomes Closed")                                                      \
    X(TOOLSTACK_CLOSE, "toolstack-close", "B Closing, F not active",                                       \
      "the worker disconnects, and B becomes Closed")                                                      \
    X(CYCLE, "cycle", "online=1, B Closed, and F Initialising or InitWait (or by policy always)",          \
      "what is published is written, and B becomes InitWait; too often, and it has to wait")               \
    X(PUBLISH, "publish", "the worker publishes other values than B has",                                  \
      "they are written; a frontend that is connected is told by B's state, written again")                \
    X(UNEXPECTED, "unexpected", "B Initialised, Reconfiguring or Reconfigured, which nobody should write", \
      "nothing")                                                                                           \
    X(HOTPLUG_ADD, "hotplug-add",                                                                          \
      "by policy: online=1, B InitWait, Initialised or Connected, and its script has not done its part",   \
      "the script is run, again and later each time if it fails; hotplug-status says how it went")         \
    X(HOTPLUG_REMOVE, "hotplug-remove",                                                                    \
      "by policy: online=0, B Closed, and its script, or the removal of B, is still to come",              \
      "the script is run; then, in a driver domain, B is removed once `hold: {closed}` is over")           \
    X(COLLECT, "collect", "an orphan for longer than `orphan.grace`, and the policy has it removed",       \
      "what we hold is released, and B is removed")                                                        \
    X(ORPHAN, "orphan", "F or its domain is gone", "it is reported once `orphan: {grace}` is over")        \
    X(STEADY, "steady", "nothing else applies: there is nothing to do",                                    \
      "nothing, beside findings about what takes too long")

enum row {
#define X(name, text, condition, effect) ROW_##name,
    ROWS(X)
#undef X
        ROW_COUNT,
};

const char *row_name(enum row row);
const char *row_condition(enum row row);
const char *row_effect(enum row row);

#endif
