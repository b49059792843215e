// SPDX-License-Identifier: GPL-2.0-only
/*
 * Statistics of the dmp target: summing, folding and reporting. Counting is
 * in the header, where the hot path has it inline.
 */

#include <kunit/visibility.h>
#include <linux/math64.h>
#include <linux/sysfs.h>

#include "dm-dmp-stats.h"

const char * const dmp_op_names[DMP_NR_OPS] = {
	[DMP_READ]		= "read",
	[DMP_WRITE]		= "write",
	[DMP_DISCARD]		= "discard",
	[DMP_WRITE_ZEROES]	= "write_zeroes",
	[DMP_FLUSH]		= "flush",
	[DMP_ZONE]		= "zone",
};
EXPORT_SYMBOL_IF_KUNIT(dmp_op_names);

/**
 * dmp_counters_init() - create counters, all zero, as part of some totals
 * @counters: what to initialise
 * @totals: where they count, and fold into at the end
 *
 * Context: May sleep.
 * Return: 0 or -ENOMEM.
 */
int dmp_counters_init(struct dmp_counters *counters, struct dmp_totals *totals)
{
	int cpu;

	counters->cpu = alloc_percpu(struct dmp_cpu_counters);
	if (!counters->cpu)
		return -ENOMEM;

	for_each_possible_cpu(cpu)
		u64_stats_init(&per_cpu_ptr(counters->cpu, cpu)->syncp);

	mutex_lock(&totals->lock);
	list_add_tail(&counters->node, &totals->live);
	mutex_unlock(&totals->lock);
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(dmp_counters_init);

static void dmp_op_stats_add(struct dmp_op_stats *sum,
			     const struct dmp_op_stats *op)
{
	sum->reqs += op->reqs;
	sum->bytes += op->bytes;
	sum->errors += op->errors;
}

static void dmp_counters_add(struct dmp_stats *sum,
			     const struct dmp_counters *counters)
{
	const struct dmp_cpu_counters *c;
	struct dmp_op_stats op;
	unsigned int start;
	int cpu, i;

	for_each_possible_cpu(cpu) {
		c = per_cpu_ptr(counters->cpu, cpu);
		for (i = 0; i < DMP_NR_OPS; i++) {
			do {
				start = u64_stats_fetch_begin(&c->syncp);
				op.reqs = u64_stats_read(&c->op[i].reqs);
				op.bytes = u64_stats_read(&c->op[i].bytes);
				op.errors = u64_stats_read(&c->op[i].errors);
			} while (u64_stats_fetch_retry(&c->syncp, start));
			dmp_op_stats_add(&sum->op[i], &op);
		}
	}
}

/**
 * dmp_counters_exit() - fold counters into their totals and free them
 * @counters: what no request uses any more
 * @totals: as given to dmp_counters_init()
 *
 * Context: May sleep.
 */
void dmp_counters_exit(struct dmp_counters *counters, struct dmp_totals *totals)
{
	mutex_lock(&totals->lock);
	list_del(&counters->node);
	dmp_counters_add(&totals->dead, counters);
	mutex_unlock(&totals->lock);

	free_percpu(counters->cpu);
}
EXPORT_SYMBOL_IF_KUNIT(dmp_counters_exit);

/**
 * dmp_counters_read() - sum counters over all CPUs
 * @counters: what to sum, may be counting meanwhile
 * @stats: the sum
 *
 * Context: Any.
 */
void dmp_counters_read(const struct dmp_counters *counters,
		       struct dmp_stats *stats)
{
	*stats = (struct dmp_stats) {};
	dmp_counters_add(stats, counters);
}
EXPORT_SYMBOL_IF_KUNIT(dmp_counters_read);

/**
 * dmp_totals_read() - sum everything that was ever counted in some totals
 * @totals: what to sum
 * @stats: the sum, never less than at an earlier call
 *
 * Context: May sleep.
 */
void dmp_totals_read(struct dmp_totals *totals, struct dmp_stats *stats)
{
	const struct dmp_counters *counters;

	mutex_lock(&totals->lock);
	*stats = totals->dead;
	list_for_each_entry(counters, &totals->live, node)
		dmp_counters_add(stats, counters);
	mutex_unlock(&totals->lock);
}
EXPORT_SYMBOL_IF_KUNIT(dmp_totals_read);

/**
 * dmp_avg_size() - average size of a request
 * @op: what was counted
 *
 * Return: bytes per request, rounded down; 0 if there was no request.
 */
u64 dmp_avg_size(const struct dmp_op_stats *op)
{
	return op->reqs ? div64_u64(op->bytes, op->reqs) : 0;
}
EXPORT_SYMBOL_IF_KUNIT(dmp_avg_size);

/**
 * dmp_emit_volumes() - write the text of /sys/module/dmp/stat/volumes
 * @stats: what was counted
 * @page: page that sysfs reads from
 *
 * Return: length of the text.
 */
ssize_t dmp_emit_volumes(const struct dmp_stats *stats, char *page)
{
	struct dmp_op_stats total = stats->op[DMP_READ];
	const struct {
		const char *name;
		const struct dmp_op_stats *op;
	} sections[] = {
		{ dmp_op_names[DMP_READ], &stats->op[DMP_READ] },
		{ dmp_op_names[DMP_WRITE], &stats->op[DMP_WRITE] },
		{ "total", &total },
	};
	ssize_t len = 0;
	int i;

	dmp_op_stats_add(&total, &stats->op[DMP_WRITE]);

	for (i = 0; i < ARRAY_SIZE(sections); i++)
		len += sysfs_emit_at(page, len, "%s:\n\treqs: %llu\n\tavg size: %llu\n",
				     sections[i].name, sections[i].op->reqs,
				     dmp_avg_size(sections[i].op));
	return len;
}
EXPORT_SYMBOL_IF_KUNIT(dmp_emit_volumes);
