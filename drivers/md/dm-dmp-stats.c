// SPDX-License-Identifier: GPL-2.0-only
/*
 * Statistics of the dmp target: summing, folding and resetting. Counting is
 * in the header, where the hot path has it inline.
 *
 * Fold on death: when a target goes away its counts are added to its volume's,
 * when a volume goes away to the module's. Reset is a baseline: what was
 * counted is remembered, and subtracted from what is reported.
 */

#include <kunit/visibility.h>
#include <linux/math64.h>
#include <linux/slab.h>
#include <linux/unroll.h>

#include "dm-dmp-stats.h"

const char * const dmp_op_names[DMP_TOTAL + 1] = {
	[DMP_READ]		= "read",
	[DMP_WRITE]		= "write",
	[DMP_DISCARD]		= "discard",
	[DMP_WRITE_ZEROES]	= "write_zeroes",
	[DMP_FLUSH]		= "flush",
	[DMP_ZONE]		= "zone",
	[DMP_TOTAL]		= "total",
};
EXPORT_SYMBOL_IF_KUNIT(dmp_op_names);

/**
 * dmp_op_stats_add() - add up what was counted
 * @sum: what to add to
 * @stats: what to add
 */
void dmp_op_stats_add(struct dmp_op_stats *sum, const struct dmp_op_stats *stats)
{
	int i;

	unrolled_full
	for (i = 0; i < DMP_NR_COUNTERS; i++)
		sum->n[i] += stats->n[i];
}

static void dmp_op_stats_sub(struct dmp_op_stats *sum,
			     const struct dmp_op_stats *stats)
{
	int i;

	unrolled_full
	for (i = 0; i < DMP_NR_COUNTERS; i++)
		sum->n[i] -= stats->n[i];
}

/* Sum over all CPUs. */
static void dmp_counters_add(struct dmp_op_stats *sum,
			     const struct dmp_level *target, enum dmp_op op)
{
	const struct dmp_cpu_counters *cpu;
	struct dmp_op_stats stats;
	unsigned int start;
	int i, c;

	for_each_possible_cpu(c) {
		cpu = per_cpu_ptr(target->cpu, c);
		do {
			start = u64_stats_fetch_begin(&cpu->syncp);
			unrolled_full
			for (i = 0; i < DMP_NR_COUNTERS; i++)
				stats.n[i] = READ_ONCE(cpu->op[op].n[i]);
		} while (u64_stats_fetch_retry(&cpu->syncp, start));
		dmp_op_stats_add(sum, &stats);
	}
}

static void dmp_latencies_add(u64 *sum, const struct dmp_level *target,
			      enum dmp_op op, unsigned int size)
{
	const struct dmp_cpu_latencies *latencies;
	const struct u64_stats_sync *syncp;
	unsigned int start;
	int i, c;
	u64 n;

	for_each_possible_cpu(c) {
		syncp = &per_cpu_ptr(target->cpu, c)->syncp;
		latencies = per_cpu_ptr(target->latencies[op], c) + size;
		for (i = 0; i < DMP_NR_LATENCIES; i++) {
			do {
				start = u64_stats_fetch_begin(syncp);
				n = READ_ONCE(latencies->n[i]);
			} while (u64_stats_fetch_retry(syncp, start));
			sum[i] += n;
		}
	}
}

static void dmp_level_setup(struct dmp_level *level, struct dmp_level *parent)
{
	*level = (struct dmp_level) {
		.parent = parent,
		.depth = parent ? parent->depth + 1 : 0,
	};
	mutex_init(&level->lock);
	INIT_LIST_HEAD(&level->children);
}

static void dmp_level_link(struct dmp_level *level)
{
	dmp_level_lock(level->parent);
	list_add_tail(&level->sibling, &level->parent->children);
	dmp_level_unlock(level->parent);
}

/**
 * dmp_level_init() - create a level that has no counters of its own
 * @level: what to initialise
 * @parent: what it is a part of, or NULL
 *
 * Context: May sleep, does not allocate.
 */
void dmp_level_init(struct dmp_level *level, struct dmp_level *parent)
{
	dmp_level_setup(level, parent);
	if (parent)
		dmp_level_link(level);
}
EXPORT_SYMBOL_IF_KUNIT(dmp_level_init);

static int dmp_alloc_counters(struct dmp_level *target)
{
	int cpu;

	target->cpu = alloc_percpu(struct dmp_cpu_counters);
	if (!target->cpu)
		return -ENOMEM;

	for_each_possible_cpu(cpu)
		u64_stats_init(&per_cpu_ptr(target->cpu, cpu)->syncp);
	return 0;
}

/* One allocation for each operation: per-CPU memory is short of large ones. */
static int dmp_alloc_latencies(struct dmp_level *target)
{
	size_t row = sizeof(struct dmp_cpu_latencies);
	int op;

	for (op = 0; op <= DMP_NR_OPS; op++) {
		target->latencies[op] = __alloc_percpu(dmp_nr_sizes(op) * row,
						       __alignof__(u64));
		if (!target->latencies[op])
			return -ENOMEM;
	}
	return 0;
}

/* A volume that never measures latencies does without. */
static int dmp_alloc_joint(struct dmp_level *volume)
{
	struct dmp_joint *joint = kvzalloc_obj(*joint);

	if (!joint)
		return -ENOMEM;

	dmp_level_lock(volume);
	if (!volume->joint)
		swap(volume->joint, joint);
	dmp_level_unlock(volume);
	kvfree(joint);
	return 0;
}

static void dmp_level_free(struct dmp_level *level)
{
	int op;

	free_percpu(level->cpu);
	for (op = 0; op <= DMP_NR_OPS; op++)
		free_percpu(level->latencies[op]);
	kvfree(level->joint);
}

/**
 * dmp_level_init_target() - create counters, all zero, as a part of a volume
 * @target: what to initialise
 * @volume: where they count, and fold into at the end
 * @latency: whether to measure latencies
 *
 * Context: May sleep.
 * Return: 0 or -ENOMEM.
 */
int dmp_level_init_target(struct dmp_level *target, struct dmp_level *volume,
			  bool latency)
{
	int r;

	dmp_level_setup(target, volume);
	r = dmp_alloc_counters(target);
	if (!r && latency)
		r = dmp_alloc_latencies(target);
	if (!r && latency)
		r = dmp_alloc_joint(volume);
	if (r) {
		dmp_level_free(target);
		return r;
	}

	dmp_level_link(target);
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(dmp_level_init_target);

/* All that a level ever counted, by itself and by those below. */
static void dmp_level_sum(struct dmp_level *level, enum dmp_op op,
			  struct dmp_op_stats *sum)
{
	struct dmp_level *child;

	lockdep_assert_held(&level->lock);

	dmp_op_stats_add(sum, &level->folded[op]);
	if (level->cpu)
		dmp_counters_add(sum, level, op);
	list_for_each_entry(child, &level->children, sibling) {
		dmp_level_lock(child);
		dmp_level_sum(child, op, sum);
		dmp_level_unlock(child);
	}
}

/* The same for one row of a volume's joint histograms. */
static void dmp_row_sum(struct dmp_level *volume, enum dmp_op op,
			unsigned int size, u64 *sum)
{
	const u64 *folded = volume->joint->folded[op][size];
	const struct dmp_level *target;
	int i;

	lockdep_assert_held(&volume->lock);

	for (i = 0; i < DMP_NR_LATENCIES; i++)
		sum[i] += folded[i];
	list_for_each_entry(target, &volume->children, sibling)
		if (dmp_measures_latency(target))
			dmp_latencies_add(sum, target, op, size);
}

static void dmp_level_fold(struct dmp_level *level)
{
	struct dmp_level *parent = level->parent;
	unsigned int op, size;

	lockdep_assert_held(&parent->lock);

	dmp_level_lock(level);
	for (op = 0; op < DMP_NR_OPS; op++)
		dmp_level_sum(level, op, &parent->folded[op]);
	dmp_level_unlock(level);

	if (!dmp_measures_latency(level))
		return;
	for (op = 0; op < DMP_NR_OPS; op++)
		for (size = 0; size < dmp_nr_sizes(op); size++)
			dmp_latencies_add(parent->joint->folded[op][size], level, op, size);
}

/**
 * dmp_level_exit() - fold a level into what it is a part of, and free it
 * @level: what no request uses any more, and has no children left
 *
 * The module has no use for joint histograms: those of a volume end with it.
 *
 * Context: May sleep.
 */
void dmp_level_exit(struct dmp_level *level)
{
	dmp_level_lock(level->parent);
	list_del(&level->sibling);
	dmp_level_fold(level);
	dmp_level_unlock(level->parent);

	dmp_level_free(level);
}
EXPORT_SYMBOL_IF_KUNIT(dmp_level_exit);

/*
 * The base of a level is what those of its parts add up to, so that its parts
 * go on adding up to it.
 */
static void dmp_level_rebase(struct dmp_level *level, enum dmp_op op)
{
	struct dmp_op_stats *base = &level->base[op];
	struct dmp_level *child;

	lockdep_assert_held(&level->lock);

	*base = level->folded[op];
	if (level->cpu)
		dmp_counters_add(base, level, op);
	list_for_each_entry(child, &level->children, sibling) {
		dmp_level_lock(child);
		dmp_level_rebase(child, op);
		dmp_op_stats_add(base, &child->base[op]);
		dmp_level_unlock(child);
	}
}

/**
 * dmp_level_reset() - let a volume and its targets report from zero
 * @volume: the volume, which may be counting meanwhile
 *
 * Context: May sleep, does not allocate.
 */
void dmp_level_reset(struct dmp_level *volume)
{
	unsigned int op, size;
	u64 *base;

	dmp_level_lock(volume);
	for (op = 0; op < DMP_NR_OPS; op++) {
		dmp_level_rebase(volume, op);
		if (!volume->joint)
			continue;
		for (size = 0; size < dmp_nr_sizes(op); size++) {
			base = volume->joint->base[op][size];
			memset(base, 0, sizeof(volume->joint->base[op][size]));
			dmp_row_sum(volume, op, size, base);
		}
	}
	dmp_level_unlock(volume);
}
EXPORT_SYMBOL_IF_KUNIT(dmp_level_reset);

/* DMP_TOTAL stands for read and write, any other operation for itself. */
static enum dmp_op dmp_first_op(enum dmp_op op)
{
	return op == DMP_TOTAL ? DMP_READ : op;
}

static enum dmp_op dmp_last_op(enum dmp_op op)
{
	return op == DMP_TOTAL ? DMP_WRITE : op;
}

/**
 * dmp_level_read() - read what was counted since the last reset
 * @level: what to read, may be counting meanwhile
 * @op: operation, or DMP_TOTAL
 * @stats: the sum over all CPUs and all that is below @level
 *
 * Without a reset no value is less than at an earlier call.
 *
 * Context: May sleep, does not allocate.
 */
void dmp_level_read(struct dmp_level *level, enum dmp_op op,
		    struct dmp_op_stats *stats)
{
	unsigned int i;

	*stats = (struct dmp_op_stats) {};
	dmp_level_lock(level);
	for (i = dmp_first_op(op); i <= dmp_last_op(op); i++) {
		dmp_level_sum(level, i, stats);
		dmp_op_stats_sub(stats, &level->base[i]);
	}
	dmp_level_unlock(level);
}
EXPORT_SYMBOL_IF_KUNIT(dmp_level_read);

/**
 * dmp_level_add_row() - read a row of a volume's joint histograms
 * @volume: what to read, may be counting meanwhile
 * @op: operation
 * @size: index of the size bucket
 * @row: DMP_NR_LATENCIES numbers, to which the requests since the last reset
 *	are added
 *
 * Context: Under dmp_level_lock().
 */
void dmp_level_add_row(struct dmp_level *volume, enum dmp_op op,
		       unsigned int size, u64 *row)
{
	const u64 *base;
	int i;

	if (!volume->joint)
		return;
	dmp_row_sum(volume, op, size, row);
	base = volume->joint->base[op][size];
	for (i = 0; i < DMP_NR_LATENCIES; i++)
		row[i] -= base[i];
}
EXPORT_SYMBOL_IF_KUNIT(dmp_level_add_row);

/**
 * dmp_level_read_latencies() - read a volume's latencies since the last reset
 * @volume: what to read, may be counting meanwhile
 * @op: operation, or DMP_TOTAL
 * @latencies: DMP_NR_LATENCIES numbers: requests of any size for each bucket
 *
 * Context: May sleep, does not allocate.
 */
void dmp_level_read_latencies(struct dmp_level *volume, enum dmp_op op,
			      u64 *latencies)
{
	unsigned int i, size;

	memset(latencies, 0, DMP_NR_LATENCIES * sizeof(*latencies));
	dmp_level_lock(volume);
	for (i = dmp_first_op(op); i <= dmp_last_op(op); i++)
		for (size = 0; size < dmp_nr_sizes(i); size++)
			dmp_level_add_row(volume, i, size, latencies);
	dmp_level_unlock(volume);
}
EXPORT_SYMBOL_IF_KUNIT(dmp_level_read_latencies);

/**
 * dmp_reqs() - number of requests
 * @stats: what was counted
 *
 * Return: requests of all sizes.
 */
u64 dmp_reqs(const struct dmp_op_stats *stats)
{
	u64 reqs = 0;
	int i;

	for (i = 0; i < DMP_NR_SIZES; i++)
		reqs += stats->n[DMP_SIZES + i];
	return reqs;
}
EXPORT_SYMBOL_IF_KUNIT(dmp_reqs);

/**
 * dmp_avg_size() - average size of a request
 * @stats: what was counted
 *
 * Return: bytes per request, rounded down; 0 if there was no request.
 */
u64 dmp_avg_size(const struct dmp_op_stats *stats)
{
	u64 reqs = dmp_reqs(stats);

	return reqs ? div64_u64(stats->n[DMP_BYTES], reqs) : 0;
}
EXPORT_SYMBOL_IF_KUNIT(dmp_avg_size);
