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

/**
 * enum http - kinds of answers by HTTP
 * @HTTP_OK: metrics
 * @HTTP_HEAD: the head of metrics only
 * @HTTP_BAD_REQUEST: the request is no HTTP
 * @HTTP_NOT_FOUND: the path is not /metrics
 * @HTTP_BAD_METHOD: the method is neither GET nor HEAD
 * @HTTP_UNAVAILABLE: the volumes cannot be read
 */
enum http {
	HTTP_OK,
	HTTP_HEAD,
	HTTP_BAD_REQUEST,
	HTTP_NOT_FOUND,
	HTTP_BAD_METHOD,
	HTTP_UNAVAILABLE,
};

void metrics_print(FILE *f, const struct report *report, unsigned int ops, enum buckets buckets);
enum http metrics_read_request(FILE *in);
void metrics_print_head(FILE *f, enum http status);

#endif /* DM_METRICS_H */
