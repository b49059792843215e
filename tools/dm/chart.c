// SPDX-License-Identifier: GPL-2.0-only
/*
 * Charts of dmpstat: histograms of sizes, of latencies, and of both.
 */

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "format.h"
#include "view.h"

/* columns of a terminal whose width is not known */
#define DEFAULT_WIDTH 80

/**
 * struct axis - buckets of a histogram
 * @nr: number of buckets
 * @unit: unit of their limits
 * @floor: smallest value of a bucket, for requests of an operation
 * @end: smallest value of the next bucket, 0 for the last one
 */
struct axis {
	unsigned int nr;
	enum unit unit;
	__u64 (*floor)(enum op op, unsigned int bucket);
	__u64 (*end)(unsigned int bucket);
};

static const struct axis sizes = { NR_SIZES, UNIT_BYTES, size_floor, size_end };
static const struct axis latencies = { NR_LATENCIES, UNIT_NS, latency_floor_of, latency_end };

static int width(void)
{
	const char *columns = getenv("COLUMNS");
	struct winsize size;
	int n = columns ? atoi(columns) : 0;

	if (n <= 0 && !ioctl(STDOUT_FILENO, TIOCGWINSZ, &size))
		n = size.ws_col;
	return n > 0 ? n : DEFAULT_WIDTH;
}

static void print_title(const struct report_volume *v, enum op op, __u64 reqs, const char *by)
{
	printf("%s %s: %llu requests by %s\n", v->name, op_names[op], reqs, by);
}

/* Find the first and the last bucket that are not empty. Return false if all are. */
static bool find_range(const __u64 *n, unsigned int nr, unsigned int *first, unsigned int *last)
{
	unsigned int i;

	*first = nr;
	*last = 0;
	for (i = 0; i < nr; i++) {
		if (!n[i])
			continue;
		if (*first == nr)
			*first = i;
		*last = i;
	}
	return *first < nr;
}

static int limit_width(const struct view_options *options)
{
	return options->raw ? 12 : 7;
}

static void print_bucket(const struct report_volume *v, enum op op, const struct axis *axis,
			 unsigned int i, __u64 n, double percent, double sum,
			 const struct view_options *options)
{
	struct number end = number(axis->end(i), axis->end(i) ? axis->unit : UNIT_NONE);
	struct number floor = number(axis->floor(op, i), axis->unit);
	char from[NUMBER_LEN], to[NUMBER_LEN];

	format_number(from, floor, options->raw);
	format_number(to, end, options->raw);
	if (options->plain)
		printf("%s\t%s\t%s\t%s\t%llu\t%.1f\t%.1f\n", v->name, op_names[op], from, to,
		       n, percent, sum);
	else
		printf("%*s %*s %8llu %5.1f %5.1f", limit_width(options), from,
		       limit_width(options), to, n, percent, sum);
}

static void print_bar(__u64 n, __u64 largest, const struct view_options *options)
{
	int room = width() - 2 * limit_width(options) - 25, len;

	if (room > 60)
		room = 60;
	len = room > 0 ? lround((double)n * room / largest) : 0;
	/* a bucket that is not empty has a bar */
	if (n && !len && room > 0)
		len = 1;
	printf(" |%s", options->color ? "\033[38;5;33m" : "");
	while (len-- > 0)
		putchar('#');
	puts(options->color ? "\033[0m" : "");
}

static bool print_histogram(const struct report_volume *v, enum op op, const struct axis *axis,
			    const __u64 *n, const struct view_options *options)
{
	__u64 all = sum_of(n, axis->nr), largest = max_of(n, axis->nr), sum = 0;
	unsigned int first, last, i;

	if (!find_range(n, axis->nr, &first, &last))
		return true;
	if (!options->plain) {
		print_title(v, op, all, axis == &sizes ? "size" : "latency");
		printf("%*s %*s %8s %5s %5s\n", limit_width(options), "from",
		       limit_width(options), "to", "count", "%", "cum");
	}
	for (i = first; i <= last; i++) {
		sum += n[i];
		print_bucket(v, op, axis, i, n[i], 100.0 * n[i] / all, 100.0 * sum / all, options);
		if (!options->plain)
			print_bar(n[i], largest, options);
	}
	return true;
}

static bool print_sizes(const struct report_volume *v, enum op op, const struct counts *c,
			void *options)
{
	return print_histogram(v, op, &sizes, c->sizes, options);
}

static bool print_latencies(const struct report_volume *v, enum op op, const struct counts *c,
			    void *options)
{
	if (c->timed)
		return print_histogram(v, op, &latencies, c->latencies, options);
	if (!((const struct view_options *)options)->plain)
		printf("%s %s: no latencies; dmpctl latency on measures them\n", v->name,
		       op_names[op]);
	return true;
}

/**
 * view_size_chart() - show histograms of sizes
 * @report: the report
 * @options: how to show it
 *
 * Return: true.
 */
bool view_size_chart(const struct report *report, const struct view_options *options)
{
	return report_rows(report, options->ops, print_sizes, (void *)options);
}

/**
 * view_latency_chart() - show histograms of latencies
 * @report: the report
 * @options: how to show it
 *
 * Return: true.
 */
bool view_latency_chart(const struct report *report, const struct view_options *options)
{
	return report_rows(report, options->ops, print_latencies, (void *)options);
}

/* A column of the joint chart is an octave: bucket 0, then two buckets each, then the last. */
#define NR_OCTAVES (NR_LATENCIES / 2)

static unsigned int octave(unsigned int bucket)
{
	return bucket ? (bucket + 1) / 2 : 0;
}

/* Shade from 0 for none to @max for the largest count, on a logarithmic scale. */
static unsigned int shade(__u64 n, __u64 largest, unsigned int max)
{
	return n ? 1 + lround((max - 1) * log_share(n, largest)) : 0;
}

static void print_cell(__u64 n, __u64 largest, bool color)
{
	/* of the 256 colors of a terminal: from blue over green to yellow and red */
	static const unsigned char colors[] = { 0, 18, 25, 31, 36, 70, 142, 208, 196 };
	static const char text[] = " .:+*#@";

	if (color && n)
		printf("\033[48;5;%um     \033[0m", colors[shade(n, largest, sizeof(colors) - 1)]);
	else
		printf("%4c ", text[shade(n, largest, sizeof(text) - 2)]);
}

static void print_row(enum op op, const struct counts *c, unsigned int row, unsigned int first,
		      unsigned int last, __u64 largest, bool color)
{
	struct number size = number(size_floor(op, row), UNIT_BYTES);
	__u64 columns[NR_OCTAVES + 1] = {};
	char text[NUMBER_LEN];
	struct percentile p;
	struct number p99;
	unsigned int i;

	for (i = 0; i < NR_LATENCIES; i++)
		columns[octave(i)] += c->joint[row][i];
	printf("%6s ", format_short(text, size));
	for (i = first; i <= last; i++)
		print_cell(columns[i], largest, color);
	/* the sum of the latencies of one size is not known */
	percentile(c->joint[row], 0, 990, &p);
	p99 = (struct number) { p.estimate, UNIT_NS, !p.end };
	printf(" %6s\n", format_number(text, p99, false));
}

static bool print_joint(const struct report_volume *v, enum op op, const struct counts *c,
			void *data)
{
	const struct view_options *options = data;
	__u64 columns[NR_OCTAVES + 1] = {}, largest = 0, max;
	unsigned int first, last, i, row;
	char text[NUMBER_LEN];

	if (!c->joint)
		return true;
	for (row = 0; row < NR_SIZES; row++) {
		__u64 of_row[NR_OCTAVES + 1] = {};

		for (i = 0; i < NR_LATENCIES; i++) {
			of_row[octave(i)] += c->joint[row][i];
			columns[octave(i)] += c->joint[row][i];
		}
		max = max_of(of_row, NR_OCTAVES + 1);
		if (max > largest)
			largest = max;
	}
	if (!find_range(columns, NR_OCTAVES + 1, &first, &last))
		return true;
	print_title(v, op, sum_of(columns, NR_OCTAVES + 1), "size and latency");
	printf("%7s", "");
	for (i = first; i <= last; i++)
		printf("%4s ", format_short(text, number(i ? latency_floor(2 * i - 1) : 0,
							 UNIT_NS)));
	printf(" %6s\n", "p99");
	for (row = 0; row < NR_SIZES; row++)
		if (sum_of(c->joint[row], NR_LATENCIES))
			print_row(op, c, row, first, last, largest, options->color);
	return true;
}

static bool print_cells(const struct report_volume *v, enum op op, const struct counts *c,
			void *data)
{
	unsigned int i, j;

	for (i = 0; c->joint && i < NR_SIZES; i++)
		for (j = 0; j < NR_LATENCIES; j++)
			if (c->joint[i][j])
				printf("%s\t%s\t%llu\t%llu\t%llu\n", v->name,
				       op_names[op], size_floor(op, i), latency_floor(j),
				       c->joint[i][j]);
	return true;
}

/**
 * view_joint_chart() - show joint histograms of sizes and latencies
 * @report: the report
 * @options: how to show it
 *
 * Return: true.
 */
bool view_joint_chart(const struct report *report, const struct view_options *options)
{
	return report_rows(report, options->ops, options->plain ? print_cells : print_joint,
			   (void *)options);
}
