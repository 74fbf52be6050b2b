/* SPDX-License-Identifier: MIT */
/* The part of the simulated store that reads and writes, in transactions and outside of them. */
#ifndef XENRECON_SIM_TX_H
#define XENRECON_SIM_TX_H

#include "test/sim/sim_store.h"

void sim_tx_request(struct sim_store *s, struct sim_request *r);
void sim_tx_refuse(struct sim_store *s, struct sim_request *r, int error); /* it fails, and does nothing */
void sim_tx_forget(struct sim_store *s);
/* What the transaction read there first; NULL: nothing. */
const struct sim_access *sim_tx_read(const struct sim_tx *tx, const char *path);

#endif
