// SPDX-License-Identifier: GPL-2.0-only
/*
 * Formats the dmp target's statistics as text, for sysfs and dmsetup.
 */

#include <kunit/visibility.h>
#include <linux/device-mapper.h>
#include <linux/sysfs.h>

#include "dm-dmp-report.h"

static ssize_t dmp_emit_section(char *page, ssize_t len, const char *name,
				const struct dmp_op_stats *stats)
{
	return sysfs_emit_at(page, len, "%s:\n\treqs: %llu\n\tavg size: %llu\n",
			     name, dmp_reqs(stats), dmp_avg_size(stats));
}

/**
 * dmp_emit_volumes() - write the text of /sys/module/dmp/stat/volumes
 * @module: level of the module
 * @page: buffer of PAGE_SIZE
 *
 * Context: May sleep, does not allocate.
 * Return: length of the text.
 */
ssize_t dmp_emit_volumes(struct dmp_level *module, char *page)
{
	struct dmp_op_stats stats, total = {};
	ssize_t len = 0;
	int op;

	for (op = DMP_READ; op <= DMP_WRITE; op++) {
		dmp_level_read(module, BIT(op), &stats);
		dmp_op_stats_add(&total, &stats);
		len += dmp_emit_section(page, len, dmp_op_names[op], &stats);
	}
	return len + dmp_emit_section(page, len, "total", &total);
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
 * dmp_emit_file() - write the text of /sys/block/dm-<num>/dmp/<operation>/<file>
 * @volume: level of the volume
 * @ops: bitmap of operations
 * @file: the file
 * @page: buffer of PAGE_SIZE
 *
 * Context: May sleep, does not allocate.
 * Return: length of the text.
 */
ssize_t dmp_emit_file(struct dmp_level *volume, unsigned long ops,
		      enum dmp_file file, char *page)
{
	u64 latencies[DMP_NR_LATENCIES];
	struct dmp_op_stats stats;

	if (file == DMP_FILE_LATENCY_HIST) {
		dmp_level_read_latencies(volume, ops, latencies);
		return dmp_emit_list(latencies, ARRAY_SIZE(latencies), page);
	}

	dmp_level_read(volume, ops, &stats);
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
 * dmp_emit_stat() - write the text of /sys/block/dm-<num>/dmp/stat
 * @volume: level of the volume
 * @page: buffer of PAGE_SIZE
 *
 * Locks the volume, so no reset or reload comes between two numbers.
 *
 * Context: May sleep, does not allocate.
 * Return: length of the text.
 */
ssize_t dmp_emit_stat(struct dmp_level *volume, char *page)
{
	ssize_t len;
	int op;

	dmp_level_lock(volume);
	len = sysfs_emit(page, "%llu", volume->resets);
	for (op = 0; op < DMP_OTHER; op++) {
		struct dmp_op_stats stats = {};

		dmp_level_add(volume, op, &stats);
		len += sysfs_emit_at(page, len, " %llu %llu %llu %llu",
				     dmp_reqs(&stats), stats.n[DMP_BYTES],
				     stats.n[DMP_ERRORS], stats.n[DMP_LATENCY_NS]);
	}
	dmp_level_unlock(volume);
	return len + sysfs_emit_at(page, len, "\n");
}
EXPORT_SYMBOL_IF_KUNIT(dmp_emit_stat);

/**
 * dmp_emit_status() - write the text of dmsetup status
 * @target: level of the target
 * @result: buffer; device-mapper retries with a larger one if the text fills it
 * @maxlen: size of @result
 */
void dmp_emit_status(struct dmp_level *target, char *result, unsigned int maxlen)
{
	struct dmp_op_stats stats;
	size_t sz = 0;
	int op;

	for (op = 0; op < DMP_OTHER; op++) {
		dmp_level_read(target, BIT(op), &stats);
		DMEMIT("%s%s %llu %llu %llu", op ? " " : "", dmp_op_names[op],
		       dmp_reqs(&stats), stats.n[DMP_BYTES], stats.n[DMP_ERRORS]);
	}
}
EXPORT_SYMBOL_IF_KUNIT(dmp_emit_status);

/**
 * dmp_emit_histogram() - write the reply to the message histogram
 * @volume: level of the volume
 * @ops: bitmap of operations
 * @result: buffer; device-mapper retries with a larger one if the text fills it
 * @maxlen: size of @result
 *
 * Locks the volume, so no reset comes between two numbers.
 */
void dmp_emit_histogram(struct dmp_level *volume, unsigned long ops, char *result,
			unsigned int maxlen)
{
	unsigned int op, size, i;
	size_t sz = 0;

	*result = '\0';
	dmp_level_lock(volume);
	for_each_set_bit(op, &ops, DMP_OTHER) {
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
