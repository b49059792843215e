/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Formats the dmp target's statistics as text, for sysfs and dmsetup.
 */

#ifndef DM_DMP_REPORT_H
#define DM_DMP_REPORT_H

#include "dm-dmp-stats.h"

/**
 * enum dmp_file - sysfs files of each operation of a volume
 * @DMP_FILE_REQS: number of bios
 * @DMP_FILE_BYTES: sum of the sizes of the bios
 * @DMP_FILE_AVG_SIZE: bytes per bio
 * @DMP_FILE_ERRORS: number of failed bios
 * @DMP_FILE_SIZE_HIST: number of bios in each size bucket
 * @DMP_FILE_LATENCY_NS: sum of the latencies in nanoseconds; this file and later ones
 *	need the feature latency
 * @DMP_FILE_LATENCY_HIST: number of completed bios in each latency bucket
 * @DMP_NR_FILES: number of files
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

ssize_t dmp_emit_file(struct dmp_level *volume, unsigned long ops,
		      enum dmp_file file, char *page);
ssize_t dmp_emit_stat(struct dmp_level *volume, char *page);
ssize_t dmp_emit_volumes(struct dmp_level *module, char *page);
void dmp_emit_status(struct dmp_level *target, char *result, unsigned int maxlen);
void dmp_emit_histogram(struct dmp_level *volume, unsigned long ops, char *result,
			unsigned int maxlen);

#endif /* DM_DMP_REPORT_H */
