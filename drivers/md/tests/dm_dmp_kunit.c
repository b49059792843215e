// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests for the statistics of the dmp target
 */

#include <kunit/test.h>
#include <linux/smp.h>

#include "../dm-dmp-stats.h"

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
	{ "driver in", REQ_OP_DRV_IN, 512, DMP_NR_OPS },
	{ "driver out", REQ_OP_DRV_OUT, 512, DMP_NR_OPS },
};

KUNIT_ARRAY_PARAM_DESC(op, op_cases, name);

static void op_is_classified(struct kunit *test)
{
	const struct op_case *c = test->param_value;

	KUNIT_EXPECT_EQ(test, dmp_op(c->opf, c->bytes), c->op);
}

/* Whatever the table above does not name must not pass for an operation. */
static void other_ops_are_none(struct kunit *test)
{
	unsigned int code, i;
	bool known;

	for (code = 0; code < (__force u32)REQ_OP_MASK; code++) {
		for (known = false, i = 0; i < ARRAY_SIZE(op_cases); i++)
			known |= (__force u32)(op_cases[i].opf & REQ_OP_MASK) == code;
		if (!known)
			KUNIT_EXPECT_EQ_MSG(test, dmp_op((__force blk_opf_t)code, 512),
					    DMP_NR_OPS, "REQ_OP %u", code);
	}
}

static const struct avg_case {
	const char *name;
	struct dmp_op_stats op;
	u64 avg;
} avg_cases[] = {
	{ "no request", { .reqs = 0, .bytes = 0 }, 0 },
	{ "bytes but no request", { .reqs = 0, .bytes = 512 }, 0 },
	{ "one", { .reqs = 1, .bytes = 4096 }, 4096 },
	{ "down from .9", { .reqs = 10, .bytes = 5129 }, 512 },
	{ "down to 0", { .reqs = 3, .bytes = 2 }, 0 },
	{ "bytes past 2^32", { .reqs = 3, .bytes = 3ULL << 32 }, 1ULL << 32 },
	{ "reqs past 2^32", { .reqs = 1ULL << 33, .bytes = 1ULL << 45 }, 4096 },
	{ "bytes 2^64 - 1", { .reqs = 1, .bytes = U64_MAX }, U64_MAX },
	{ "both 2^64 - 1", { .reqs = U64_MAX, .bytes = U64_MAX }, 1 },
	{ "both near 2^64", { .reqs = U64_MAX, .bytes = U64_MAX - 1 }, 0 },
};

KUNIT_ARRAY_PARAM_DESC(avg, avg_cases, name);

static void avg_size_rounds_down(struct kunit *test)
{
	const struct avg_case *c = test->param_value;

	KUNIT_EXPECT_EQ(test, dmp_avg_size(&c->op), c->avg);
}

static void expect_op(struct kunit *test, const struct dmp_stats *stats,
		      enum dmp_op op, u64 reqs, u64 bytes, u64 errors)
{
	KUNIT_EXPECT_EQ_MSG(test, stats->op[op].reqs, reqs, "%s reqs", dmp_op_names[op]);
	KUNIT_EXPECT_EQ_MSG(test, stats->op[op].bytes, bytes, "%s bytes", dmp_op_names[op]);
	KUNIT_EXPECT_EQ_MSG(test, stats->op[op].errors, errors, "%s errors", dmp_op_names[op]);
}

struct dmp_test {
	struct dmp_totals totals;
	struct dmp_counters a, b;
};

static int dmp_test_init(struct kunit *test)
{
	struct dmp_test *t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, t);
	test->priv = t;
	mutex_init(&t->totals.lock);
	INIT_LIST_HEAD(&t->totals.live);
	return 0;
}

static void dmp_test_exit(struct kunit *test)
{
	struct dmp_test *t = test->priv;
	struct dmp_counters *counters, *next;

	list_for_each_entry_safe(counters, next, &t->totals.live, node)
		dmp_counters_exit(counters, &t->totals);
}

static void start(struct kunit *test, struct dmp_counters *counters)
{
	struct dmp_test *t = test->priv;

	KUNIT_ASSERT_EQ(test, dmp_counters_init(counters, &t->totals), 0);
}

static void op_name(const enum dmp_op *op, char *desc)
{
	strscpy(desc, dmp_op_names[*op], KUNIT_PARAM_DESC_SIZE);
}

static const enum dmp_op all_ops[] = {
	DMP_READ, DMP_WRITE, DMP_DISCARD, DMP_WRITE_ZEROES, DMP_FLUSH, DMP_ZONE,
};

static_assert(ARRAY_SIZE(all_ops) == DMP_NR_OPS);

KUNIT_ARRAY_PARAM(all_ops, all_ops, op_name);

static void counts_its_op_only(struct kunit *test)
{
	const enum dmp_op op = *(const enum dmp_op *)test->param_value;
	struct dmp_test *t = test->priv;
	struct dmp_stats stats;
	enum dmp_op i;

	start(test, &t->a);
	dmp_count(&t->a, op, 512);
	dmp_count(&t->a, op, 4096);
	dmp_count(&t->a, op, 0);
	dmp_count_error(&t->a, op);

	dmp_counters_read(&t->a, &stats);
	for (i = 0; i < DMP_NR_OPS; i++) {
		if (i == op)
			expect_op(test, &stats, i, 3, 4608, 1);
		else
			expect_op(test, &stats, i, 0, 0, 0);
	}
}

static void unknown_op_is_not_reported(struct kunit *test)
{
	struct dmp_test *t = test->priv;
	struct dmp_stats stats;
	enum dmp_op i;

	start(test, &t->a);
	dmp_count(&t->a, DMP_NR_OPS, 512);
	dmp_count_error(&t->a, DMP_NR_OPS);

	dmp_counters_read(&t->a, &stats);
	for (i = 0; i < DMP_NR_OPS; i++)
		expect_op(test, &stats, i, 0, 0, 0);
}

static void counts_past_32_bits(struct kunit *test)
{
	struct dmp_test *t = test->priv;
	unsigned int bytes = UINT_MAX;
	struct dmp_stats stats;
	int i;

	/* as a constant it would not fit x86's local_add() */
	OPTIMIZER_HIDE_VAR(bytes);

	start(test, &t->a);
	for (i = 0; i < 3; i++)
		dmp_count(&t->a, DMP_READ, bytes);

	dmp_counters_read(&t->a, &stats);
	expect_op(test, &stats, DMP_READ, 3, 3ULL * UINT_MAX, 0);
}

/* A different power of ten for each CPU: no two sums can be mistaken. */
static void sums_over_all_cpus(struct kunit *test)
{
	struct dmp_test *t = test->priv;
	u64 unit = 1, reqs = 0;
	struct dmp_stats stats;
	int cpu;

	if (num_possible_cpus() < 2)
		kunit_skip(test, "needs two CPUs, there is one");

	start(test, &t->a);
	for_each_possible_cpu(cpu) {
		struct dmp_cpu_counters *c = per_cpu_ptr(t->a.cpu, cpu);

		u64_stats_add(&c->op[DMP_WRITE].reqs, unit);
		u64_stats_add(&c->op[DMP_WRITE].bytes, 2 * unit);
		u64_stats_add(&c->op[DMP_WRITE].errors, 3 * unit);
		reqs += unit;
		unit *= 10;
	}

	dmp_counters_read(&t->a, &stats);
	expect_op(test, &stats, DMP_WRITE, reqs, 2 * reqs, 3 * reqs);
	expect_op(test, &stats, DMP_READ, 0, 0, 0);
}

static void count_one_read(void *counters)
{
	dmp_count(counters, DMP_READ, 512);
}

/* Each CPU really counts, in interrupt context where there are several. */
static void every_cpu_counts_its_own(struct kunit *test)
{
	struct dmp_test *t = test->priv;
	struct dmp_stats stats;
	int cpu;

	start(test, &t->a);
	on_each_cpu(count_one_read, &t->a, 1);

	for_each_online_cpu(cpu) {
		struct dmp_cpu_counters *c = per_cpu_ptr(t->a.cpu, cpu);

		KUNIT_EXPECT_EQ(test, u64_stats_read(&c->op[DMP_READ].reqs), 1);
	}
	dmp_counters_read(&t->a, &stats);
	expect_op(test, &stats, DMP_READ, num_online_cpus(), 512 * num_online_cpus(), 0);
}

static void totals_are_all_that_lives(struct kunit *test)
{
	struct dmp_test *t = test->priv;
	struct dmp_stats stats;

	dmp_totals_read(&t->totals, &stats);
	expect_op(test, &stats, DMP_READ, 0, 0, 0);

	start(test, &t->a);
	start(test, &t->b);
	dmp_count(&t->a, DMP_READ, 512);
	dmp_count(&t->b, DMP_READ, 1024);
	dmp_count(&t->b, DMP_WRITE, 2048);
	dmp_count_error(&t->b, DMP_WRITE);

	dmp_totals_read(&t->totals, &stats);
	expect_op(test, &stats, DMP_READ, 2, 1536, 0);
	expect_op(test, &stats, DMP_WRITE, 1, 2048, 1);
}

static void dead_counters_fold_into_totals(struct kunit *test)
{
	struct dmp_test *t = test->priv;
	struct dmp_stats stats;

	start(test, &t->a);
	start(test, &t->b);
	dmp_count(&t->a, DMP_READ, 512);
	dmp_count_error(&t->a, DMP_READ);
	dmp_count(&t->b, DMP_READ, 1024);

	dmp_counters_exit(&t->a, &t->totals);
	dmp_totals_read(&t->totals, &stats);
	expect_op(test, &stats, DMP_READ, 2, 1536, 1);

	/* what lives on goes on counting, and does not inherit */
	dmp_count(&t->b, DMP_READ, 1024);
	dmp_counters_read(&t->b, &stats);
	expect_op(test, &stats, DMP_READ, 2, 2048, 0);

	dmp_counters_exit(&t->b, &t->totals);
	dmp_totals_read(&t->totals, &stats);
	expect_op(test, &stats, DMP_READ, 3, 2560, 1);

	/* what is born later starts at zero and adds to the dead */
	start(test, &t->a);
	dmp_counters_read(&t->a, &stats);
	expect_op(test, &stats, DMP_READ, 0, 0, 0);
	dmp_count(&t->a, DMP_READ, 512);
	dmp_totals_read(&t->totals, &stats);
	expect_op(test, &stats, DMP_READ, 4, 3072, 1);
}

static const struct volumes_case {
	const char *name;
	struct dmp_op_stats read, write;
	const char *text;
} volumes_cases[] = {
	{
		.name = "nothing",
		.text = "read:\n\treqs: 0\n\tavg size: 0\n"
			"write:\n\treqs: 0\n\tavg size: 0\n"
			"total:\n\treqs: 0\n\tavg size: 0\n",
	}, {
		.name = "example",
		.read = { .reqs = 45, .bytes = 154755 },
		.write = { .reqs = 2, .bytes = 4096 },
		.text = "read:\n\treqs: 45\n\tavg size: 3439\n"
			"write:\n\treqs: 2\n\tavg size: 2048\n"
			"total:\n\treqs: 47\n\tavg size: 3379\n",
	}, {
		.name = "writes only",
		.write = { .reqs = 3, .bytes = 8191, .errors = 3 },
		.text = "read:\n\treqs: 0\n\tavg size: 0\n"
			"write:\n\treqs: 3\n\tavg size: 2730\n"
			"total:\n\treqs: 3\n\tavg size: 2730\n",
	}, {
		.name = "20 digits",
		.read = { .reqs = 10000000000000000000ULL, .bytes = U64_MAX - 1 },
		.write = { .reqs = 8446744073709551615ULL, .bytes = 1 },
		.text = "read:\n\treqs: 10000000000000000000\n\tavg size: 1\n"
			"write:\n\treqs: 8446744073709551615\n\tavg size: 0\n"
			"total:\n\treqs: 18446744073709551615\n\tavg size: 1\n",
	},
};

KUNIT_ARRAY_PARAM_DESC(volumes, volumes_cases, name);

static void volumes_text_is_exact(struct kunit *test)
{
	const struct volumes_case *c = test->param_value;
	struct dmp_stats stats = {
		.op[DMP_READ] = c->read,
		.op[DMP_WRITE] = c->write,
		/* neither shows, nor adds to the total */
		.op[DMP_DISCARD] = { 7, 7 << 20, 7 },
		.op[DMP_WRITE_ZEROES] = { 7, 7 << 20, 7 },
		.op[DMP_FLUSH] = { 7, 0, 7 },
		.op[DMP_ZONE] = { 7, 0, 7 },
	};
	char *page = kunit_kzalloc(test, PAGE_SIZE, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, page);
	KUNIT_EXPECT_EQ(test, dmp_emit_volumes(&stats, page), strlen(c->text));
	KUNIT_EXPECT_STREQ(test, page, c->text);
}

static struct kunit_case dmp_test_cases[] = {
	KUNIT_CASE_PARAM(op_is_classified, op_gen_params),
	KUNIT_CASE(other_ops_are_none),
	KUNIT_CASE_PARAM(avg_size_rounds_down, avg_gen_params),
	KUNIT_CASE_PARAM(counts_its_op_only, all_ops_gen_params),
	KUNIT_CASE(unknown_op_is_not_reported),
	KUNIT_CASE(counts_past_32_bits),
	KUNIT_CASE(sums_over_all_cpus),
	KUNIT_CASE(every_cpu_counts_its_own),
	KUNIT_CASE(totals_are_all_that_lives),
	KUNIT_CASE(dead_counters_fold_into_totals),
	KUNIT_CASE_PARAM(volumes_text_is_exact, volumes_gen_params),
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
