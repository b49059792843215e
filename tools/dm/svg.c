// SPDX-License-Identifier: GPL-2.0-only
/*
 * Picture of latencies over time, as SVG.
 *
 * A panel for each operation: time goes across, the buckets of the latencies go up, and the
 * color of a cell is the logarithm of its number of requests. Lines are median and 99th
 * percentile. There is no script: a browser shows the title of the cell under the pointer.
 */

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "file.h"
#include "format.h"
#include "svg.h"

/* if there are more intervals, two neighbors share a column */
#define MAX_COLUMNS 512

/* names in the headline; more volumes are not named */
#define MAX_NAMES 4

/* layout in pixels */
#define LEFT 70
#define TOP 60
#define WIDTH 1024
#define ROW 6
#define HEIGHT (NR_LATENCIES * ROW)
#define PANEL (HEIGHT + 70)

/* from few requests to many */
static const char *const colors[] = {
	"#e8f1fa", "#c6dbef", "#9ecae1", "#6baed6", "#4292c6", "#2171b5", "#08519c", "#08306b",
};

#define NR_COLORS (sizeof(colors) / sizeof(*colors))

/**
 * struct column - latencies of an interval
 * @end: end of the interval
 * @ops: counts of each operation, summed over volumes
 */
struct column {
	struct timespec end;
	struct counts ops[NR_OPS + 1];
};

/**
 * struct svg - a picture
 * @nr: number of elements in @columns
 * @merged: number of intervals in a column
 * @pending: number of intervals in the last column, if it is not complete
 * @columns: the columns, MAX_COLUMNS of them
 * @nr_names: number of volumes, MAX_NAMES + 1 if there are more than MAX_NAMES
 * @names: names of the first volumes
 */
struct svg {
	unsigned int nr;
	unsigned int merged;
	unsigned int pending;
	struct column *columns;
	unsigned int nr_names;
	char *names[MAX_NAMES];
};

/**
 * svg_new() - begin a picture
 *
 * Return: the picture, to be freed by svg_free(), or NULL after an error.
 */
struct svg *svg_new(void)
{
	struct svg *svg = calloc(1, sizeof(*svg));

	if (svg)
		svg->columns = calloc(MAX_COLUMNS, sizeof(*svg->columns));
	if (!svg || !svg->columns) {
		print_err("out of memory");
		free(svg);
		return NULL;
	}
	svg->merged = 1;
	return svg;
}

/**
 * svg_free() - free a picture
 * @svg: the picture, may be NULL
 */
void svg_free(struct svg *svg)
{
	unsigned int i;

	if (!svg)
		return;
	for (i = 0; i < MAX_NAMES; i++)
		free(svg->names[i]);
	free(svg->columns);
	free(svg);
}

static void add_counts(struct column *column, enum op op, const struct counts *c)
{
	/* the picture has no use for the joint histogram */
	struct counts plain = *c;

	plain.joint = NULL;
	counts_add(&column->ops[op], &plain);
}

/* Let each two columns share one. */
static void halve(struct svg *svg)
{
	unsigned int i;
	int op;

	for (i = 0; i < MAX_COLUMNS / 2; i++) {
		struct column *a = &svg->columns[2 * i], *b = a + 1;

		for (op = 0; op <= NR_OPS; op++)
			add_counts(a, op, &b->ops[op]);
		a->end = b->end;
		svg->columns[i] = *a;
	}
	memset(&svg->columns[MAX_COLUMNS / 2], 0, MAX_COLUMNS / 2 * sizeof(*svg->columns));
	svg->nr = MAX_COLUMNS / 2;
	svg->merged *= 2;
}

static bool add_row(const struct report_volume *v, enum op op, const struct counts *c, void *data)
{
	add_counts(data, op, c);
	return true;
}

static bool add_name(struct svg *svg, const char *name)
{
	unsigned int i;

	for (i = 0; i < svg->nr_names; i++)
		if (i == MAX_NAMES || !strcmp(svg->names[i], name))
			return true;
	if (i < MAX_NAMES) {
		svg->names[i] = strdup(name);
		if (!svg->names[i])
			return false;
	}
	svg->nr_names++;
	return true;
}

/**
 * svg_add() - add the report of an interval
 * @svg: the picture
 * @report: the report
 * @ops: bitmap of operations
 *
 * Return: false after an error.
 */
bool svg_add(struct svg *svg, const struct report *report, unsigned int ops)
{
	struct column *column;
	unsigned int i;

	if (!svg->pending) {
		if (svg->nr == MAX_COLUMNS)
			halve(svg);
		svg->nr++;
	}
	svg->pending = (svg->pending + 1) % svg->merged;
	column = &svg->columns[svg->nr - 1];
	column->end = report->time;
	for (i = 0; i < report->nr_volumes; i++)
		if (!add_name(svg, report->volumes[i].name))
			return false;
	return report_rows(report, ops, add_row, column);
}

static double column_width(const struct svg *svg)
{
	return (double)WIDTH / svg->nr;
}

/* Height of a latency above the bottom of a panel: two buckets an octave, from 512 ns on. */
static double height(__u64 ns)
{
	unsigned int i = 0;
	__u64 floor, end;

	while (latency_end(i) && ns >= latency_end(i))
		i++;
	floor = latency_floor(i);
	end = latency_end(i);
	return ROW * (i + (floor && end ? (double)(ns - floor) / (end - floor) : 0.5));
}

static void print_clock(FILE *f, const struct timespec *time)
{
	char text[16];
	struct tm tm;

	localtime_r(&time->tv_sec, &tm);
	strftime(text, sizeof(text), "%H:%M:%S", &tm);
	fputs(text, f);
}

static void print_cell(FILE *f, const struct svg *svg, enum op op, unsigned int i,
		       unsigned int row, __u64 largest, int bottom)
{
	__u64 n = svg->columns[i].ops[op].latencies[row];
	char from[NUMBER_LEN], to[NUMBER_LEN] = "no end";

	format_number(from, number(latency_floor(row), UNIT_NS), false);
	if (latency_end(row))
		format_number(to, number(latency_end(row), UNIT_NS), false);
	fprintf(f, "<rect x=\"%.2f\" y=\"%d\" width=\"%.2f\" height=\"%d\" fill=\"%s\"><title>",
		LEFT + i * column_width(svg), bottom - (int)(row + 1) * ROW, column_width(svg), ROW,
		colors[(unsigned int)lround(log_share(n, largest) * (NR_COLORS - 1))]);
	print_clock(f, &svg->columns[i].end);
	fprintf(f, ", %s to %s: %llu %s</title></rect>\n", from, to, n, op_names[op]);
}

static void print_percentile(FILE *f, const struct svg *svg, enum op op, unsigned int permille,
			     const char *color, int bottom)
{
	struct percentile p;
	bool pen_down = false;
	unsigned int i;

	fprintf(f, "<path fill=\"none\" stroke=\"%s\" stroke-width=\"1.5\" d=\"", color);
	for (i = 0; i < svg->nr; i++) {
		const struct counts *c = &svg->columns[i].ops[op];
		bool known = percentile(c->latencies, c->latency_ns, permille, &p);

		if (known)
			fprintf(f, "%c%.2f %.2f h%.2f ", pen_down ? 'L' : 'M',
				LEFT + i * column_width(svg), bottom - height(p.estimate),
				column_width(svg));
		pen_down = known;
	}
	fprintf(f, "\"/>\n");
}

static void print_axes(FILE *f, const struct svg *svg, int bottom)
{
	char text[NUMBER_LEN];
	time_t labelled = 0;
	unsigned int i;

	fprintf(f, "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" ", LEFT, bottom - HEIGHT,
		WIDTH, HEIGHT);
	fputs("fill=\"none\" stroke=\"#888\"/>\n", f);
	/* each third octave, so each label is about 8 times the one below */
	for (i = 1; i < NR_LATENCIES; i += 6)
		fprintf(f, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%s</text>\n", LEFT - 6,
			bottom - (int)i * ROW + 4,
			format_number(text, number(latency_floor(i), UNIT_NS), false));
	for (i = 0; i < svg->nr; i += (svg->nr + 7) / 8) {
		/* a label has whole seconds */
		if (svg->columns[i].end.tv_sec == labelled)
			continue;
		labelled = svg->columns[i].end.tv_sec;
		fprintf(f, "<text x=\"%.2f\" y=\"%d\">", LEFT + i * column_width(svg), bottom + 16);
		print_clock(f, &svg->columns[i].end);
		fputs("</text>\n", f);
	}
}

static void print_panel(FILE *f, const struct svg *svg, enum op op, const struct counts *sum,
			int top)
{
	int bottom = top + 24 + HEIGHT;
	__u64 largest = 0, max;
	unsigned int i, row;

	fprintf(f, "<text x=\"%d\" y=\"%d\" font-weight=\"bold\">", LEFT, top + 16);
	fprintf(f, "%s: %llu requests; ", op_names[op], sum_of(sum->latencies, NR_LATENCIES));
	fputs("lines: median and 99th percentile</text>\n", f);
	for (i = 0; i < svg->nr; i++) {
		max = max_of(svg->columns[i].ops[op].latencies, NR_LATENCIES);
		if (max > largest)
			largest = max;
	}
	for (i = 0; i < svg->nr; i++)
		for (row = 0; row < NR_LATENCIES; row++)
			if (svg->columns[i].ops[op].latencies[row])
				print_cell(f, svg, op, i, row, largest, bottom);
	print_percentile(f, svg, op, 500, "#ff9900", bottom);
	print_percentile(f, svg, op, 990, "#d62728", bottom);
	print_axes(f, svg, bottom);
}

static void print_headline(FILE *f, const struct svg *svg)
{
	unsigned int i;

	fprintf(f, "<text x=\"%d\" y=\"28\" font-size=\"18\">Latencies of ", LEFT);
	if (svg->nr_names > MAX_NAMES)
		fputs("more than 4 volumes", f);
	for (i = 0; i < svg->nr_names && svg->nr_names <= MAX_NAMES; i++) {
		fputs(i ? ", " : "", f);
		print_escaped(f, svg->names[i], ESCAPE_XML);
	}
	if (!svg->nr_names)
		fputs("no volume", f);
	fputs("</text>\n", f);
}

static void print_svg(FILE *f, const struct svg *svg)
{
	struct counts sums[NR_OPS + 1] = {};
	unsigned int i, nr = 0;
	int op, top = TOP;

	for (i = 0; i < svg->nr; i++)
		for (op = 0; op <= NR_OPS; op++)
			counts_add(&sums[op], &svg->columns[i].ops[op]);
	for (op = 0; op <= NR_OPS; op++)
		nr += sum_of(sums[op].latencies, NR_LATENCIES) > 0;
	fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n", f);
	fprintf(f, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" ",
		LEFT + WIDTH + 20, TOP + (nr ? (int)nr * PANEL : 30));
	fputs("font-family=\"sans-serif\" font-size=\"12\">\n", f);
	fputs("<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n", f);
	print_headline(f, svg);
	for (op = 0; op <= NR_OPS; op++) {
		if (!sum_of(sums[op].latencies, NR_LATENCIES))
			continue;
		print_panel(f, svg, op, &sums[op], top);
		top += PANEL;
	}
	if (!nr)
		fprintf(f, "<text x=\"%d\" y=\"%d\">%s</text>\n", LEFT, TOP,
			"No latencies: dmpctl latency on measures them.");
	fputs("</svg>\n", f);
}

/**
 * svg_write() - write a picture to a file
 * @svg: the picture
 * @path: path of the file, which is replaced at once when the picture is complete
 *
 * Return: false after an error. Then the file is as it was.
 */
bool svg_write(const struct svg *svg, const char *path)
{
	FILE *f = file_begin(path);

	if (!f)
		return false;
	print_svg(f, svg);
	return file_end(f, path);
}
