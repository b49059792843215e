/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Statistics of the dmp target: per-CPU counters for each operation, and the
 * totals that they are summed into.
 */

#ifndef DM_DMP_STATS_H
#define DM_DMP_STATS_H

#include <linux/blk_types.h>
#include <linux/list.h>
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
 * @DMP_NR_OPS: number of the above, and the slot of whatever is none of them:
 *	it has counters, so that the hot path need not ask, but is not reported
 */
enum dmp_op {
	DMP_READ,
	DMP_WRITE,
	DMP_DISCARD,
	DMP_WRITE_ZEROES,
	DMP_FLUSH,
	DMP_ZONE,
	DMP_NR_OPS,
};

extern const char * const dmp_op_names[DMP_NR_OPS];

/**
 * struct dmp_op_stats - what was counted for one operation
 * @reqs: requests
 * @bytes: bytes that these requests asked for
 * @errors: requests that ended with an error
 */
struct dmp_op_stats {
	u64 reqs;
	u64 bytes;
	u64 errors;
};

/**
 * struct dmp_stats - what was counted, for each operation
 * @op: the operations
 */
struct dmp_stats {
	struct dmp_op_stats op[DMP_NR_OPS];
};

/**
 * struct dmp_cpu_counters - what one CPU counts; no other CPU ever writes it
 * @syncp: lets a reader on a 32-bit machine see 64-bit values whole
 * @op: counters of each operation, see &struct dmp_op_stats
 */
struct dmp_cpu_counters {
	struct u64_stats_sync syncp;
	struct {
		u64_stats_t reqs;
		u64_stats_t bytes;
		u64_stats_t errors;
	} op[DMP_NR_OPS + 1];
};

/**
 * struct dmp_counters - the counters of one target
 * @cpu: one set for each CPU
 * @node: entry in the &dmp_totals.live they belong to
 */
struct dmp_counters {
	struct dmp_cpu_counters __percpu *cpu;
	struct list_head node;
};

/**
 * struct dmp_totals - sum over counters that come and go, which never decreases
 * @lock: protects @live and @dead
 * @live: counters in use
 * @dead: sum of the counters that were in use once
 */
struct dmp_totals {
	struct mutex lock;	/* protects the rest */
	struct list_head live;
	struct dmp_stats dead;
};

/**
 * dmp_op() - classify a request
 * @opf: operation and flags, as in &bio.bi_opf
 * @bytes: size of the request
 *
 * Device-mapper passes a flush on as an empty write with REQ_PREFLUSH. Data
 * that asks for a flush first (REQ_PREFLUSH) or for FUA is a plain write.
 *
 * Return: the operation to count it under, DMP_NR_OPS if it is none of them.
 */
static inline enum dmp_op dmp_op(blk_opf_t opf, unsigned int bytes)
{
	switch (opf & REQ_OP_MASK) {
	case REQ_OP_READ:
		return DMP_READ;
	case REQ_OP_WRITE:
		if (unlikely(!bytes && (opf & REQ_PREFLUSH)))
			return DMP_FLUSH;
		return DMP_WRITE;
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
		return DMP_NR_OPS;
	}
}

/**
 * dmp_count() - count a request
 * @counters: where to
 * @op: its operation
 * @bytes: its size
 *
 * Context: Any. Writes this CPU's counters only. On 64-bit machines the adds
 * are safe against interrupts by themselves; 32-bit ones switch them off.
 */
static inline void dmp_count(const struct dmp_counters *counters,
			     enum dmp_op op, unsigned int bytes)
{
	struct dmp_cpu_counters *cpu = get_cpu_ptr(counters->cpu);
	unsigned long flags = u64_stats_update_begin_irqsave(&cpu->syncp);

	u64_stats_inc(&cpu->op[op].reqs);
	u64_stats_add(&cpu->op[op].bytes, bytes);
	u64_stats_update_end_irqrestore(&cpu->syncp, flags);
	put_cpu_ptr(counters->cpu);
}

/**
 * dmp_count_error() - count that a request ended with an error
 * @counters: where to
 * @op: its operation
 *
 * Context: Any, as dmp_count().
 */
static inline void dmp_count_error(const struct dmp_counters *counters,
				   enum dmp_op op)
{
	struct dmp_cpu_counters *cpu = get_cpu_ptr(counters->cpu);
	unsigned long flags = u64_stats_update_begin_irqsave(&cpu->syncp);

	u64_stats_inc(&cpu->op[op].errors);
	u64_stats_update_end_irqrestore(&cpu->syncp, flags);
	put_cpu_ptr(counters->cpu);
}

int dmp_counters_init(struct dmp_counters *counters, struct dmp_totals *totals);
void dmp_counters_exit(struct dmp_counters *counters, struct dmp_totals *totals);
void dmp_counters_read(const struct dmp_counters *counters,
		       struct dmp_stats *stats);
void dmp_totals_read(struct dmp_totals *totals, struct dmp_stats *stats);
u64 dmp_avg_size(const struct dmp_op_stats *op);
ssize_t dmp_emit_volumes(const struct dmp_stats *stats, char *page);

#endif /* DM_DMP_STATS_H */
