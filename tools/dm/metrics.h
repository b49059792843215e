/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Counts of dmp volumes as the text that Prometheus scrapes.
 */

#ifndef DM_METRICS_H
#define DM_METRICS_H

#include <stdio.h>

#include "report.h"

/**
 * enum buckets - buckets of histograms
 * @BUCKETS_OCTAVE: one for each octave
 * @BUCKETS_HALF: all there are: for latencies two for each octave
 * @BUCKETS_NONE: only the number of requests
 */
enum buckets {
	BUCKETS_OCTAVE,
	BUCKETS_HALF,
	BUCKETS_NONE,
};

void metrics_print(FILE *f, const struct report *report, unsigned int ops, enum buckets buckets);
bool metrics_answer(FILE *in, FILE *out);

#endif /* DM_METRICS_H */
