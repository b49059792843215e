// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests for the statistics of the dmp target
 */

#include <kunit/test.h>
#include <linux/kthread.h>
#include <linux/prandom.h>
#include <linux/sizes.h>
#include <linux/smp.h>

#include "../dm-dmp-report.h"

static const struct op_case {
	const char *name;
	blk_opf_t opf;
	unsigned int bytes;
	enum dmp_op op;
} op_cases[] = {
	{ "read", REQ_OP_READ, 4096, DMP_READ },
	{ "readahead", REQ_OP_READ | REQ_RAHEAD, 131072, DMP_READ },
	{ "write", REQ_OP_WRITE, 4096, DMP_WRITE },
	{ "largest write", REQ_OP_WRITE, UINT_MAX, DMP_WRITE },
	{ "write fua", REQ_OP_WRITE | REQ_FUA, 512, DMP_WRITE },
	{ "write preflush", REQ_OP_WRITE | REQ_PREFLUSH, 512, DMP_WRITE },
	{ "write preflush fua", REQ_OP_WRITE | REQ_PREFLUSH | REQ_FUA, 512, DMP_WRITE },
	{ "zone append", REQ_OP_ZONE_APPEND, 4096, DMP_WRITE },
	{ "empty flush", REQ_OP_WRITE | REQ_PREFLUSH, 0, DMP_FLUSH },
	{ "empty flush sync", REQ_OP_WRITE | REQ_PREFLUSH | REQ_SYNC, 0, DMP_FLUSH },
	{ "flush", REQ_OP_FLUSH, 0, DMP_FLUSH },
	{ "discard", REQ_OP_DISCARD, 1 << 20, DMP_DISCARD },
	{ "secure erase", REQ_OP_SECURE_ERASE, 1 << 20, DMP_DISCARD },
	{ "write zeroes", REQ_OP_WRITE_ZEROES, 1 << 20, DMP_WRITE_ZEROES },
	{ "zone open", REQ_OP_ZONE_OPEN, 0, DMP_ZONE },
	{ "zone close", REQ_OP_ZONE_CLOSE, 0, DMP_ZONE },
	{ "zone finish", REQ_OP_ZONE_FINISH, 0, DMP_ZONE },
	{ "zone reset", REQ_OP_ZONE_RESET, 0, DMP_ZONE },
	{ "zone reset all", REQ_OP_ZONE_RESET_ALL, 0, DMP_ZONE },
	{ "driver in", REQ_OP_DRV_IN, 512, DMP_OTHER },
	{ "driver out", REQ_OP_DRV_OUT, 512, DMP_OTHER },
};

KUNIT_ARRAY_PARAM_DESC(op, op_cases, name);

static void op_is_classified(struct kunit *test)
{
	const struct op_case *c = test->param_value;

	KUNIT_EXPECT_EQ(test, dmp_op(c->opf, c->bytes), c->op);
}

/* Operations that op_cases does not list must not be counted as a known operation. */
static void unknown_ops_are_other(struct kunit *test)
{
	unsigned int code, i;
	bool known;

	for (code = 0; code <= (__force u32)REQ_OP_MASK; code++) {
		for (known = false, i = 0; i < ARRAY_SIZE(op_cases); i++)
			known |= (__force u32)(op_cases[i].opf & REQ_OP_MASK) == code;
		if (!known)
			KUNIT_EXPECT_EQ_MSG(test, dmp_op((__force blk_opf_t)code, 512),
					    DMP_OTHER, "REQ_OP %u", code);
	}
}

/* The bucket edges as documented. */
static const unsigned int size_floors[] = {
	SZ_512, SZ_1K, SZ_2K, SZ_4K, SZ_8K, SZ_16K, SZ_32K, SZ_64K, SZ_128K,
	SZ_256K, SZ_512K, SZ_1M,
};

static const u64 latency_floors[] = {
	0, 512, 768, 1024, 1536, 2048, 3072, 4096, 6144, 8192, 12288, 16384,
	24576, 32768, 49152, 65536, 98304, 131072, 196608, 262144, 393216,
	524288, 786432, 1048576, 1572864, 2097152, 3145728, 4194304, 6291456,
	8388608, 12582912, 16777216, 25165824, 33554432, 50331648, 67108864,
	100663296, 134217728, 201326592, 268435456, 402653184, 536870912,
	805306368, 1073741824, 1610612736, 2147483648ULL, 3221225472ULL,
	4294967296ULL, 6442450944ULL, 8589934592ULL, 12884901888ULL,
	17179869184ULL,
};

static_assert(ARRAY_SIZE(size_floors) == DMP_NR_SIZES);
static_assert(ARRAY_SIZE(latency_floors) == DMP_NR_LATENCIES);

static unsigned int slow_size_bucket(unsigned int bytes)
{
	unsigned int i = DMP_NR_SIZES - 1;

	while (i && bytes < size_floors[i])
		i--;
	return i;
}

static unsigned int slow_latency_bucket(u64 ns)
{
	unsigned int i = DMP_NR_LATENCIES - 1;

	while (ns < latency_floors[i])
		i--;
	return i;
}

static void expect_size_bucket(struct kunit *test, unsigned int bytes)
{
	KUNIT_ASSERT_EQ_MSG(test, dmp_size_bucket(bytes), slow_size_bucket(bytes),
			    "%u bytes", bytes);
}

static void expect_latency_bucket(struct kunit *test, u64 ns)
{
	KUNIT_ASSERT_EQ_MSG(test, dmp_latency_bucket(ns), slow_latency_bucket(ns),
			    "%llu ns", ns);
}

static void size_bucket_edges(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < DMP_NR_SIZES; i++) {
		KUNIT_EXPECT_EQ(test, dmp_size_bucket(size_floors[i]), i);
		KUNIT_EXPECT_EQ(test, dmp_size_bucket(size_floors[i] + 1), i);
		KUNIT_EXPECT_EQ(test, dmp_size_bucket(size_floors[i] - 1), i ? i - 1 : 0);
		KUNIT_EXPECT_EQ(test, dmp_size_floor(DMP_READ, i), size_floors[i]);
	}
	KUNIT_EXPECT_EQ(test, dmp_size_bucket(0), 0);
	KUNIT_EXPECT_EQ(test, dmp_size_bucket(UINT_MAX), DMP_NR_SIZES - 1);
	KUNIT_EXPECT_EQ(test, dmp_size_floor(DMP_FLUSH, 0), 0);
	KUNIT_EXPECT_EQ(test, dmp_size_floor(DMP_ZONE, 0), 0);

	for (i = 0; i < 32; i++) {
		expect_size_bucket(test, (1U << i) - 1);
		expect_size_bucket(test, 1U << i);
		expect_size_bucket(test, (1U << i) + 1);
	}
}

static void latency_bucket_edges(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < DMP_NR_LATENCIES; i++) {
		KUNIT_EXPECT_EQ(test, dmp_latency_bucket(latency_floors[i]), i);
		KUNIT_EXPECT_EQ(test, dmp_latency_bucket(latency_floors[i] + 1), i);
		if (i)
			KUNIT_EXPECT_EQ(test, dmp_latency_bucket(latency_floors[i] - 1), i - 1);
		KUNIT_EXPECT_EQ(test, dmp_latency_floor(i), latency_floors[i]);
	}
	KUNIT_EXPECT_EQ(test, dmp_latency_bucket(U64_MAX), DMP_NR_LATENCIES - 1);

	for (i = 0; i < 64; i++) {
		expect_latency_bucket(test, (1ULL << i) - 1);
		expect_latency_bucket(test, 1ULL << i);
		expect_latency_bucket(test, (1ULL << i) + 1);
	}
}

/* All magnitudes are equally likely. */
static u64 random_value(struct rnd_state *rnd)
{
	u64 value = (u64)prandom_u32_state(rnd) << 32 | prandom_u32_state(rnd);

	return value >> (prandom_u32_state(rnd) % 64);
}

static void random_values_find_their_bucket(struct kunit *test)
{
	struct rnd_state rnd;
	int i;

	prandom_seed_state(&rnd, 512);
	for (i = 0; i < 100000; i++) {
		expect_size_bucket(test, random_value(&rnd));
		expect_latency_bucket(test, random_value(&rnd));
	}
}

static const struct avg_case {
	const char *name;
	u64 reqs, bytes, avg;
} avg_cases[] = {
	{ "no bio", 0, 0, 0 },
	{ "bytes but no bio", 0, 512, 0 },
	{ "one", 1, 4096, 4096 },
	{ "down from .9", 10, 5129, 512 },
	{ "down to 0", 3, 2, 0 },
	{ "bytes past 2^32", 3, 3ULL << 32, 1ULL << 32 },
	{ "reqs past 2^32", 1ULL << 33, 1ULL << 45, 4096 },
	{ "bytes 2^64 - 1", 1, U64_MAX, U64_MAX },
	{ "both 2^64 - 1", U64_MAX, U64_MAX, 1 },
	{ "both near 2^64", U64_MAX, U64_MAX - 1, 0 },
};

KUNIT_ARRAY_PARAM_DESC(avg, avg_cases, name);

static void avg_size_rounds_down(struct kunit *test)
{
	const struct avg_case *c = test->param_value;
	struct dmp_op_stats stats = {
		.n[DMP_BYTES] = c->bytes,
		.n[DMP_SIZES] = c->reqs / 2,
		.n[DMP_SIZES + DMP_NR_SIZES - 1] = c->reqs - c->reqs / 2,
	};

	KUNIT_EXPECT_EQ(test, dmp_avg_size(&stats), c->avg);
}

/* A module with a volume. The targets a and b are started by the tests. */
struct dmp_test {
	struct dmp_level module, volume, a, b;
	u64 row[DMP_NR_LATENCIES];
	char *text;
};

static int dmp_test_init(struct kunit *test)
{
	struct dmp_test *t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, t);
	t->text = kunit_kzalloc(test, PAGE_SIZE, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, t->text);
	test->priv = t;
	dmp_level_init(&t->module, NULL);
	dmp_level_init(&t->volume, &t->module);
	return 0;
}

static void dmp_test_exit(struct kunit *test)
{
	struct dmp_test *t = test->priv;
	struct dmp_level *target, *next;

	if (!t)
		return;
	list_for_each_entry_safe(target, next, &t->volume.children, sibling)
		dmp_level_exit(target);
	if (!list_empty(&t->module.children))
		dmp_level_exit(&t->volume);
}

static void start(struct kunit *test, struct dmp_level *target, bool latency)
{
	struct dmp_test *t = test->priv;

	*target = (struct dmp_level) {};
	KUNIT_ASSERT_EQ(test, dmp_level_init_target(target, &t->volume, latency), 0);
}

static void expect_ops(struct kunit *test, struct dmp_level *level, unsigned long ops,
		       const char *name, u64 reqs, u64 bytes, u64 errors)
{
	struct dmp_op_stats stats;

	dmp_level_read(level, ops, &stats);
	KUNIT_EXPECT_EQ_MSG(test, dmp_reqs(&stats), reqs, "%s reqs", name);
	KUNIT_EXPECT_EQ_MSG(test, stats.n[DMP_BYTES], bytes, "%s bytes", name);
	KUNIT_EXPECT_EQ_MSG(test, stats.n[DMP_ERRORS], errors, "%s errors", name);
}

static void expect_op(struct kunit *test, struct dmp_level *level,
		      enum dmp_op op, u64 reqs, u64 bytes, u64 errors)
{
	expect_ops(test, level, BIT(op), dmp_op_names[op], reqs, bytes, errors);
}

static void expect_total(struct kunit *test, struct dmp_level *level,
			 u64 reqs, u64 bytes, u64 errors)
{
	expect_ops(test, level, DMP_TOTAL, "total", reqs, bytes, errors);
}

static void expect_nothing(struct kunit *test, struct dmp_level *level)
{
	enum dmp_op op;

	for (op = 0; op < DMP_OTHER; op++)
		expect_op(test, level, op, 0, 0, 0);
	expect_total(test, level, 0, 0, 0);
}

static void count_latency(struct dmp_level *target, enum dmp_op op, u64 bytes, s64 ns)
{
	dmp_count_latency(target, op, dmp_size_bucket(bytes), ns);
}

static u64 read_cell(struct dmp_test *t, enum dmp_op op, unsigned int size,
		     unsigned int latency)
{
	memset(t->row, 0, sizeof(t->row));
	dmp_level_lock(&t->volume);
	dmp_level_add_row(&t->volume, op, size, t->row);
	dmp_level_unlock(&t->volume);
	return t->row[latency];
}

static void op_name(const enum dmp_op *op, char *desc)
{
	strscpy(desc, dmp_op_names[*op], KUNIT_PARAM_DESC_SIZE);
}

static const enum dmp_op all_ops[] = {
	DMP_READ, DMP_WRITE, DMP_DISCARD, DMP_WRITE_ZEROES, DMP_FLUSH, DMP_ZONE,
};

static_assert(ARRAY_SIZE(all_ops) == DMP_OTHER);

#define ALL_OPS		GENMASK(DMP_OTHER - 1, 0)

KUNIT_ARRAY_PARAM(all_ops, all_ops, op_name);

static void counts_its_op_only(struct kunit *test)
{
	const enum dmp_op op = *(const enum dmp_op *)test->param_value;
	struct dmp_test *t = test->priv;
	enum dmp_op i;

	start(test, &t->a, false);
	dmp_count(&t->a, op, 512);
	dmp_count(&t->a, op, 4096);
	dmp_count(&t->a, op, 0);
	dmp_count_error(&t->a, op);

	for (i = 0; i < DMP_OTHER; i++) {
		if (i == op)
			expect_op(test, &t->a, i, 3, 4608, 1);
		else
			expect_op(test, &t->a, i, 0, 0, 0);
	}
	if (op == DMP_READ || op == DMP_WRITE)
		expect_total(test, &t->a, 3, 4608, 1);
	else
		expect_total(test, &t->a, 0, 0, 0);
}

static void sizes_are_counted(struct kunit *test)
{
	const enum dmp_op op = *(const enum dmp_op *)test->param_value;
	struct dmp_test *t = test->priv;
	struct dmp_op_stats stats;
	int i, n;

	start(test, &t->a, false);
	for (i = 0; i < DMP_NR_SIZES; i++)
		for (n = 0; n <= i; n++)
			dmp_count(&t->a, op, size_floors[i] + n);

	dmp_level_read(&t->volume, BIT(op), &stats);
	for (i = 0; i < DMP_NR_SIZES; i++)
		KUNIT_EXPECT_EQ(test, stats.n[DMP_SIZES + i], i + 1);
}

/* Each cell gets a different count, so that a count in the wrong cell is found. */
static void latencies_are_counted(struct kunit *test)
{
	const enum dmp_op op = *(const enum dmp_op *)test->param_value;
	unsigned int size, latency, bytes, i, n = 0;
	struct dmp_test *t = test->priv;
	struct dmp_op_stats stats;
	enum dmp_op other;
	u64 floor, ns = 0;

	start(test, &t->a, true);
	for (size = 0; size < dmp_nr_sizes(op); size++)
		for (latency = 0; latency < DMP_NR_LATENCIES; latency++) {
			bytes = size_floors[size];
			floor = latency_floors[latency];
			for (i = 0, n++; i < n; i++)
				count_latency(&t->a, op, bytes, floor);
			ns += n * floor;
		}

	n = 0;
	for (size = 0; size < dmp_nr_sizes(op); size++)
		for (latency = 0; latency < DMP_NR_LATENCIES; latency++)
			KUNIT_EXPECT_EQ(test, read_cell(t, op, size, latency), ++n);

	for (other = 0; other < DMP_OTHER; other++) {
		dmp_level_read(&t->volume, BIT(other), &stats);
		KUNIT_EXPECT_EQ(test, stats.n[DMP_LATENCY_NS], other == op ? ns : 0);
		dmp_level_read_latencies(&t->volume, BIT(other), t->row);
		for (latency = 0; other != op && latency < DMP_NR_LATENCIES; latency++)
			KUNIT_EXPECT_EQ(test, t->row[latency], 0);
	}
}

static void latencies_of_all_sizes_add_up(struct kunit *test)
{
	struct dmp_test *t = test->priv;
	unsigned int size;

	start(test, &t->a, true);
	for (size = 0; size < DMP_NR_SIZES; size++) {
		count_latency(&t->a, DMP_READ, size_floors[size], 5000);
		count_latency(&t->a, DMP_WRITE, size_floors[size], 5000);
		count_latency(&t->a, DMP_WRITE, size_floors[size], U64_MAX / 1024);
	}

	dmp_level_read_latencies(&t->volume, BIT(DMP_READ), t->row);
	KUNIT_EXPECT_EQ(test, t->row[slow_latency_bucket(5000)], DMP_NR_SIZES);
	KUNIT_EXPECT_EQ(test, t->row[DMP_NR_LATENCIES - 1], 0);
	dmp_level_read_latencies(&t->volume, DMP_TOTAL, t->row);
	KUNIT_EXPECT_EQ(test, t->row[slow_latency_bucket(5000)], 2 * DMP_NR_SIZES);
	KUNIT_EXPECT_EQ(test, t->row[DMP_NR_LATENCIES - 1], DMP_NR_SIZES);
}

static void op_without_data_has_one_row(struct kunit *test)
{
	const enum dmp_op op = *(const enum dmp_op *)test->param_value;
	const bool data = op < DMP_FLUSH;

	KUNIT_EXPECT_EQ(test, dmp_has_data(op), data);
	KUNIT_EXPECT_EQ(test, dmp_nr_sizes(op), data ? DMP_NR_SIZES : 1);
}

static void latencies_only_where_they_are_measured(struct kunit *test)
{
	struct dmp_test *t = test->priv;

	start(test, &t->a, false);
	KUNIT_EXPECT_FALSE(test, dmp_measures_latency(&t->a));
	KUNIT_EXPECT_NULL(test, t->volume.joint);
	KUNIT_EXPECT_EQ(test, read_cell(t, DMP_READ, 0, 0), 0);

	start(test, &t->b, true);
	KUNIT_EXPECT_TRUE(test, dmp_measures_latency(&t->b));
	count_latency(&t->b, DMP_READ, 512, 0);
	KUNIT_EXPECT_EQ(test, read_cell(t, DMP_READ, 0, 0), 1);
}

/* The clock of the completing CPU may be behind that of the submitting CPU. */
static void negative_latency_is_zero(struct kunit *test)
{
	struct dmp_test *t = test->priv;
	struct dmp_op_stats stats;

	start(test, &t->a, true);
	count_latency(&t->a, DMP_READ, 512, 700);
	count_latency(&t->a, DMP_READ, 512, -1);
	count_latency(&t->a, DMP_READ, 512, S64_MIN);

	dmp_level_read(&t->volume, BIT(DMP_READ), &stats);
	KUNIT_EXPECT_EQ(test, stats.n[DMP_LATENCY_NS], 700);
	KUNIT_EXPECT_EQ(test, read_cell(t, DMP_READ, 0, 0), 2);
	KUNIT_EXPECT_EQ(test, read_cell(t, DMP_READ, 0, DMP_NR_LATENCIES - 1), 0);
}

static void targets_share_their_volumes_histograms(struct kunit *test)
{
	struct dmp_test *t = test->priv;
	const struct dmp_joint *joint;

	start(test, &t->a, true);
	joint = t->volume.joint;
	KUNIT_ASSERT_NOT_NULL(test, joint);
	start(test, &t->b, true);
	KUNIT_EXPECT_PTR_EQ(test, t->volume.joint, joint);
	KUNIT_EXPECT_MEMEQ(test, t->a.latencies, joint->latencies, sizeof(t->a.latencies));
	KUNIT_EXPECT_MEMEQ(test, t->b.latencies, joint->latencies, sizeof(t->b.latencies));

	/* the histograms outlast the targets */
	count_latency(&t->a, DMP_READ, 512, 0);
	dmp_level_exit(&t->a);
	dmp_level_exit(&t->b);
	KUNIT_EXPECT_PTR_EQ(test, t->volume.joint, joint);
	start(test, &t->a, false);
	KUNIT_EXPECT_FALSE(test, dmp_measures_latency(&t->a));
	start(test, &t->b, true);
	KUNIT_EXPECT_PTR_EQ(test, t->volume.joint, joint);
	count_latency(&t->b, DMP_READ, 512, 0);
	KUNIT_EXPECT_EQ(test, read_cell(t, DMP_READ, 0, 0), 2);
}

static void unknown_op_is_not_reported(struct kunit *test)
{
	struct dmp_test *t = test->priv;

	start(test, &t->a, true);
	dmp_count(&t->a, DMP_OTHER, 512);
	dmp_count_error(&t->a, DMP_OTHER);
	count_latency(&t->a, DMP_OTHER, 512, 512);

	expect_nothing(test, &t->a);
	dmp_emit_histogram(&t->volume, ALL_OPS, t->text, PAGE_SIZE);
	KUNIT_EXPECT_STREQ(test, t->text, "");
}

static void counts_past_32_bits(struct kunit *test)
{
	struct dmp_test *t = test->priv;
	int i;

	start(test, &t->a, false);
	for (i = 0; i < 3; i++)
		dmp_count(&t->a, DMP_READ, UINT_MAX);
	expect_op(test, &t->a, DMP_READ, 3, 3ULL * UINT_MAX, 0);
}

/* Each CPU counts a different power of three: modulo 2^64 none of them is 0. */
static void sums_over_all_cpus(struct kunit *test)
{
	struct dmp_test *t = test->priv;
	u64 unit = 1, reqs = 0;
	int cpu;

	if (num_possible_cpus() < 2)
		kunit_skip(test, "needs two CPUs, there is one");

	start(test, &t->a, true);
	for_each_possible_cpu(cpu) {
		struct dmp_cpu_counters *c = per_cpu_ptr(t->a.cpu, cpu);
		struct dmp_cpu_latencies *l = per_cpu_ptr(t->a.latencies[DMP_WRITE], cpu);

		c->op[DMP_WRITE].n[DMP_SIZES + 3] = unit;
		c->op[DMP_WRITE].n[DMP_BYTES] = 2 * unit;
		c->op[DMP_WRITE].n[DMP_ERRORS] = 3 * unit;
		l->n[3][7] = 4 * unit;
		reqs += unit;
		unit *= 3;
	}

	expect_op(test, &t->a, DMP_WRITE, reqs, 2 * reqs, 3 * reqs);
	expect_op(test, &t->a, DMP_READ, 0, 0, 0);
	KUNIT_EXPECT_EQ(test, read_cell(t, DMP_WRITE, 3, 7), 4 * reqs);
}

static void count_one_read(void *target)
{
	dmp_count(target, DMP_READ, 512);
	count_latency(target, DMP_READ, 512, 0);
}

/* Other CPUs than the current one run count_one_read() in interrupt context. */
static void every_cpu_counts_its_own(struct kunit *test)
{
	struct dmp_test *t = test->priv;
	int cpu;

	start(test, &t->a, true);
	on_each_cpu(count_one_read, &t->a, 1);

	for_each_online_cpu(cpu) {
		struct dmp_cpu_counters *c = per_cpu_ptr(t->a.cpu, cpu);
		struct dmp_cpu_latencies *l = per_cpu_ptr(t->a.latencies[DMP_READ], cpu);

		KUNIT_EXPECT_EQ(test, c->op[DMP_READ].n[DMP_SIZES], 1);
		KUNIT_EXPECT_EQ(test, l->n[0][0], 1);
	}
	expect_op(test, &t->a, DMP_READ, num_online_cpus(), 512 * num_online_cpus(), 0);
	KUNIT_EXPECT_EQ(test, read_cell(t, DMP_READ, 0, 0), num_online_cpus());
}

/* Every other addition of this step carries into the upper half of a counter. */
#define CARRY_STEP	0x7fff0001U

static int count_carries(void *target)
{
	while (!kthread_should_stop()) {
		dmp_count(target, DMP_READ, CARRY_STEP);
		cond_resched();
	}
	return 0;
}

/*
 * A 32-bit machine updates a counter in two stores: a reader on another CPU must not
 * see the result of one store only.
 */
static void no_torn_value_is_read(struct kunit *test)
{
	struct dmp_test *t = test->priv;
	unsigned long end = jiffies + HZ;
	struct task_struct *task;
	struct dmp_op_stats stats;
	u64 reqs = 0, bytes = 0;

	if (num_online_cpus() < 2)
		kunit_skip(test, "needs two CPUs, there is one");

	start(test, &t->a, false);
	task = kthread_run(count_carries, &t->a, "dmp_kunit");
	KUNIT_ASSERT_FALSE(test, IS_ERR(task));
	while (time_before(jiffies, end)) {
		dmp_level_read(&t->volume, BIT(DMP_READ), &stats);
		if (stats.n[DMP_BYTES] < bytes) {
			KUNIT_FAIL(test, "read %llx after %llx", stats.n[DMP_BYTES], bytes);
			break;
		}
		/* a 32-bit machine reads all counters of an operation between two updates */
		if (BITS_PER_LONG == 32 && stats.n[DMP_BYTES] != dmp_reqs(&stats) * CARRY_STEP) {
			KUNIT_FAIL(test, "%llx bytes do not match reqs", stats.n[DMP_BYTES]);
			break;
		}
		bytes = stats.n[DMP_BYTES];
		reqs = dmp_reqs(&stats);
		cond_resched();
	}
	kthread_stop(task);

	/* the thread did count, and carried */
	KUNIT_EXPECT_GT(test, reqs, 1000);
	KUNIT_EXPECT_GT(test, bytes, 1ULL << 33);
}

static void levels_are_all_that_lives(struct kunit *test)
{
	struct dmp_test *t = test->priv;

	expect_nothing(test, &t->module);

	start(test, &t->a, false);
	start(test, &t->b, false);
	dmp_count(&t->a, DMP_READ, 512);
	dmp_count(&t->b, DMP_READ, 1024);
	dmp_count(&t->b, DMP_WRITE, 2048);
	dmp_count_error(&t->b, DMP_WRITE);

	expect_op(test, &t->a, DMP_READ, 1, 512, 0);
	expect_op(test, &t->volume, DMP_READ, 2, 1536, 0);
	expect_op(test, &t->volume, DMP_WRITE, 1, 2048, 1);
	expect_op(test, &t->module, DMP_READ, 2, 1536, 0);
	expect_total(test, &t->module, 3, 3584, 1);
}

static void targets_fold_into_their_volume(struct kunit *test)
{
	struct dmp_test *t = test->priv;

	start(test, &t->a, true);
	start(test, &t->b, true);
	dmp_count(&t->a, DMP_READ, 512);
	dmp_count_error(&t->a, DMP_READ);
	count_latency(&t->a, DMP_READ, 512, 1000);
	dmp_count(&t->b, DMP_READ, 1024);
	count_latency(&t->b, DMP_READ, 512, 1000);

	dmp_level_exit(&t->a);
	expect_op(test, &t->volume, DMP_READ, 2, 1536, 1);
	expect_op(test, &t->module, DMP_READ, 2, 1536, 1);
	KUNIT_EXPECT_EQ(test, read_cell(t, DMP_READ, 0, 2), 2);

	/* b goes on counting, without the counts of a */
	dmp_count(&t->b, DMP_READ, 1024);
	expect_op(test, &t->b, DMP_READ, 2, 2048, 0);

	/* a new target starts at zero, and adds to the folded counts */
	start(test, &t->a, false);
	expect_nothing(test, &t->a);
	dmp_count(&t->a, DMP_READ, 512);
	expect_op(test, &t->volume, DMP_READ, 4, 3072, 1);

	dmp_level_exit(&t->a);
	dmp_level_exit(&t->b);
	expect_op(test, &t->volume, DMP_READ, 4, 3072, 1);
	KUNIT_EXPECT_EQ(test, read_cell(t, DMP_READ, 0, 2), 2);
}

static void volumes_fold_into_the_module(struct kunit *test)
{
	struct dmp_test *t = test->priv;

	start(test, &t->a, true);
	dmp_count(&t->a, DMP_WRITE, 512);
	count_latency(&t->a, DMP_WRITE, 512, 1000);
	dmp_level_exit(&t->a);
	dmp_level_exit(&t->volume);
	expect_op(test, &t->module, DMP_WRITE, 1, 512, 0);

	t->volume = (struct dmp_level) {};
	dmp_level_init(&t->volume, &t->module);
	expect_nothing(test, &t->volume);
	KUNIT_EXPECT_EQ(test, read_cell(t, DMP_WRITE, 0, 2), 0);
	start(test, &t->a, false);
	dmp_count(&t->a, DMP_WRITE, 512);
	expect_op(test, &t->module, DMP_WRITE, 2, 1024, 0);
}

static void reset_is_a_baseline(struct kunit *test)
{
	struct dmp_test *t = test->priv;
	struct dmp_op_stats stats;
	int i;

	/* a reset before any count */
	dmp_level_reset(&t->volume);
	expect_nothing(test, &t->volume);
	KUNIT_EXPECT_EQ(test, t->volume.resets, 1);

	start(test, &t->a, true);
	start(test, &t->b, true);
	dmp_count(&t->a, DMP_READ, 512);
	dmp_count_error(&t->a, DMP_READ);
	count_latency(&t->a, DMP_READ, 512, 1000);
	dmp_count(&t->b, DMP_READ, 4096);
	count_latency(&t->b, DMP_READ, 4096, 1000);
	dmp_level_exit(&t->a);
	start(test, &t->a, true);
	dmp_count(&t->a, DMP_WRITE, 1024);

	for (i = 0; i < 2; i++) {
		dmp_level_reset(&t->volume);
		expect_nothing(test, &t->volume);
		expect_nothing(test, &t->a);
		expect_nothing(test, &t->b);
		dmp_level_read(&t->volume, BIT(DMP_READ), &stats);
		KUNIT_EXPECT_EQ(test, dmp_avg_size(&stats), 0);
		KUNIT_EXPECT_EQ(test, stats.n[DMP_LATENCY_NS], 0);
		KUNIT_EXPECT_EQ(test, read_cell(t, DMP_READ, 0, 2), 0);
		KUNIT_EXPECT_EQ(test, read_cell(t, DMP_READ, 3, 2), 0);
		KUNIT_EXPECT_EQ(test, t->volume.resets, i + 2);
		/* the module's counts stay */
		expect_total(test, &t->module, 3, 5632, 1);
	}

	dmp_count(&t->b, DMP_READ, 4096);
	count_latency(&t->b, DMP_READ, 4096, 1000);
	expect_op(test, &t->b, DMP_READ, 1, 4096, 0);
	expect_op(test, &t->volume, DMP_READ, 1, 4096, 0);
	KUNIT_EXPECT_EQ(test, read_cell(t, DMP_READ, 3, 2), 1);

	/* counts from before the reset stay subtracted after they fold */
	dmp_level_exit(&t->a);
	dmp_level_exit(&t->b);
	expect_op(test, &t->volume, DMP_READ, 1, 4096, 0);
	expect_op(test, &t->volume, DMP_WRITE, 0, 0, 0);
	KUNIT_EXPECT_EQ(test, read_cell(t, DMP_READ, 0, 2), 0);
	KUNIT_EXPECT_EQ(test, read_cell(t, DMP_READ, 3, 2), 1);
	expect_total(test, &t->module, 4, 9728, 1);
}

/* The counts that the levels must report, computed in the simplest way. */
struct reference {
	u64 volume_reqs[DMP_OTHER], volume_bytes[DMP_OTHER];
	u64 volume_errors[DMP_OTHER], volume_ns[DMP_OTHER];
	u64 module_reqs[DMP_OTHER], module_bytes[DMP_OTHER];
	u64 cell[DMP_OTHER][DMP_NR_SIZES][DMP_NR_LATENCIES];
};

static void count_in_both(struct dmp_level *target, struct reference *ref,
			  struct rnd_state *rnd)
{
	enum dmp_op op = prandom_u32_state(rnd) % DMP_OTHER;
	unsigned int bytes = op < DMP_FLUSH ? random_value(rnd) : 0;
	u64 ns = random_value(rnd) >> 8;

	dmp_count(target, op, bytes);
	ref->volume_reqs[op]++;
	ref->volume_bytes[op] += bytes;
	ref->module_reqs[op]++;
	ref->module_bytes[op] += bytes;
	if (bytes % 7 == 3) {
		dmp_count_error(target, op);
		ref->volume_errors[op]++;
	}
	if (dmp_measures_latency(target)) {
		count_latency(target, op, bytes, ns);
		ref->volume_ns[op] += ns;
		ref->cell[op][slow_size_bucket(bytes)][slow_latency_bucket(ns)]++;
	}
}

static void reset_both(struct dmp_level *volume, struct reference *ref)
{
	dmp_level_reset(volume);
	memset(ref->volume_reqs, 0, sizeof(ref->volume_reqs));
	memset(ref->volume_bytes, 0, sizeof(ref->volume_bytes));
	memset(ref->volume_errors, 0, sizeof(ref->volume_errors));
	memset(ref->volume_ns, 0, sizeof(ref->volume_ns));
	memset(ref->cell, 0, sizeof(ref->cell));
}

static void expect_reference(struct kunit *test, const struct reference *ref)
{
	struct dmp_test *t = test->priv;
	struct dmp_op_stats stats;
	unsigned int op, size;

	for (op = 0; op < DMP_OTHER; op++) {
		expect_op(test, &t->volume, op, ref->volume_reqs[op],
			  ref->volume_bytes[op], ref->volume_errors[op]);
		dmp_level_read(&t->volume, BIT(op), &stats);
		KUNIT_EXPECT_EQ(test, stats.n[DMP_LATENCY_NS], ref->volume_ns[op]);
		dmp_level_read(&t->module, BIT(op), &stats);
		KUNIT_EXPECT_EQ(test, dmp_reqs(&stats), ref->module_reqs[op]);
		KUNIT_EXPECT_EQ(test, stats.n[DMP_BYTES], ref->module_bytes[op]);
		for (size = 0; size < dmp_nr_sizes(op); size++) {
			read_cell(t, op, size, 0);
			KUNIT_EXPECT_MEMEQ(test, t->row, ref->cell[op][size], sizeof(t->row));
		}
	}
}

static void random_history_agrees_with_reference(struct kunit *test)
{
	struct dmp_test *t = test->priv;
	struct dmp_level *targets[] = { &t->a, &t->b }, *target;
	struct reference *ref;
	struct rnd_state rnd;
	int i;

	ref = kunit_kzalloc(test, sizeof(*ref), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, ref);
	prandom_seed_state(&rnd, 2026);
	start(test, &t->a, false);
	start(test, &t->b, true);

	for (i = 0; i < 50000; i++) {
		target = targets[prandom_u32_state(&rnd) % 2];
		switch (prandom_u32_state(&rnd) % 1000) {
		case 0:
			reset_both(&t->volume, ref);
			break;
		case 1:
			dmp_level_exit(target);
			start(test, target, prandom_u32_state(&rnd) % 2);
			break;
		case 2:
			expect_reference(test, ref);
			/* later checks would fail, too */
			if (test->status == KUNIT_FAILURE)
				return;
			break;
		default:
			count_in_both(target, ref, &rnd);
		}
	}
	expect_reference(test, ref);
}

static const struct volumes_case {
	const char *name;
	u64 read_reqs, read_bytes, write_reqs, write_bytes;
	const char *text;
} volumes_cases[] = {
	{
		.name = "nothing",
		.text = "read:\n\treqs: 0\n\tavg size: 0\n"
			"write:\n\treqs: 0\n\tavg size: 0\n"
			"total:\n\treqs: 0\n\tavg size: 0\n",
	}, {
		.name = "example",
		.read_reqs = 45, .read_bytes = 154755,
		.write_reqs = 2, .write_bytes = 4096,
		.text = "read:\n\treqs: 45\n\tavg size: 3439\n"
			"write:\n\treqs: 2\n\tavg size: 2048\n"
			"total:\n\treqs: 47\n\tavg size: 3379\n",
	}, {
		.name = "writes only",
		.write_reqs = 3, .write_bytes = 8191,
		.text = "read:\n\treqs: 0\n\tavg size: 0\n"
			"write:\n\treqs: 3\n\tavg size: 2730\n"
			"total:\n\treqs: 3\n\tavg size: 2730\n",
	}, {
		.name = "20 digits",
		.read_reqs = 10000000000000000000ULL, .read_bytes = U64_MAX - 1,
		.write_reqs = 8446744073709551615ULL, .write_bytes = 1,
		.text = "read:\n\treqs: 10000000000000000000\n\tavg size: 1\n"
			"write:\n\treqs: 8446744073709551615\n\tavg size: 0\n"
			"total:\n\treqs: 18446744073709551615\n\tavg size: 1\n",
	},
};

KUNIT_ARRAY_PARAM_DESC(volumes, volumes_cases, name);

static void volumes_text_is_exact(struct kunit *test)
{
	const struct volumes_case *c = test->param_value;
	struct dmp_test *t = test->priv;
	enum dmp_op op;

	t->module.folded[DMP_READ].n[DMP_SIZES] = c->read_reqs;
	t->module.folded[DMP_READ].n[DMP_BYTES] = c->read_bytes;
	t->module.folded[DMP_WRITE].n[DMP_SIZES + 1] = c->write_reqs;
	t->module.folded[DMP_WRITE].n[DMP_BYTES] = c->write_bytes;
	/* other operations are neither shown nor in the total */
	for (op = DMP_DISCARD; op < DMP_OTHER; op++)
		t->module.folded[op].n[DMP_SIZES] = 7;

	KUNIT_EXPECT_EQ(test, dmp_emit_volumes(&t->module, t->text), strlen(c->text));
	KUNIT_EXPECT_STREQ(test, t->text, c->text);
}

static void expect_files(struct kunit *test, unsigned long ops, const char *name,
			 enum dmp_file file, const char *text)
{
	struct dmp_test *t = test->priv;

	KUNIT_EXPECT_EQ(test, dmp_emit_file(&t->volume, ops, file, t->text), strlen(text));
	KUNIT_EXPECT_STREQ_MSG(test, t->text, text, "%s/%s", name, dmp_file_names[file]);
}

static void expect_file(struct kunit *test, enum dmp_op op, enum dmp_file file,
			const char *text)
{
	expect_files(test, BIT(op), dmp_op_names[op], file, text);
}

static void expect_total_file(struct kunit *test, enum dmp_file file, const char *text)
{
	expect_files(test, DMP_TOTAL, "total", file, text);
}

#define SEVEN "0 0 0 0 0 0 0 "

static void file_texts_are_exact(struct kunit *test)
{
	struct dmp_test *t = test->priv;

	start(test, &t->a, true);
	dmp_count(&t->a, DMP_READ, 512);
	dmp_count(&t->a, DMP_READ, 4096);
	dmp_count(&t->a, DMP_READ, 4097);
	dmp_count(&t->a, DMP_WRITE, SZ_1M);
	dmp_count_error(&t->a, DMP_WRITE);
	count_latency(&t->a, DMP_READ, 512, 600);
	count_latency(&t->a, DMP_WRITE, SZ_1M, 12345);
	dmp_count(&t->a, DMP_FLUSH, 0);

	expect_file(test, DMP_READ, DMP_FILE_REQS, "3\n");
	expect_file(test, DMP_READ, DMP_FILE_BYTES, "8705\n");
	expect_file(test, DMP_READ, DMP_FILE_AVG_SIZE, "2901\n");
	expect_file(test, DMP_READ, DMP_FILE_ERRORS, "0\n");
	expect_file(test, DMP_READ, DMP_FILE_SIZE_HIST, "1 0 0 2 0 0 0 0 0 0 0 0\n");
	expect_file(test, DMP_READ, DMP_FILE_LATENCY_NS, "600\n");
	expect_file(test, DMP_READ, DMP_FILE_LATENCY_HIST,
		    "0 1 " SEVEN SEVEN SEVEN SEVEN SEVEN SEVEN SEVEN "0\n");
	expect_file(test, DMP_WRITE, DMP_FILE_ERRORS, "1\n");
	expect_total_file(test, DMP_FILE_REQS, "4\n");
	expect_total_file(test, DMP_FILE_BYTES, "1057281\n");
	expect_total_file(test, DMP_FILE_AVG_SIZE, "264320\n");
	expect_total_file(test, DMP_FILE_ERRORS, "1\n");
	expect_total_file(test, DMP_FILE_SIZE_HIST, "1 0 0 2 0 0 0 0 0 0 0 1\n");
	expect_total_file(test, DMP_FILE_LATENCY_NS, "12945\n");
	expect_total_file(test, DMP_FILE_LATENCY_HIST,
			  "0 1 " SEVEN "0 1 " SEVEN SEVEN SEVEN SEVEN SEVEN "0 0 0 0 0 0\n");
	expect_file(test, DMP_FLUSH, DMP_FILE_REQS, "1\n");
	expect_file(test, DMP_FLUSH, DMP_FILE_AVG_SIZE, "0\n");
	expect_file(test, DMP_FLUSH, DMP_FILE_SIZE_HIST, "1 0 0 0 0 0 0 0 0 0 0 0\n");

	dmp_emit_status(&t->a, t->text, PAGE_SIZE);
	KUNIT_EXPECT_STREQ(test, t->text,
			   "read 3 8705 0 write 1 1048576 1 discard 0 0 0 write_zeroes 0 0 0 flush 1 0 0 zone 0 0 0");
	dmp_emit_histogram(&t->volume, ALL_OPS, t->text, PAGE_SIZE);
	KUNIT_EXPECT_STREQ(test, t->text, "read 512 512 1\nwrite 1048576 12288 1\n");
	dmp_emit_histogram(&t->volume, BIT(DMP_WRITE), t->text, PAGE_SIZE);
	KUNIT_EXPECT_STREQ(test, t->text, "write 1048576 12288 1\n");
}

static void stat_text_is_exact(struct kunit *test)
{
	const char *text = "1 2 4608 1 600 1 1048576 0 12345 0 0 0 0 1 4096 0 0 1 0 0 7 1 0 0 0\n";
	struct dmp_test *t = test->priv;

	start(test, &t->a, true);
	dmp_count(&t->a, DMP_READ, SZ_1M);
	dmp_count_error(&t->a, DMP_WRITE);
	dmp_level_reset(&t->volume);
	dmp_count(&t->a, DMP_READ, 512);
	dmp_count(&t->a, DMP_READ, 4096);
	dmp_count_error(&t->a, DMP_READ);
	count_latency(&t->a, DMP_READ, 512, 600);
	dmp_count(&t->a, DMP_WRITE, SZ_1M);
	count_latency(&t->a, DMP_WRITE, SZ_1M, 12345);
	dmp_count(&t->a, DMP_WRITE_ZEROES, 4096);
	dmp_count(&t->a, DMP_FLUSH, 0);
	count_latency(&t->a, DMP_FLUSH, 0, 7);
	dmp_count(&t->a, DMP_ZONE, 0);
	dmp_count(&t->a, DMP_OTHER, 512);

	KUNIT_EXPECT_EQ(test, dmp_emit_stat(&t->volume, t->text), strlen(text));
	KUNIT_EXPECT_STREQ(test, t->text, text);
}

/* Set all counters of a volume to their largest value, which has 20 digits. */
static void fill_volume(struct kunit *test)
{
	struct dmp_test *t = test->priv;
	int op, i, j;

	start(test, &t->a, true);
	for (op = 0; op < DMP_OTHER; op++) {
		for (i = 0; i < DMP_NR_COUNTERS; i++)
			t->volume.folded[op].n[i] = U64_MAX;
		for (i = 0; i < dmp_nr_sizes(op); i++)
			for (j = 0; j < DMP_NR_LATENCIES; j++)
				per_cpu_ptr(t->volume.joint->latencies[op], 0)->n[i][j] = U64_MAX;
	}
}

static unsigned int count_of(const char *text, const char *part)
{
	unsigned int n = 0;

	while ((text = strstr(text, part))) {
		text += strlen(part);
		n++;
	}
	return n;
}

/* Expect that a file has this many numbers, all of 20 digits. */
static void expect_full_file(struct kunit *test, enum dmp_op op, enum dmp_file file,
			     unsigned int numbers)
{
	struct dmp_test *t = test->priv;

	KUNIT_EXPECT_EQ(test, dmp_emit_file(&t->volume, BIT(op), file, t->text),
			21 * numbers);
	KUNIT_EXPECT_EQ(test, count_of(t->text, "18446744073709551615"), numbers);
}

static void largest_files_fit_their_page(struct kunit *test)
{
	struct dmp_test *t = test->priv;
	enum dmp_op op;

	fill_volume(test);
	for (op = 0; op < DMP_OTHER; op++) {
		expect_full_file(test, op, DMP_FILE_SIZE_HIST, DMP_NR_SIZES);
		expect_full_file(test, op, DMP_FILE_BYTES, 1);
	}
	for (op = DMP_FLUSH; op < DMP_OTHER; op++)
		expect_full_file(test, op, DMP_FILE_LATENCY_HIST, DMP_NR_LATENCIES);

	t->volume.resets = U64_MAX;
	KUNIT_EXPECT_EQ(test, dmp_emit_stat(&t->volume, t->text), 21 * 25);
	/* reqs is the sum of 12 times 2^64 - 1, which wraps to another number of 20 digits */
	KUNIT_EXPECT_EQ(test, count_of(t->text, "18446744073709551615"), 25 - DMP_OTHER);
}

static void largest_status_and_histogram(struct kunit *test)
{
	const char *last = "zone 0 17179869184 18446744073709551615\n";
	struct dmp_test *t = test->priv;
	size_t size = SZ_256K, len;
	char *text;

	fill_volume(test);
	text = kunit_kzalloc(test, size, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, text);

	dmp_emit_status(&t->volume, text, size);
	KUNIT_EXPECT_EQ(test, count_of(text, " 18446744073709551615"), 2 * DMP_OTHER);
	/* reqs is the sum of 12 times 2^64 - 1, which wraps */
	KUNIT_EXPECT_EQ(test, count_of(text, " 18446744073709551604 "), DMP_OTHER);

	dmp_emit_histogram(&t->volume, ALL_OPS, text, size);
	KUNIT_EXPECT_EQ(test, count_of(text, " 18446744073709551615\n"),
			(DMP_FLUSH * DMP_NR_SIZES + 2) * DMP_NR_LATENCIES);
	len = strlen(text);
	KUNIT_EXPECT_STREQ(test, text + len - strlen(last), last);

	/* a text that is cut fills the buffer: device-mapper then retries with a larger one */
	dmp_emit_histogram(&t->volume, ALL_OPS, text, len);
	KUNIT_EXPECT_EQ(test, strlen(text), len - 1);
	dmp_emit_status(&t->volume, text, 100);
	KUNIT_EXPECT_EQ(test, strlen(text), 99);
}

static struct kunit_case dmp_test_cases[] = {
	KUNIT_CASE_PARAM(op_is_classified, op_gen_params),
	KUNIT_CASE(unknown_ops_are_other),
	KUNIT_CASE(size_bucket_edges),
	KUNIT_CASE(latency_bucket_edges),
	KUNIT_CASE(random_values_find_their_bucket),
	KUNIT_CASE_PARAM(avg_size_rounds_down, avg_gen_params),
	KUNIT_CASE_PARAM(counts_its_op_only, all_ops_gen_params),
	KUNIT_CASE_PARAM(sizes_are_counted, all_ops_gen_params),
	KUNIT_CASE_PARAM(latencies_are_counted, all_ops_gen_params),
	KUNIT_CASE(latencies_of_all_sizes_add_up),
	KUNIT_CASE_PARAM(op_without_data_has_one_row, all_ops_gen_params),
	KUNIT_CASE(latencies_only_where_they_are_measured),
	KUNIT_CASE(negative_latency_is_zero),
	KUNIT_CASE(targets_share_their_volumes_histograms),
	KUNIT_CASE(unknown_op_is_not_reported),
	KUNIT_CASE(counts_past_32_bits),
	KUNIT_CASE(sums_over_all_cpus),
	KUNIT_CASE(every_cpu_counts_its_own),
	KUNIT_CASE(no_torn_value_is_read),
	KUNIT_CASE(levels_are_all_that_lives),
	KUNIT_CASE(targets_fold_into_their_volume),
	KUNIT_CASE(volumes_fold_into_the_module),
	KUNIT_CASE(reset_is_a_baseline),
	KUNIT_CASE(random_history_agrees_with_reference),
	KUNIT_CASE_PARAM(volumes_text_is_exact, volumes_gen_params),
	KUNIT_CASE(file_texts_are_exact),
	KUNIT_CASE(stat_text_is_exact),
	KUNIT_CASE(largest_files_fit_their_page),
	KUNIT_CASE(largest_status_and_histogram),
	{}
};

static struct kunit_suite dmp_test_suite = {
	.name = "dm_dmp",
	.init = dmp_test_init,
	.exit = dmp_test_exit,
	.test_cases = dmp_test_cases,
};

kunit_test_suite(dmp_test_suite);

MODULE_IMPORT_NS("EXPORTED_FOR_KUNIT_TESTING");
MODULE_DESCRIPTION("KUnit tests for the statistics of the dmp target");
MODULE_LICENSE("GPL");
