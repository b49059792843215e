/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reports as JSON, one object a line.
 */

#ifndef DM_RECORD_H
#define DM_RECORD_H

#include <stdio.h>

#include "report.h"

void record_print(FILE *f, const struct report *report, unsigned int ops, bool joint);
bool record_parse(const char *line, struct report *report);

#endif /* DM_RECORD_H */
