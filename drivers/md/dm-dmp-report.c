// SPDX-License-Identifier: GPL-2.0-only
/*
 * The texts that statistics of the dmp target are read as: files in sysfs,
 * status and message of device-mapper.
 */

#include <kunit/visibility.h>
#include <linux/device-mapper.h>
#include <linux/sysfs.h>

#include "dm-dmp-report.h"

/**
 * dmp_emit_volumes() - write the text of /sys/module/dmp/stat/volumes
 * @module: what all volumes count in
 * @page: page that sysfs reads from
 *
 * Return: length of the text.
 */
ssize_t dmp_emit_volumes(struct dmp_level *module, char *page)
{
	static const enum dmp_op sections[] = { DMP_READ, DMP_WRITE, DMP_TOTAL };
	struct dmp_op_stats stats[ARRAY_SIZE(sections)];
	ssize_t len = 0;
	int i;

	dmp_level_read(module, DMP_READ, &stats[0]);
	dmp_level_read(module, DMP_WRITE, &stats[1]);
	/* not read: it is the sum of what is shown above it */
	stats[2] = stats[0];
	dmp_op_stats_add(&stats[2], &stats[1]);

	for (i = 0; i < ARRAY_SIZE(sections); i++)
		len += sysfs_emit_at(page, len, "%s:\n\treqs: %llu\n\tavg size: %llu\n",
				     dmp_op_names[sections[i]], dmp_reqs(&stats[i]),
				     dmp_avg_size(&stats[i]));
	return len;
}
EXPORT_SYMBOL_IF_KUNIT(dmp_emit_volumes);

const char * const dmp_file_names[DMP_NR_FILES] = {
	[DMP_FILE_REQS]		= "reqs",
	[DMP_FILE_BYTES]	= "bytes",
	[DMP_FILE_AVG_SIZE]	= "avg_size",
	[DMP_FILE_ERRORS]	= "errors",
	[DMP_FILE_SIZE_HIST]	= "size_hist",
	[DMP_FILE_LATENCY_NS]	= "latency_ns",
	[DMP_FILE_LATENCY_HIST]	= "latency_hist",
};
EXPORT_SYMBOL_IF_KUNIT(dmp_file_names);

static ssize_t dmp_emit_list(const u64 *n, unsigned int nr, char *page)
{
	ssize_t len = 0;
	unsigned int i;

	for (i = 0; i < nr; i++)
		len += sysfs_emit_at(page, len, "%s%llu", i ? " " : "", n[i]);
	return len + sysfs_emit_at(page, len, "\n");
}

/**
 * dmp_emit_file() - write the text of /sys/block/dm-<num>/dmp/<op>/<file>
 * @volume: volume that it is of
 * @op: operation, or DMP_TOTAL
 * @file: which file
 * @page: page that sysfs reads from
 *
 * Context: May sleep, does not allocate.
 * Return: length of the text.
 */
ssize_t dmp_emit_file(struct dmp_level *volume, enum dmp_op op,
		      enum dmp_file file, char *page)
{
	u64 latencies[DMP_NR_LATENCIES];
	struct dmp_op_stats stats;

	if (file == DMP_FILE_LATENCY_HIST) {
		dmp_level_read_latencies(volume, op, latencies);
		return dmp_emit_list(latencies, ARRAY_SIZE(latencies), page);
	}

	dmp_level_read(volume, op, &stats);
	switch (file) {
	case DMP_FILE_REQS:
		return sysfs_emit(page, "%llu\n", dmp_reqs(&stats));
	case DMP_FILE_BYTES:
		return sysfs_emit(page, "%llu\n", stats.n[DMP_BYTES]);
	case DMP_FILE_AVG_SIZE:
		return sysfs_emit(page, "%llu\n", dmp_avg_size(&stats));
	case DMP_FILE_ERRORS:
		return sysfs_emit(page, "%llu\n", stats.n[DMP_ERRORS]);
	case DMP_FILE_SIZE_HIST:
		return dmp_emit_list(&stats.n[DMP_SIZES], DMP_NR_SIZES, page);
	case DMP_FILE_LATENCY_NS:
		return sysfs_emit(page, "%llu\n", stats.n[DMP_LATENCY_NS]);
	default:
		return -EINVAL;
	}
}
EXPORT_SYMBOL_IF_KUNIT(dmp_emit_file);

/**
 * dmp_emit_status() - write the text of dmsetup status
 * @target: segment that it is of
 * @result: buffer that device-mapper reads from
 * @maxlen: its size; device-mapper notices if that was too little
 */
void dmp_emit_status(struct dmp_level *target, char *result, unsigned int maxlen)
{
	struct dmp_op_stats stats;
	size_t sz = 0;
	int op;

	for (op = 0; op < DMP_NR_OPS; op++) {
		dmp_level_read(target, op, &stats);
		DMEMIT("%s%s %llu %llu %llu", op ? " " : "", dmp_op_names[op],
		       dmp_reqs(&stats), stats.n[DMP_BYTES], stats.n[DMP_ERRORS]);
	}
}
EXPORT_SYMBOL_IF_KUNIT(dmp_emit_status);

/**
 * dmp_emit_histogram() - write the answer to the message histogram
 * @volume: volume that it is of
 * @first: first operation to write
 * @last: last operation to write
 * @result: buffer that device-mapper reads from
 * @maxlen: its size; device-mapper notices if that was too little
 *
 * A reset comes before or after all of it.
 */
void dmp_emit_histogram(struct dmp_level *volume, enum dmp_op first,
			enum dmp_op last, char *result, unsigned int maxlen)
{
	unsigned int op, size, i;
	size_t sz = 0;

	*result = '\0';
	dmp_level_lock(volume);
	for (op = first; op <= last; op++) {
		for (size = 0; size < dmp_nr_sizes(op); size++) {
			u64 row[DMP_NR_LATENCIES] = {};

			dmp_level_add_row(volume, op, size, row);
			for (i = 0; i < DMP_NR_LATENCIES; i++)
				if (row[i])
					DMEMIT("%s %llu %llu %llu\n", dmp_op_names[op],
					       dmp_size_floor(op, size),
					       dmp_latency_floor(i), row[i]);
		}
	}
	dmp_level_unlock(volume);
}
EXPORT_SYMBOL_IF_KUNIT(dmp_emit_histogram);
