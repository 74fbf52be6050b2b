/* SPDX-License-Identifier: MIT */
/* What a signal that ended a process is called, for people. Pure. */
#ifndef XENRECON_SIGNALS_H
#define XENRECON_SIGNALS_H

enum { SIGNAL_TEXT_SIZE = 32 };

/* `signal 31, SIGSYS`; of one without a name, `signal 40`. */
void signal_describe(int number, char ret_text[static SIGNAL_TEXT_SIZE]);

#endif
