/* SPDX-License-Identifier: MIT */
/* How one reconcile of a device ended. Any thread; nothing here fails. */
#ifndef XENRECON_RECONCILE_OUTCOME_H
#define XENRECON_RECONCILE_OUTCOME_H

enum reconcile_outcome {
    RECONCILE_DONE,     /* the plan was carried out, or there was nothing in it */
    RECONCILE_FAILED,   /* tried again after the policy's backoff */
    RECONCILE_CONFLICT, /* another client changed what the decision relied on: tried again, soon */
    RECONCILE_FOLLOWED, /* decided once more without reading, on what our own writes have made of the device
                         */
};

/* As history and the log spell it. */
const char *reconcile_outcome_name(enum reconcile_outcome outcome);

#endif
