/* SPDX-License-Identifier: MIT */
/* `xenrecon run` where there is no daemon: in what `make cli` builds. */
#include "controller/base/log.h"
#include "controller/cli/cli.h"

int cmd_run(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    log_error("this xenrecon was built to report only (make cli): it has no daemon");
    log_error("`xenrecon plan` says what one would do; `make` builds the whole");
    return STATUS_ERROR;
}
