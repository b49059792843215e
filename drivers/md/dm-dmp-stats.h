/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Statistics of the dmp target: per-CPU counters of each operation, and the tree
 * of levels that sums them: module, volumes, targets.
 */

#ifndef DM_DMP_STATS_H
#define DM_DMP_STATS_H

#include <linux/bitops.h>
#include <linux/blk_types.h>
#include <linux/list.h>
#include <linux/minmax.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/u64_stats_sync.h>

/**
 * enum dmp_op - operation of a bio
 * @DMP_READ: read
 * @DMP_WRITE: write, zone append
 * @DMP_DISCARD: discard, secure erase
 * @DMP_WRITE_ZEROES: write zeroes
 * @DMP_FLUSH: cache flush that carries no data
 * @DMP_ZONE: zone management
 * @DMP_OTHER: any other; counted to save map a check, but not reported
 * @DMP_NR_OPS: number of operations
 */
enum dmp_op {
	DMP_READ,
	DMP_WRITE,
	DMP_DISCARD,
	DMP_WRITE_ZEROES,
	DMP_FLUSH,
	DMP_ZONE,
	DMP_OTHER,
	DMP_NR_OPS,
};

extern const char * const dmp_op_names[DMP_OTHER];

/* Bitmap of the operations in the total. */
#define DMP_TOTAL		(BIT(DMP_READ) | BIT(DMP_WRITE))

/*
 * Sizes in bytes: one bucket per octave. The first one, from 2^9, also has smaller
 * sizes; the last one, from 2^20, has all larger sizes.
 */
#define DMP_SIZE_SHIFT		9
#define DMP_NR_SIZES		12

/*
 * Latencies in nanoseconds: two buckets per octave from 2^9 (512 ns) to 2^34 (17 s),
 * one bucket for shorter latencies and one for longer ones.
 */
#define DMP_LATENCY_SHIFT	9
#define DMP_LATENCY_MAX_SHIFT	34
#define DMP_NR_LATENCIES	(2 * (DMP_LATENCY_MAX_SHIFT - DMP_LATENCY_SHIFT) + 2)

/**
 * enum dmp_counter - counters of one operation
 * @DMP_BYTES: sum of the sizes of the bios
 * @DMP_ERRORS: number of failed bios
 * @DMP_LATENCY_NS: sum of the latencies in nanoseconds
 * @DMP_SIZES: first size bucket; the sum of all size buckets is the number of bios
 * @DMP_NR_COUNTERS: number of counters
 */
enum dmp_counter {
	DMP_BYTES,
	DMP_ERRORS,
	DMP_LATENCY_NS,
	DMP_SIZES,
	DMP_NR_COUNTERS = DMP_SIZES + DMP_NR_SIZES,
};

/**
 * struct dmp_op_stats - statistics of one operation
 * @n: the counters, by &enum dmp_counter
 */
struct dmp_op_stats {
	u64 n[DMP_NR_COUNTERS];
};

/**
 * struct dmp_cpu_counters - one CPU's counters of a target, written by this CPU only
 * @op: counters of each operation; a bio below 16 KiB needs only the first cache line
 *	of its operation
 * @op.n: the counters, by &enum dmp_counter
 * @syncp: on 32-bit machines, lets readers detect an update and retry
 */
struct dmp_cpu_counters {
	struct {
		u64 n[DMP_NR_COUNTERS];
	} __aligned(64) op[DMP_NR_OPS];
	struct u64_stats_sync syncp;
};

/**
 * struct dmp_cpu_latencies - one CPU's joint histogram of an operation, written by
 *	this CPU only
 * @syncp: as in &struct dmp_cpu_counters
 * @n: number of completed bios by size bucket (dmp_nr_sizes() of them) and latency
 *	bucket
 */
struct dmp_cpu_latencies {
	struct u64_stats_sync syncp;
	u64 n[][DMP_NR_LATENCIES];
};

/**
 * struct dmp_joint - a volume's joint histograms of size and latency
 * @latencies: per-CPU histogram of each operation
 * @base: baseline: sums over the CPUs at the last reset
 */
struct dmp_joint {
	struct dmp_cpu_latencies __percpu *latencies[DMP_NR_OPS];
	u64 base[DMP_OTHER][DMP_NR_SIZES][DMP_NR_LATENCIES];
};

/**
 * struct dmp_level - node of the statistics tree: the module, a volume or a target
 * @cpu: a target's counters, NULL for volumes and the module
 * @latencies: for a target that measures latencies, a copy of its volume's
 *	&dmp_joint.latencies, which saves the hot path a load and a cache line
 * @parent: level of the module for a volume, of the volume for a target
 * @sibling: entry in &dmp_level.children of @parent
 * @depth: number of levels above this one: the lockdep subclass of @lock
 * @joint: a volume's joint histograms, allocated with its first target that measures
 *	latencies; NULL in a target and in the module
 * @lock: protects the fields below; taken before the locks of @children
 * @children: targets of a volume, volumes of the module
 * @resets: number of resets of a volume
 * @folded: sum of the counts of destroyed children
 * @base: baseline: sum at the last reset
 *
 * The holder of @lock allocates nothing, and waits only for the locks of @children.
 */
struct dmp_level {
	struct dmp_cpu_counters __percpu *cpu;
	struct dmp_cpu_latencies __percpu *latencies[DMP_NR_OPS];

	/* map and end_io read only the fields above, which do not change under I/O */
	struct dmp_level *parent ____cacheline_aligned_in_smp;
	struct list_head sibling;
	unsigned int depth;
	struct dmp_joint *joint;

	struct mutex lock;	/* protects the fields below */
	struct list_head children;
	u64 resets;
	struct dmp_op_stats folded[DMP_OTHER];
	struct dmp_op_stats base[DMP_OTHER];
};

/**
 * dmp_has_data() - tell whether bios of an operation have a size
 * @op: the operation
 *
 * Return: false for flush, zone and other.
 */
static inline bool dmp_has_data(enum dmp_op op)
{
	return op < DMP_FLUSH;
}

/**
 * dmp_nr_sizes() - number of size buckets of an operation
 * @op: the operation
 *
 * Return: DMP_NR_SIZES, or 1 for an operation without data.
 */
static inline unsigned int dmp_nr_sizes(enum dmp_op op)
{
	return dmp_has_data(op) ? DMP_NR_SIZES : 1;
}

/**
 * dmp_size_bucket() - find the bucket of a size
 * @bytes: the size
 *
 * Return: index of the bucket, 0 for sizes below 512.
 */
static inline unsigned int dmp_size_bucket(unsigned long bytes)
{
	return min(__fls(bytes >> DMP_SIZE_SHIFT | 1), DMP_NR_SIZES - 1);
}

/**
 * dmp_latency_bucket() - find the bucket of a latency
 * @ns: the latency in nanoseconds
 *
 * Each octave is halved in the middle: the bit below the highest one selects the
 * half. Latencies below the first octave are clamped to the upper half of the
 * octave before it, latencies above the last octave to the lower half of the octave
 * after it.
 *
 * Return: index of the bucket.
 */
static inline unsigned int dmp_latency_bucket(u64 ns)
{
	unsigned int octave;

	ns = clamp(ns, 3ULL << (DMP_LATENCY_SHIFT - 2), 1ULL << DMP_LATENCY_MAX_SHIFT);
	octave = fls64(ns) - 1;
	return 1 + 2 * (octave - DMP_LATENCY_SHIFT) + ((ns >> (octave - 1)) & 1);
}

/**
 * dmp_size_floor() - smallest size of a bucket
 * @op: operation of the bucket
 * @size: index of the bucket
 *
 * Return: bytes, 0 if the operation has no data.
 */
static inline u64 dmp_size_floor(enum dmp_op op, unsigned int size)
{
	return dmp_has_data(op) ? 1ULL << (DMP_SIZE_SHIFT + size) : 0;
}

/**
 * dmp_latency_floor() - smallest latency of a bucket
 * @latency: index of the bucket
 *
 * Return: nanoseconds.
 */
static inline u64 dmp_latency_floor(unsigned int latency)
{
	unsigned int half = latency - 1;

	if (!latency)
		return 0;
	return (2ULL + half % 2) << (DMP_LATENCY_SHIFT - 1 + half / 2);
}

/**
 * dmp_op() - classify a bio
 * @opf: operation and flags, as in &bio.bi_opf
 * @bytes: size of the bio
 *
 * Device-mapper passes a flush as an empty write with REQ_PREFLUSH. A write with
 * data counts as a write, also with REQ_PREFLUSH or REQ_FUA.
 *
 * Return: operation under which the bio counts.
 */
static inline enum dmp_op dmp_op(blk_opf_t opf, unsigned int bytes)
{
	enum req_op req_op = opf & REQ_OP_MASK;

	/* Test read and write before the switch: they are the common case. */
	if (likely(req_op == REQ_OP_READ))
		return DMP_READ;
	if (likely(req_op == REQ_OP_WRITE))
		return bytes || !(opf & REQ_PREFLUSH) ? DMP_WRITE : DMP_FLUSH;

	switch (req_op) {
	case REQ_OP_ZONE_APPEND:
		return DMP_WRITE;
	case REQ_OP_DISCARD:
	case REQ_OP_SECURE_ERASE:
		return DMP_DISCARD;
	case REQ_OP_WRITE_ZEROES:
		return DMP_WRITE_ZEROES;
	case REQ_OP_FLUSH:
		return DMP_FLUSH;
	case REQ_OP_ZONE_OPEN:
	case REQ_OP_ZONE_CLOSE:
	case REQ_OP_ZONE_FINISH:
	case REQ_OP_ZONE_RESET:
	case REQ_OP_ZONE_RESET_ALL:
		return DMP_ZONE;
	default:
		return DMP_OTHER;
	}
}

/*
 * this_cpu_add() is safe against interrupts, and a 64-bit machine stores the sum at
 * once. A 32-bit machine needs two stores, so readers on other CPUs check @syncp,
 * which must be updated with interrupts disabled.
 */
static inline unsigned long dmp_update_begin(struct u64_stats_sync __percpu *syncp)
{
	unsigned long flags = 0;

	if (!IS_ENABLED(CONFIG_64BIT)) {
		local_irq_save(flags);
		u64_stats_update_begin(this_cpu_ptr(syncp));
	}
	return flags;
}

static inline void dmp_update_end(struct u64_stats_sync __percpu *syncp,
				  unsigned long flags)
{
	if (!IS_ENABLED(CONFIG_64BIT)) {
		u64_stats_update_end(this_cpu_ptr(syncp));
		local_irq_restore(flags);
	}
}

/**
 * dmp_count() - count a bio
 * @target: statistics of the target that mapped the bio
 * @op: operation of the bio
 * @bytes: size of the bio
 *
 * Context: Any. Writes this CPU's counters only.
 */
static inline void dmp_count(const struct dmp_level *target, enum dmp_op op,
			     unsigned long bytes)
{
	unsigned long flags = dmp_update_begin(&target->cpu->syncp);
	u64 __percpu *n = target->cpu->op[op].n;
	u64 __percpu *sizes = n + DMP_SIZES;

	this_cpu_add(n[DMP_BYTES], bytes);
	this_cpu_inc(sizes[dmp_size_bucket(bytes)]);
	dmp_update_end(&target->cpu->syncp, flags);
}

/**
 * dmp_count_error() - count a failed bio
 * @target: statistics of the target that mapped the bio
 * @op: operation of the bio
 *
 * Context: Any, as dmp_count().
 */
static inline void dmp_count_error(const struct dmp_level *target, enum dmp_op op)
{
	unsigned long flags = dmp_update_begin(&target->cpu->syncp);

	this_cpu_inc(target->cpu->op[op].n[DMP_ERRORS]);
	dmp_update_end(&target->cpu->syncp, flags);
}

/**
 * dmp_measures_latency() - tell whether a target measures latencies
 * @target: statistics of the target
 *
 * Return: true if the target has the feature latency.
 */
static inline bool dmp_measures_latency(const struct dmp_level *target)
{
	return target->latencies[DMP_READ];
}

/**
 * dmp_count_latency() - count the latency of a bio
 * @target: statistics of the target that mapped the bio; it measures latencies
 * @op: operation of the bio
 * @size: index of the bio's size bucket
 * @ns: nanoseconds from map to completion. The clock of the completing CPU may be
 *	behind: a negative value counts as 0, as in blk_stat_add()
 *
 * Context: Any, as dmp_count().
 */
static inline void dmp_count_latency(const struct dmp_level *target,
				     enum dmp_op op, unsigned int size, s64 ns)
{
	struct dmp_cpu_latencies __percpu *latencies = target->latencies[op];
	unsigned long flags;

	if (unlikely(ns < 0))
		ns = 0;

	flags = dmp_update_begin(&target->cpu->syncp);
	this_cpu_add(target->cpu->op[op].n[DMP_LATENCY_NS], ns);
	dmp_update_end(&target->cpu->syncp, flags);

	flags = dmp_update_begin(&latencies->syncp);
	this_cpu_inc(latencies->n[size][dmp_latency_bucket(ns)]);
	dmp_update_end(&latencies->syncp, flags);
}

/**
 * dmp_level_lock() - exclude resets and folding of a level and its children
 * @level: the level
 *
 * Bios are still counted: counting takes no lock.
 */
static inline void dmp_level_lock(struct dmp_level *level)
{
	mutex_lock_nested(&level->lock, level->depth);
}

static inline void dmp_level_unlock(struct dmp_level *level)
{
	mutex_unlock(&level->lock);
}

void dmp_level_init(struct dmp_level *level, struct dmp_level *parent);
int dmp_level_init_target(struct dmp_level *target, struct dmp_level *volume,
			  bool latency);
void dmp_level_exit(struct dmp_level *level);
void dmp_level_reset(struct dmp_level *volume);
void dmp_level_add(struct dmp_level *level, enum dmp_op op, struct dmp_op_stats *stats);
void dmp_level_add_row(struct dmp_level *volume, enum dmp_op op,
		       unsigned int size, u64 *row);
void dmp_level_read(struct dmp_level *level, unsigned long ops,
		    struct dmp_op_stats *stats);
void dmp_level_read_latencies(struct dmp_level *volume, unsigned long ops,
			      u64 *latencies);
void dmp_op_stats_add(struct dmp_op_stats *sum, const struct dmp_op_stats *stats);
u64 dmp_reqs(const struct dmp_op_stats *stats);
u64 dmp_avg_size(const struct dmp_op_stats *stats);

#endif /* DM_DMP_STATS_H */
