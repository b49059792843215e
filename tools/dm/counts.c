// SPDX-License-Identifier: GPL-2.0-only
/*
 * Counts of the device-mapper target dmp: operations, histograms and percentiles.
 */

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "counts.h"
#include "error.h"

const char *const op_names[NR_OPS + 1] = {
	[OP_READ] = "read",
	[OP_WRITE] = "write",
	[OP_DISCARD] = "discard",
	[OP_WRITE_ZEROES] = "write_zeroes",
	[OP_FLUSH] = "flush",
	[OP_ZONE] = "zone",
	[OP_TOTAL] = "total",
};

/**
 * op_find() - find an operation by its name
 * @name: the name
 *
 * Return: the operation, OP_TOTAL for the total, or -1.
 */
int op_find(const char *name)
{
	int op;

	for (op = 0; op <= OP_TOTAL; op++)
		if (!strcmp(op_names[op], name))
			return op;
	return -1;
}

/**
 * counts_new() - allocate counts
 *
 * Return: the counts, all zero, to be freed by counts_free(), or NULL after an error.
 */
struct counts *counts_new(void)
{
	struct counts *counts = calloc(1, sizeof(*counts));

	if (!counts)
		print_err("out of memory");
	return counts;
}

/**
 * counts_copy() - copy counts
 * @counts: the counts
 *
 * Return: the copy, to be freed by counts_free(), or NULL after an error.
 */
struct counts *counts_copy(const struct counts *counts)
{
	struct counts *copy = counts_new();

	if (copy && !counts_add(copy, counts)) {
		counts_free(copy);
		return NULL;
	}
	return copy;
}

/**
 * counts_add_joint() - give counts a joint histogram
 * @counts: the counts
 *
 * Return: false after an error.
 */
bool counts_add_joint(struct counts *counts)
{
	if (!counts->joint)
		counts->joint = calloc(NR_SIZES, sizeof(*counts->joint));
	if (!counts->joint)
		print_err("out of memory");
	return counts->joint;
}

/**
 * counts_free() - free counts
 * @counts: the counts, may be NULL
 */
void counts_free(struct counts *counts)
{
	if (counts)
		free(counts->joint);
	free(counts);
}

/**
 * counts_free_ops() - free the counts of each operation
 * @ops: the counts, all NULL afterwards
 */
void counts_free_ops(struct counts *ops[NR_OPS])
{
	int op;

	for (op = 0; op < NR_OPS; op++) {
		counts_free(ops[op]);
		ops[op] = NULL;
	}
}

/**
 * sum_of() - add up numbers
 * @n: the numbers
 * @nr: how many
 *
 * Return: the sum.
 */
__u64 sum_of(const __u64 *n, unsigned int nr)
{
	__u64 sum = 0;
	unsigned int i;

	for (i = 0; i < nr; i++)
		sum += n[i];
	return sum;
}

/**
 * max_of() - find the largest number
 * @n: the numbers
 * @nr: how many
 *
 * Return: the largest one.
 */
__u64 max_of(const __u64 *n, unsigned int nr)
{
	__u64 max = 0;
	unsigned int i;

	for (i = 0; i < nr; i++)
		if (n[i] > max)
			max = n[i];
	return max;
}

/**
 * log_share() - place a count on a logarithmic scale
 * @n: the count, at least 1
 * @largest: the largest count
 *
 * Return: 0 for 1, up to 1 for @largest.
 */
double log_share(__u64 n, __u64 largest)
{
	return largest > 1 ? log(n) / log(largest) : 1;
}

static void add(__u64 *sum, const __u64 *n, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		sum[i] += n[i];
}

/**
 * counts_add() - add counts
 * @sum: counts to which @counts are added
 * @counts: the counts
 *
 * Return: false after an error.
 */
bool counts_add(struct counts *sum, const struct counts *counts)
{
	if (counts->joint && !counts_add_joint(sum))
		return false;
	sum->reqs += counts->reqs;
	sum->bytes += counts->bytes;
	sum->errors += counts->errors;
	sum->latency_ns += counts->latency_ns;
	sum->timed |= counts->timed;
	add(sum->sizes, counts->sizes, NR_SIZES);
	add(sum->latencies, counts->latencies, NR_LATENCIES);
	if (counts->joint)
		add(*sum->joint, *counts->joint, NR_SIZES * NR_LATENCIES);
	return true;
}

static bool sub(__u64 *n, const __u64 *base, unsigned int nr)
{
	bool ok = true;
	unsigned int i;

	for (i = 0; i < nr; i++) {
		ok &= n[i] >= base[i];
		n[i] -= base[i];
	}
	return ok;
}

/**
 * counts_sub() - subtract the counts of an earlier time
 * @counts: the counts
 * @base: the earlier counts
 *
 * Return: false if a count was larger before. Then @counts are not valid.
 */
bool counts_sub(struct counts *counts, const struct counts *base)
{
	return sub(&counts->reqs, &base->reqs, 1) && sub(&counts->bytes, &base->bytes, 1) &&
	       sub(&counts->errors, &base->errors, 1) &&
	       sub(&counts->latency_ns, &base->latency_ns, 1) &&
	       sub(counts->sizes, base->sizes, NR_SIZES) &&
	       (!counts->timed || sub(counts->latencies, base->latencies, NR_LATENCIES)) &&
	       (!counts->joint || !base->joint ||
		sub(*counts->joint, *base->joint, NR_SIZES * NR_LATENCIES));
}

/**
 * size_floor() - smallest size of a bucket
 * @op: operation of the requests
 * @bucket: index of the bucket
 *
 * Return: bytes, 0 if requests of @op have no data.
 */
__u64 size_floor(enum op op, unsigned int bucket)
{
	return op == OP_FLUSH || op == OP_ZONE ? 0 : 512ULL << bucket;
}

/**
 * size_end() - smallest size of the next bucket
 * @bucket: index of the bucket
 *
 * Return: bytes, 0 for the last bucket.
 */
__u64 size_end(unsigned int bucket)
{
	return bucket + 1 < NR_SIZES ? size_floor(OP_READ, bucket + 1) : 0;
}

/**
 * size_bucket() - find a bucket by its smallest size
 * @floor: bytes; 0, for requests without data, is the first bucket
 *
 * Return: index of the bucket, or -1.
 */
int size_bucket(__u64 floor)
{
	int i;

	for (i = 0; i < NR_SIZES; i++)
		if (size_floor(OP_READ, i) == floor)
			return i;
	return floor ? -1 : 0;
}

/**
 * latency_floor() - smallest latency of a bucket
 * @bucket: index of the bucket
 *
 * Return: nanoseconds.
 */
__u64 latency_floor(unsigned int bucket)
{
	unsigned int half = bucket - 1;

	return bucket ? 256ULL * (2 + half % 2) << half / 2 : 0;
}

/**
 * latency_floor_of() - latency_floor() with the parameters of size_floor()
 * @op: not used: all operations have the same buckets of latencies
 * @bucket: index of the bucket
 *
 * Return: nanoseconds.
 */
__u64 latency_floor_of(enum op op, unsigned int bucket)
{
	return latency_floor(bucket);
}

/**
 * latency_end() - smallest latency of the next bucket
 * @bucket: index of the bucket
 *
 * Return: nanoseconds, 0 for the last bucket.
 */
__u64 latency_end(unsigned int bucket)
{
	return bucket + 1 < NR_LATENCIES ? latency_floor(bucket + 1) : 0;
}

/**
 * latency_bucket() - find a bucket by its smallest latency
 * @floor: nanoseconds
 *
 * Return: index of the bucket, or -1.
 */
int latency_bucket(__u64 floor)
{
	int i;

	for (i = 0; i < NR_LATENCIES; i++)
		if (latency_floor(i) == floor)
			return i;
	return -1;
}

/* The geometric mean is the middle of a bucket on a logarithmic scale. */
static __u64 estimate(const __u64 *latencies, __u64 latency_ns, __u64 all, unsigned int bucket)
{
	__u64 floor = latency_floor(bucket), end = latency_end(bucket);

	if (latencies[bucket] == all && latency_ns) {
		__u64 avg = latency_ns / all;

		/* a request may be in the histogram, and not yet in the sum */
		if (avg < floor)
			return floor;
		return end && avg >= end ? end - 1 : avg;
	}
	if (!bucket)
		return end;
	return end ? llround(sqrt((double)floor * end)) : floor;
}

/**
 * percentile() - find a percentile by nearest rank
 * @latencies: number of requests by latency, NR_LATENCIES of them
 * @latency_ns: sum of their latencies, or 0 if it is not known
 * @permille: the percentile, in tenths of a percent
 * @p: set to the bucket and the estimate
 *
 * If all requests are in one bucket, the estimate is the average, if that is known. Else it is
 * the geometric mean of the bucket's limits, and the one limit of the first and the last bucket.
 *
 * Return: false if no request was timed.
 */
bool percentile(const __u64 *latencies, __u64 latency_ns, unsigned int permille,
		struct percentile *p)
{
	__u64 all = sum_of(latencies, NR_LATENCIES), rank, sum;
	unsigned int i = 0;

	if (!all)
		return false;
	/* all * permille / 1000, rounded up, without overflow */
	rank = all / 1000 * permille + (all % 1000 * permille + 999) / 1000;
	for (sum = latencies[0]; sum < rank; sum += latencies[i])
		i++;
	*p = (struct percentile) {
		.floor = latency_floor(i),
		.end = latency_end(i),
		.estimate = estimate(latencies, latency_ns, all, i),
	};
	return true;
}
