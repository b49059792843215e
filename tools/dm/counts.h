/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Counts of the device-mapper target dmp: operations, histograms and percentiles.
 */

#ifndef DM_COUNTS_H
#define DM_COUNTS_H

#include <stdbool.h>
#include <linux/types.h>

/**
 * enum op - operation of a request, in the order of the kernel's file stat
 * @OP_READ: read
 * @OP_WRITE: write, zone append
 * @OP_DISCARD: discard, secure erase
 * @OP_WRITE_ZEROES: write zeroes
 * @OP_FLUSH: flush
 * @OP_ZONE: zone management
 * @NR_OPS: number of operations
 * @OP_TOTAL: the sum of read and write
 */
enum op {
	OP_READ,
	OP_WRITE,
	OP_DISCARD,
	OP_WRITE_ZEROES,
	OP_FLUSH,
	OP_ZONE,
	NR_OPS,
	OP_TOTAL = NR_OPS,
};

extern const char *const op_names[NR_OPS + 1];

/* bitmap of all operations, without the total */
#define ALL_OPS ((1 << NR_OPS) - 1)

#define NR_SIZES	12
#define NR_LATENCIES	52

/**
 * struct counts - counts of one operation, or the difference of two such
 * @reqs: number of requests
 * @bytes: sum of their sizes
 * @errors: number of requests that failed
 * @latency_ns: sum of the latencies of completed requests
 * @sizes: number of requests by size
 * @timed: true if latencies are measured, and @latencies is valid
 * @latencies: number of completed requests by latency
 * @joint: number of completed requests by size and latency, NULL if not read
 */
struct counts {
	__u64 reqs;
	__u64 bytes;
	__u64 errors;
	__u64 latency_ns;
	__u64 sizes[NR_SIZES];
	bool timed;
	__u64 latencies[NR_LATENCIES];
	__u64 (*joint)[NR_LATENCIES];
};

/**
 * struct percentile - bucket of the request at a percentile
 * @floor: smallest latency of the bucket in nanoseconds
 * @end: smallest latency of the next bucket, 0 for the last bucket, which has no end
 * @estimate: estimated latency in nanoseconds
 */
struct percentile {
	__u64 floor;
	__u64 end;
	__u64 estimate;
};

int op_find(const char *name);

struct counts *counts_new(void);
struct counts *counts_copy(const struct counts *counts);
bool counts_add_joint(struct counts *counts);
void counts_free(struct counts *counts);
void counts_free_ops(struct counts *ops[NR_OPS]);
bool counts_add(struct counts *sum, const struct counts *counts);
bool counts_sub(struct counts *counts, const struct counts *base);

__u64 size_floor(enum op op, unsigned int bucket);
__u64 size_end(unsigned int bucket);
int size_bucket(__u64 floor);
__u64 latency_floor(unsigned int bucket);
__u64 latency_floor_of(enum op op, unsigned int bucket);
__u64 latency_end(unsigned int bucket);
int latency_bucket(__u64 floor);

__u64 sum_of(const __u64 *n, unsigned int nr);
__u64 max_of(const __u64 *n, unsigned int nr);
double log_share(__u64 n, __u64 largest);
bool percentile(const __u64 *latencies, __u64 latency_ns, unsigned int permille,
		struct percentile *p);

#endif /* DM_COUNTS_H */
