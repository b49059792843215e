// SPDX-License-Identifier: GPL-2.0-only
/*
 * Statistics of the dmp target: summing, folding and resetting. The header has the
 * functions that count, inline for the hot path.
 *
 * When a target is destroyed, its counts fold into its volume; when a volume is
 * destroyed, into the module. A reset saves the sum as a baseline, which later reports
 * subtract: clearing counters that other CPUs write would lose counts.
 */

#include <kunit/visibility.h>
#include <linux/math64.h>
#include <linux/slab.h>

#include "dm-dmp-stats.h"

const char * const dmp_op_names[DMP_OTHER] = {
	[DMP_READ]		= "read",
	[DMP_WRITE]		= "write",
	[DMP_DISCARD]		= "discard",
	[DMP_WRITE_ZEROES]	= "write_zeroes",
	[DMP_FLUSH]		= "flush",
	[DMP_ZONE]		= "zone",
};
EXPORT_SYMBOL_IF_KUNIT(dmp_op_names);

/**
 * dmp_op_stats_add() - add statistics
 * @sum: statistics to which @stats are added
 * @stats: statistics of one or more operations
 */
void dmp_op_stats_add(struct dmp_op_stats *sum, const struct dmp_op_stats *stats)
{
	int i;

	for (i = 0; i < DMP_NR_COUNTERS; i++)
		sum->n[i] += stats->n[i];
}

static void dmp_op_stats_sub(struct dmp_op_stats *sum,
			     const struct dmp_op_stats *stats)
{
	int i;

	for (i = 0; i < DMP_NR_COUNTERS; i++)
		sum->n[i] -= stats->n[i];
}

/*
 * Add counters of one CPU. A 64-bit machine reads each counter in a single load. A
 * 32-bit machine reads all of them again if the CPU updated one meanwhile.
 */
static void dmp_cpu_add(u64 *sum, const u64 *n, unsigned int nr,
			const struct u64_stats_sync *syncp)
{
	u64 copy[DMP_NR_LATENCIES];
	unsigned int start, i;

	if (IS_ENABLED(CONFIG_64BIT)) {
		for (i = 0; i < nr; i++)
			sum[i] += READ_ONCE(n[i]);
		return;
	}

	do {
		start = u64_stats_fetch_begin(syncp);
		for (i = 0; i < nr; i++)
			copy[i] = READ_ONCE(n[i]);
	} while (u64_stats_fetch_retry(syncp, start));

	for (i = 0; i < nr; i++)
		sum[i] += copy[i];
}

static_assert(DMP_NR_COUNTERS <= DMP_NR_LATENCIES);

static void dmp_counters_add(struct dmp_op_stats *sum,
			     const struct dmp_level *target, enum dmp_op op)
{
	const struct dmp_cpu_counters *counters;
	int cpu;

	for_each_possible_cpu(cpu) {
		counters = per_cpu_ptr(target->cpu, cpu);
		dmp_cpu_add(sum->n, counters->op[op].n, DMP_NR_COUNTERS, &counters->syncp);
	}
}

/* Add a row of a joint histogram: the latencies of one size bucket. */
static void dmp_row_add(u64 *sum, const struct dmp_joint *joint, enum dmp_op op,
			unsigned int size)
{
	const struct dmp_cpu_latencies *latencies;
	int cpu;

	for_each_possible_cpu(cpu) {
		latencies = per_cpu_ptr(joint->latencies[op], cpu);
		dmp_cpu_add(sum, latencies->n[size], DMP_NR_LATENCIES, &latencies->syncp);
	}
}

static void dmp_joint_free(struct dmp_joint *joint)
{
	int op;

	if (!joint)
		return;
	for (op = 0; op < DMP_NR_OPS; op++)
		free_percpu(joint->latencies[op]);
	kvfree(joint);
}

/* One allocation for each operation: a large per-CPU allocation is likelier to fail. */
static struct dmp_joint *dmp_joint_alloc(void)
{
	struct dmp_joint *joint = kvzalloc_obj(*joint);
	struct dmp_cpu_latencies __percpu *latencies;
	int op, cpu;

	if (!joint)
		return NULL;

	for (op = 0; op < DMP_NR_OPS; op++) {
		latencies = __alloc_percpu(struct_size_t(struct dmp_cpu_latencies, n,
							 dmp_nr_sizes(op)),
					   __alignof__(struct dmp_cpu_latencies));
		if (!latencies) {
			dmp_joint_free(joint);
			return NULL;
		}
		for_each_possible_cpu(cpu)
			u64_stats_init(&per_cpu_ptr(latencies, cpu)->syncp);
		joint->latencies[op] = latencies;
	}
	return joint;
}

/**
 * dmp_level_init() - create the level of the module or of a volume
 * @level: the level, all zero
 * @parent: the module's level for a volume, NULL for the module
 *
 * Context: May sleep, does not allocate.
 */
void dmp_level_init(struct dmp_level *level, struct dmp_level *parent)
{
	mutex_init(&level->lock);
	INIT_LIST_HEAD(&level->children);
	if (!parent)
		return;

	level->parent = parent;
	level->depth = parent->depth + 1;
	dmp_level_lock(parent);
	list_add_tail(&level->sibling, &parent->children);
	dmp_level_unlock(parent);
}
EXPORT_SYMBOL_IF_KUNIT(dmp_level_init);

/* The volume owns the joint histograms, so segments and reloads share their memory. */
static int dmp_share_latencies(struct dmp_level *target, struct dmp_level *volume)
{
	struct dmp_joint *joint;

	if (!READ_ONCE(volume->joint)) {
		joint = dmp_joint_alloc();
		if (!joint)
			return -ENOMEM;
		/* Two tables of the volume may be loaded at the same time. */
		if (cmpxchg(&volume->joint, NULL, joint))
			dmp_joint_free(joint);
	}

	joint = READ_ONCE(volume->joint);
	memcpy(target->latencies, joint->latencies, sizeof(target->latencies));
	return 0;
}

/**
 * dmp_level_init_target() - create the level of a target
 * @target: the level, all zero
 * @volume: level of its volume
 * @latency: whether to measure latencies
 *
 * Context: May sleep.
 * Return: 0 or -ENOMEM.
 */
int dmp_level_init_target(struct dmp_level *target, struct dmp_level *volume,
			  bool latency)
{
	int cpu;

	target->cpu = alloc_percpu(struct dmp_cpu_counters);
	if (!target->cpu)
		return -ENOMEM;
	for_each_possible_cpu(cpu)
		u64_stats_init(&per_cpu_ptr(target->cpu, cpu)->syncp);

	if (latency && dmp_share_latencies(target, volume)) {
		free_percpu(target->cpu);
		return -ENOMEM;
	}

	dmp_level_init(target, volume);
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(dmp_level_init_target);

/* Add the counts of a level and its children, including those before a reset. */
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

/**
 * dmp_level_exit() - fold a level into its parent, and free its counters
 * @level: target without bios in flight, or volume without targets
 *
 * The joint histograms of a volume do not fold: the module has none.
 *
 * Context: May sleep.
 */
void dmp_level_exit(struct dmp_level *level)
{
	struct dmp_level *parent = level->parent;
	int op;

	dmp_level_lock(parent);
	dmp_level_lock(level);
	list_del(&level->sibling);
	for (op = 0; op < DMP_OTHER; op++)
		dmp_level_sum(level, op, &parent->folded[op]);
	dmp_level_unlock(level);
	dmp_level_unlock(parent);

	free_percpu(level->cpu);
	dmp_joint_free(level->joint);
}
EXPORT_SYMBOL_IF_KUNIT(dmp_level_exit);

/*
 * The baseline of a volume is the sum of its folded counts and the baselines of its
 * targets. Each counter is read once, so the counts of the targets still add up to
 * those of the volume.
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

static void dmp_joint_rebase(struct dmp_joint *joint, enum dmp_op op)
{
	unsigned int size;

	memset(joint->base[op], 0, sizeof(joint->base[op]));
	for (size = 0; size < dmp_nr_sizes(op); size++)
		dmp_row_add(joint->base[op][size], joint, op, size);
}

/**
 * dmp_level_reset() - restart the statistics of a volume and its targets from zero
 * @volume: level of the volume; bios may be counted meanwhile
 *
 * Context: May sleep, does not allocate.
 */
void dmp_level_reset(struct dmp_level *volume)
{
	struct dmp_joint *joint;
	int op;

	dmp_level_lock(volume);
	/* A target joins the volume under the lock, after its joint histograms. */
	joint = READ_ONCE(volume->joint);
	volume->resets++;
	for (op = 0; op < DMP_OTHER; op++) {
		dmp_level_rebase(volume, op);
		if (joint)
			dmp_joint_rebase(joint, op);
	}
	dmp_level_unlock(volume);
}
EXPORT_SYMBOL_IF_KUNIT(dmp_level_reset);

/**
 * dmp_level_add() - add the counts since the last reset
 * @level: the level; bios may be counted meanwhile
 * @op: operation
 * @stats: sum to which the counts are added
 *
 * Some counters may include a bio that is counted meanwhile, and others not. Between
 * resets no count decreases from one call to the next.
 *
 * Context: Under dmp_level_lock().
 */
void dmp_level_add(struct dmp_level *level, enum dmp_op op, struct dmp_op_stats *stats)
{
	dmp_level_sum(level, op, stats);
	dmp_op_stats_sub(stats, &level->base[op]);
}
EXPORT_SYMBOL_IF_KUNIT(dmp_level_add);

/**
 * dmp_level_add_row() - add a row of a joint histogram since the last reset
 * @volume: level of the volume; bios may be counted meanwhile
 * @op: operation
 * @size: index of the size bucket
 * @row: DMP_NR_LATENCIES sums to which the row is added
 *
 * Context: Under dmp_level_lock().
 */
void dmp_level_add_row(struct dmp_level *volume, enum dmp_op op,
		       unsigned int size, u64 *row)
{
	const struct dmp_joint *joint = READ_ONCE(volume->joint);
	int i;

	if (!joint)
		return;
	dmp_row_add(row, joint, op, size);
	for (i = 0; i < DMP_NR_LATENCIES; i++)
		row[i] -= joint->base[op][size][i];
}
EXPORT_SYMBOL_IF_KUNIT(dmp_level_add_row);

/**
 * dmp_level_read() - read the counts since the last reset
 * @level: the level; bios may be counted meanwhile
 * @ops: bitmap of operations
 * @stats: set to the sum over @ops, see dmp_level_add()
 *
 * Context: May sleep, does not allocate.
 */
void dmp_level_read(struct dmp_level *level, unsigned long ops,
		    struct dmp_op_stats *stats)
{
	unsigned int op;

	*stats = (struct dmp_op_stats) {};
	dmp_level_lock(level);
	for_each_set_bit(op, &ops, DMP_OTHER)
		dmp_level_add(level, op, stats);
	dmp_level_unlock(level);
}
EXPORT_SYMBOL_IF_KUNIT(dmp_level_read);

/**
 * dmp_level_read_latencies() - read the latencies since the last reset
 * @volume: level of the volume; bios may be counted meanwhile
 * @ops: bitmap of operations
 * @latencies: set to DMP_NR_LATENCIES buckets, summed over @ops and all sizes
 *
 * Context: May sleep, does not allocate.
 */
void dmp_level_read_latencies(struct dmp_level *volume, unsigned long ops,
			      u64 *latencies)
{
	unsigned int op, size;

	memset(latencies, 0, DMP_NR_LATENCIES * sizeof(*latencies));
	dmp_level_lock(volume);
	for_each_set_bit(op, &ops, DMP_OTHER)
		for (size = 0; size < dmp_nr_sizes(op); size++)
			dmp_level_add_row(volume, op, size, latencies);
	dmp_level_unlock(volume);
}
EXPORT_SYMBOL_IF_KUNIT(dmp_level_read_latencies);

/**
 * dmp_reqs() - number of bios
 * @stats: statistics of one or more operations
 *
 * Return: sum of the size buckets.
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
 * dmp_avg_size() - average size of a bio
 * @stats: statistics of one or more operations
 *
 * Return: bytes per bio, rounded down; 0 without bios.
 */
u64 dmp_avg_size(const struct dmp_op_stats *stats)
{
	u64 reqs = dmp_reqs(stats);

	return reqs ? div64_u64(stats->n[DMP_BYTES], reqs) : 0;
}
EXPORT_SYMBOL_IF_KUNIT(dmp_avg_size);
