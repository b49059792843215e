/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Statistics of the dmp target: per-CPU counters for each operation, and the
 * levels that they are summed over: target, volume, module.
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
 * enum dmp_op - what a request asks for, as the statistics tell it
 * @DMP_READ: read
 * @DMP_WRITE: write, zone append
 * @DMP_DISCARD: discard, secure erase
 * @DMP_WRITE_ZEROES: write zeroes
 * @DMP_FLUSH: cache flush that carries no data
 * @DMP_ZONE: zone management
 * @DMP_NR_OPS: number of the above
 * @DMP_NONE: none of the above: it has counters, so that the hot path need not
 *	ask, but is not reported
 * @DMP_TOTAL: for reports, the sum of read and write
 */
enum dmp_op {
	DMP_READ,
	DMP_WRITE,
	DMP_DISCARD,
	DMP_WRITE_ZEROES,
	DMP_FLUSH,
	DMP_ZONE,
	DMP_NR_OPS,
	DMP_NONE = DMP_NR_OPS,
	DMP_TOTAL = DMP_NR_OPS,
};

extern const char * const dmp_op_names[DMP_TOTAL + 1];

/* Sizes: one bucket per octave, [512, 1K) and below up to 1M and above. */
#define DMP_SIZE_SHIFT		9
#define DMP_NR_SIZES		12

/*
 * Latencies in nanoseconds: two buckets per octave from 512 ns to 16 s (2^9 to
 * 2^34), one for what is below and one for what is above.
 */
#define DMP_LATENCY_SHIFT	9
#define DMP_LATENCY_MAX_SHIFT	34
#define DMP_NR_LATENCIES	(2 * (DMP_LATENCY_MAX_SHIFT - DMP_LATENCY_SHIFT) + 2)

/**
 * enum dmp_counter - what is counted for one operation
 * @DMP_BYTES: bytes that requests asked for
 * @DMP_ERRORS: requests that ended with an error
 * @DMP_LATENCY_NS: nanoseconds that requests took
 * @DMP_SIZES: first of the requests by size, which together are all requests
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
 * struct dmp_op_stats - what was counted for one operation
 * @n: see &enum dmp_counter
 */
struct dmp_op_stats {
	u64 n[DMP_NR_COUNTERS];
};

/**
 * struct dmp_cpu_counters - what one CPU counts; no other CPU ever writes it
 * @op: counters of each operation; those of requests below 16 KiB are in one
 *	cache line with its other ones
 * @op.n: see &enum dmp_counter
 * @syncp: lets a reader on a 32-bit machine see 64-bit values whole
 */
struct dmp_cpu_counters {
	struct {
		u64 n[DMP_NR_COUNTERS];
	} __aligned(64) op[DMP_NR_OPS + 1];
	struct u64_stats_sync syncp;
};

/**
 * struct dmp_cpu_latencies - requests of one operation and size bucket by
 *	latency, as one CPU counts them; &dmp_cpu_counters.syncp covers it
 * @n: one counter for each latency bucket
 */
struct dmp_cpu_latencies {
	u64 n[DMP_NR_LATENCIES];
};

/**
 * struct dmp_joint - what a volume has to remember of its joint histograms of
 *	size by latency
 * @folded: as &dmp_level.folded
 * @base: as &dmp_level.base
 */
struct dmp_joint {
	u64 folded[DMP_NR_OPS][DMP_NR_SIZES][DMP_NR_LATENCIES];
	u64 base[DMP_NR_OPS][DMP_NR_SIZES][DMP_NR_LATENCIES];
};

/**
 * struct dmp_level - one of those that statistics are summed over: a target,
 *	its volume, or the module
 * @cpu: a target's counters, one set for each CPU; NULL for the others
 * @latencies: a target's joint histograms, for each operation and CPU an array
 *	of dmp_nr_sizes(); NULL if it does not measure latencies
 * @parent: the next level up, NULL for the module
 * @sibling: entry in &dmp_level.children of @parent
 * @depth: number of levels above
 * @lock: protects what follows; taken before those of @children
 * @children: the next level down
 * @folded: sum of the children that are gone
 * @base: what was counted when the level was reset last
 * @joint: the same of a volume's joint histograms, NULL if it never had any
 *
 * Nothing sleeps while it holds @lock, other than for the locks of @children.
 */
struct dmp_level {
	struct dmp_cpu_counters __percpu *cpu;
	struct dmp_cpu_latencies __percpu *latencies[DMP_NR_OPS + 1];

	/* what requests use ends here; the rest is written now and then */
	struct dmp_level *parent ____cacheline_aligned_in_smp;
	struct list_head sibling;
	unsigned int depth;

	struct mutex lock;	/* protects what follows */
	struct list_head children;
	struct dmp_op_stats folded[DMP_NR_OPS];
	struct dmp_op_stats base[DMP_NR_OPS];
	struct dmp_joint *joint;
};

/**
 * dmp_nr_sizes() - number of size buckets that an operation needs
 * @op: the operation
 *
 * Return: 1 for an operation without data.
 */
static inline unsigned int dmp_nr_sizes(enum dmp_op op)
{
	return op < DMP_FLUSH ? DMP_NR_SIZES : 1;
}

/**
 * dmp_size_bucket() - find the bucket of a size
 * @bytes: the size
 *
 * Return: index of the bucket; the first also has what is smaller than it.
 */
static inline unsigned int dmp_size_bucket(unsigned long bytes)
{
	return min(__fls(bytes >> DMP_SIZE_SHIFT | 1), DMP_NR_SIZES - 1);
}

/**
 * dmp_latency_bucket() - find the bucket of a latency
 * @ns: the latency in nanoseconds
 *
 * Each octave is halved in the middle: the bit below the highest one tells
 * which half a value is in. What is below the first octave counts as the upper
 * half of the one before, and what is above the last one as the lower half of the
 * one after.
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
 * @op: operation that the bucket is of
 * @size: index of the bucket
 *
 * Return: bytes, 0 if the operation has no data.
 */
static inline u64 dmp_size_floor(enum dmp_op op, unsigned int size)
{
	return op < DMP_FLUSH ? 1ULL << (DMP_SIZE_SHIFT + size) : 0;
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
 * dmp_op() - classify a request
 * @opf: operation and flags, as in &bio.bi_opf
 * @bytes: size of the request
 *
 * Device-mapper passes a flush on as an empty write with REQ_PREFLUSH. Data
 * that asks for a flush first (REQ_PREFLUSH) or for FUA is a plain write.
 *
 * Return: the operation to count it under, DMP_NONE if it is none of them.
 */
static inline enum dmp_op dmp_op(blk_opf_t opf, unsigned int bytes)
{
	enum req_op req_op = opf & REQ_OP_MASK;

	/* the hot ones first: a switch makes them wait their turn */
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
		return DMP_NONE;
	}
}

/*
 * Counters are written by this_cpu_add(), which nothing on this CPU can come in
 * between. A 32-bit machine needs several instructions for it: there readers on
 * other CPUs have to know.
 */
static inline unsigned long dmp_update_begin(const struct dmp_level *target)
{
	unsigned long flags = 0;

	if (!IS_ENABLED(CONFIG_64BIT)) {
		local_irq_save(flags);
		u64_stats_update_begin(this_cpu_ptr(&target->cpu->syncp));
	}
	return flags;
}

static inline void dmp_update_end(const struct dmp_level *target, unsigned long flags)
{
	if (!IS_ENABLED(CONFIG_64BIT)) {
		u64_stats_update_end(this_cpu_ptr(&target->cpu->syncp));
		local_irq_restore(flags);
	}
}

/**
 * dmp_count() - count a request
 * @target: what it came by
 * @op: its operation
 * @bytes: its size
 *
 * Context: Any. Writes this CPU's counters only.
 */
static inline void dmp_count(const struct dmp_level *target, enum dmp_op op,
			     unsigned long bytes)
{
	unsigned long flags = dmp_update_begin(target);
	u64 __percpu *n = target->cpu->op[op].n;
	u64 __percpu *sizes = n + DMP_SIZES;

	this_cpu_add(n[DMP_BYTES], bytes);
	this_cpu_inc(sizes[dmp_size_bucket(bytes)]);
	dmp_update_end(target, flags);
}

/**
 * dmp_count_error() - count that a request ended with an error
 * @target: what it came by
 * @op: its operation
 *
 * Context: Any, as dmp_count().
 */
static inline void dmp_count_error(const struct dmp_level *target, enum dmp_op op)
{
	unsigned long flags = dmp_update_begin(target);

	this_cpu_inc(target->cpu->op[op].n[DMP_ERRORS]);
	dmp_update_end(target, flags);
}

/**
 * dmp_measures_latency() - tell whether a target measures latencies
 * @level: the target
 *
 * Return: whether it does; false for what is not a target.
 */
static inline bool dmp_measures_latency(const struct dmp_level *level)
{
	return level->latencies[DMP_READ];
}

/**
 * dmp_count_latency() - count how long a request took
 * @target: what it came by, and measures latencies
 * @op: its operation
 * @bytes: its size
 * @ns: nanoseconds from its mapping to its end
 *
 * Context: Any, as dmp_count().
 */
static inline void dmp_count_latency(const struct dmp_level *target,
				     enum dmp_op op, unsigned long bytes, u64 ns)
{
	unsigned long flags = dmp_update_begin(target);
	struct dmp_cpu_latencies __percpu *row = target->latencies[op];

	/* the others have one row, whatever size a submitter put in */
	if (op < DMP_FLUSH)
		row += dmp_size_bucket(bytes);
	this_cpu_add(target->cpu->op[op].n[DMP_LATENCY_NS], ns);
	this_cpu_inc(row->n[dmp_latency_bucket(ns)]);
	dmp_update_end(target, flags);
}

/**
 * dmp_level_lock() - keep what a level and those below add up to as it is,
 *	but for what is counted meanwhile
 * @level: the level
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
int dmp_level_init_target(struct dmp_level *level, struct dmp_level *volume,
			  bool latency);
void dmp_level_exit(struct dmp_level *level);
void dmp_level_reset(struct dmp_level *volume);
void dmp_level_read(struct dmp_level *level, enum dmp_op op,
		    struct dmp_op_stats *stats);
void dmp_level_read_latencies(struct dmp_level *volume, enum dmp_op op,
			      u64 *latencies);
void dmp_level_add_row(struct dmp_level *volume, enum dmp_op op,
		       unsigned int size, u64 *row);
void dmp_op_stats_add(struct dmp_op_stats *sum, const struct dmp_op_stats *stats);
u64 dmp_reqs(const struct dmp_op_stats *stats);
u64 dmp_avg_size(const struct dmp_op_stats *stats);

#endif /* DM_DMP_STATS_H */
