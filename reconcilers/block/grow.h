/* SPDX-License-Identifier: MIT */
/* The command by which an administrator makes an image longer that is in use, by the server that has it open.
 */
#ifndef XENRECON_BLOCK_GROW_H
#define XENRECON_BLOCK_GROW_H

/* DEVICE SIZE [RUNTIME-DIR]. Returns the status to exit with. */
int grow_main(int argc, char **argv);

#endif
