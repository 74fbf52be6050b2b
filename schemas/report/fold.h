/* SPDX-License-Identifier: MIT */
/* Findings that many devices have alike, for reports that people read: each is said once, with the devices
 * that it is of. What a message says of its own device's directories, B and F, makes no difference. Values;
 * they live as long as the report. */
#ifndef XENRECON_REPORT_FOLD_H
#define XENRECON_REPORT_FOLD_H

#include "schemas/report/report.h"

enum { FOLD_DEVICES_MIN = 4 }; /* up to three are told one by one */

struct report_fold {
    const struct finding *finding; /* the first of them */
    const char *message;           /* with B and F for the directories */
    uint64_t since;                /* of the oldest; 0: unknown */
    const size_t *devices;         /* of the report, in its order */
    size_t n;
};

struct report_folds {
    struct arena arena;
    struct report_fold *list; /* the worst first */
    size_t n;
    size_t *first;                 /* of each device's findings in `of` */
    const struct report_fold **of; /* by finding; NULL: it is not folded */
};

void report_folds_make(const struct report *r, struct report_folds *ret_folds);
void report_folds_free(struct report_folds *f);

/* NULL: the device's finding stands alone. */
const struct report_fold *report_folds_find(const struct report_folds *f, size_t device, size_t finding);

#endif
