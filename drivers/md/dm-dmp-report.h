/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The texts that statistics of the dmp target are read as.
 */

#ifndef DM_DMP_REPORT_H
#define DM_DMP_REPORT_H

#include "dm-dmp-stats.h"

/**
 * enum dmp_file - the files that each operation of a volume has in sysfs
 * @DMP_FILE_REQS: number of requests
 * @DMP_FILE_BYTES: bytes that they asked for
 * @DMP_FILE_AVG_SIZE: bytes per request
 * @DMP_FILE_ERRORS: number of requests that ended with an error
 * @DMP_FILE_SIZE_HIST: number of requests for each size bucket
 * @DMP_FILE_LATENCY_NS: nanoseconds that requests took
 * @DMP_FILE_LATENCY_HIST: number of requests for each latency bucket
 * @DMP_NR_FILES: number of files, the last of which need the feature latency
 */
enum dmp_file {
	DMP_FILE_REQS,
	DMP_FILE_BYTES,
	DMP_FILE_AVG_SIZE,
	DMP_FILE_ERRORS,
	DMP_FILE_SIZE_HIST,
	DMP_FILE_LATENCY_NS,
	DMP_FILE_LATENCY_HIST,
	DMP_NR_FILES,
};

extern const char * const dmp_file_names[DMP_NR_FILES];

static inline bool dmp_file_needs_latency(enum dmp_file file)
{
	return file >= DMP_FILE_LATENCY_NS;
}

ssize_t dmp_emit_file(struct dmp_level *volume, enum dmp_op op,
		      enum dmp_file file, char *page);
ssize_t dmp_emit_volumes(struct dmp_level *module, char *page);
void dmp_emit_status(struct dmp_level *target, char *result,
		     unsigned int maxlen);
void dmp_emit_histogram(struct dmp_level *volume, enum dmp_op first,
			enum dmp_op last, char *result, unsigned int maxlen);

#endif /* DM_DMP_REPORT_H */
