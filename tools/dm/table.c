// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tables of dmpstat, by the reports of libdevmapper.
 */

#include <libdevmapper.h>
#include <limits.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "format.h"
#include "view.h"

/**
 * struct row - a volume and operation, as the columns of a table show it
 *
 * The members are named as the columns. libdevmapper ignores underscores in those names.
 */
struct row {
	const char *volume;
	const char *uuid;
	const char *dev;
	const char *op;
	const char *event;
	struct number interval;
	struct number reqs;
	struct number reqs_sec;
	struct number bytes;
	struct number bytes_sec;
	struct number avg_size;
	struct number errors;
	struct number queue;
	struct number timed;
	struct number avg;
	struct number p50;
	struct number p90;
	struct number p99;
	struct number p999;
	struct number max;
};

static struct number per_second(__u64 n, __u64 ns, enum unit unit)
{
	if (!ns)
		return number(0, UNIT_NONE);
	return number(n * 1e9 / ns + 0.5, unit);
}

static struct number average(__u64 n, __u64 nr, enum unit unit)
{
	return nr ? number(n / nr, unit) : number(0, UNIT_NONE);
}

static struct number at(const struct counts *c, unsigned int permille)
{
	struct percentile p;

	if (!c->timed || !percentile(c->latencies, c->latency_ns, permille, &p))
		return number(0, UNIT_NONE);
	return (struct number) {
		.n = p.end ? p.estimate : p.floor, .unit = UNIT_NS, .open = !p.end,
	};
}

static struct number largest(const struct counts *c)
{
	struct percentile p;

	if (!c->timed || !percentile(c->latencies, c->latency_ns, 1000, &p))
		return number(0, UNIT_NONE);
	return (struct number) { .n = p.end ?: p.floor, .unit = UNIT_NS, .open = !p.end };
}

static void fill_row(struct row *row, const struct report_volume *v, enum op op,
		     const struct counts *c)
{
	__u64 timed = c->timed ? sum_of(c->latencies, NR_LATENCIES) : 0;

	*row = (struct row) {
		.volume = v->name,
		.uuid = v->uuid,
		.dev = v->dev,
		.op = op_names[op],
		.event = event_names[v->event] ?: "",
		.interval = number(v->interval_ns, v->interval_ns ? UNIT_NS : UNIT_NONE),
		.reqs = number(c->reqs, UNIT_COUNT),
		.reqs_sec = per_second(c->reqs, v->interval_ns, UNIT_COUNT),
		.bytes = number(c->bytes, UNIT_BYTES),
		.bytes_sec = per_second(c->bytes, v->interval_ns, UNIT_BYTES),
		.avg_size = average(c->bytes, c->reqs, UNIT_BYTES),
		.errors = number(c->errors, UNIT_COUNT),
		.timed = number(timed, c->timed ? UNIT_COUNT : UNIT_NONE),
		.avg = average(c->latency_ns, timed, UNIT_NS),
		.p50 = at(c, 500),
		.p90 = at(c, 900),
		.p99 = at(c, 990),
		.p999 = at(c, 999),
		.max = largest(c),
	};
	/* Little's law, in thousandths */
	if (c->timed && v->interval_ns)
		row->queue = number(c->latency_ns * 1e3 / v->interval_ns + 0.5, UNIT_MILLI);
}

static int number_fn(struct dm_report *rh, struct dm_pool *mem, struct dm_report_field *field,
		     const void *data, void *private)
{
	const struct view_options *options = private;
	const struct number *n = data;
	char text[NUMBER_LEN], *value;
	uint64_t *sort;

	value = dm_pool_strdup(mem, format_number(text, *n, options->raw));
	sort = dm_pool_alloc(mem, sizeof(*sort));
	if (!value || !sort)
		return 0;
	*sort = n->n;
	dm_report_field_set_value(field, value, sort);
	return 1;
}

static int string_fn(struct dm_report *rh, struct dm_pool *mem, struct dm_report_field *field,
		     const void *data, void *private)
{
	return dm_report_field_string(rh, field, data);
}

#define ROW_TYPE 1

static void *row_of(void *object)
{
	return object;
}

static const struct dm_report_object_type types[] = {
	{ ROW_TYPE, "Volume and operation", "", row_of },
	{}
};

#define STRING(id, width, heading, desc)						\
	{ ROW_TYPE, DM_REPORT_FIELD_TYPE_STRING, offsetof(struct row, id), width, #id, heading,	\
	  string_fn, desc }
#define NUMBER(id, width, heading, desc)						\
	{ ROW_TYPE, DM_REPORT_FIELD_TYPE_NUMBER, offsetof(struct row, id), width, #id, heading,	\
	  number_fn, desc }

/* libdevmapper puts headings to the left, and numbers to the right: spaces bring them together */
static const struct dm_report_field_type fields[] = {
	STRING(volume, 6, "Volume", "Name of the mapped device."),
	STRING(uuid, 4, "UUID", "UUID of the mapped device."),
	STRING(dev, 4, "Dev", "Name of the disk."),
	STRING(op, 5, "Op", "Operation."),
	STRING(event, 5, "Event", "new or reset, if the counts began within the interval."),
	NUMBER(interval, 8, "Interval", "Length of the interval [ns]."),
	NUMBER(reqs, 5, " Reqs", "Requests."),
	NUMBER(reqs_sec, 5, "Req/s", "Requests per second."),
	NUMBER(bytes, 5, "Bytes", "Sum of the sizes of the requests [bytes]."),
	NUMBER(bytes_sec, 6, "Byte/s", "Bytes per second."),
	NUMBER(avg_size, 7, "AvgSize", "Average size [bytes]."),
	NUMBER(errors, 3, "Err", "Requests that failed."),
	NUMBER(queue, 5, "Queue", "Average number of requests in flight [1/1000]."),
	NUMBER(timed, 5, "Timed", "Completed requests with a measured latency."),
	NUMBER(avg, 6, "   Avg", "Average latency [ns]."),
	NUMBER(p50, 6, "   p50", "Median latency [ns]."),
	NUMBER(p90, 6, "   p90", "90th percentile of the latencies [ns]."),
	NUMBER(p99, 6, "   p99", "99th percentile of the latencies [ns]."),
	NUMBER(p999, 6, " p99.9", "99.9th percentile of the latencies [ns]."),
	NUMBER(max, 6, "  Max<", "Latency that no request reached [ns]."),
	{}
};

#define FIELDS_RATES "volume,op,reqs_sec,bytes_sec,avg_size,queue,avg,p50,p99,errors"
#define FIELDS_COUNTS "volume,op,reqs,bytes,avg_size,avg,p50,p99,errors"
#define FIELDS_LATENCIES "volume,op,timed,avg,p50,p90,p99,p999,max"

/* help lists the columns, as a warning; here it goes to stdout */
static bool help;

/* lines that libdevmapper may still print; a report has no limit of its own */
static unsigned int lines_left;

/* libdevmapper logs the lines of a report as warnings that do not go to stderr. */
static void table_log(int level, const char *file, int line, int dm_errno, const char *format, ...)
{
	bool is_line = (level & 7) == 4 && (help || !(level & 0x80));
	char *text = NULL;
	va_list ap;

	if ((level & 7) > 4 || (is_line && !lines_left))
		return;
	va_start(ap, format);
	if (vasprintf(&text, format, ap) >= 0 && is_line)
		puts(text);
	else if (text)
		print_err("%s", text);
	va_end(ap);
	free(text);
	if (is_line)
		lines_left--;
}

static bool add_row(const struct report_volume *v, enum op op, const struct counts *c, void *rh)
{
	struct row row;

	fill_row(&row, v, op, c);
	return dm_report_object(rh, &row);
}

/* -o +FIELDS adds to the columns of the view, as in lvs */
static char *choose_fields(const struct view_options *options, const char *of_view)
{
	char *text;

	if (!options->fields)
		return strdup(of_view);
	if (*options->fields != '+')
		return strdup(options->fields);
	return asprintf(&text, "%s,%s", of_view, options->fields + 1) < 0 ? NULL : text;
}

static struct dm_report *report_new(const struct view_options *options, const char *of_view)
{
	uint32_t flags = DM_REPORT_OUTPUT_BUFFERED, type = 0;
	const char *keys = options->keys ?: options->top ? "-reqs" : "";
	char *columns = choose_fields(options, of_view);
	struct dm_report *rh;

	if (!columns) {
		print_err("out of memory");
		return NULL;
	}
	if (!options->plain)
		flags |= DM_REPORT_OUTPUT_ALIGNED | DM_REPORT_OUTPUT_HEADINGS;
	dm_log_with_errno_init(table_log);
	rh = dm_report_init_with_selection(&type, types, fields, columns,
					   options->plain ? "\t" : " ", flags, keys,
					   options->selection, NULL, (void *)options);
	free(columns);
	return rh;
}

/* Each report is a new one: libdevmapper 1.02.185 crashes when it prints one again. */
static bool show(const struct report *report, const struct view_options *options,
		 const char *of_view)
{
	struct dm_report *rh;
	bool ok;

	/* libdevmapper prints nothing then, for 60,000 instructions */
	if (!report->nr_volumes)
		return true;
	lines_left = options->top ? options->top + !options->plain : UINT_MAX;
	rh = report_new(options, of_view);
	if (!rh)
		return false;
	ok = report_rows(report, options->ops, add_row, rh) && dm_report_output(rh);
	dm_report_free(rh);
	return ok;
}

/**
 * view_table() - show rates, or counts if there is no interval
 * @report: the report
 * @options: how to show it
 *
 * Return: false after an error.
 */
bool view_table(const struct report *report, const struct view_options *options)
{
	return show(report, options, report->interval_ns ? FIELDS_RATES : FIELDS_COUNTS);
}

/**
 * view_latencies() - show percentiles of latencies
 * @report: the report
 * @options: how to show it
 *
 * Return: false after an error.
 */
bool view_latencies(const struct report *report, const struct view_options *options)
{
	return show(report, options, FIELDS_LATENCIES);
}

/**
 * table_check() - check columns, sort keys and selection
 * @options: the options
 *
 * Return: false after printing an error.
 */
bool table_check(const struct view_options *options)
{
	struct dm_report *rh = report_new(options, FIELDS_RATES);

	if (rh)
		dm_report_free(rh);
	return rh;
}

/* Whether "help" or "?" is among columns. */
static bool lists_help(const char *columns)
{
	return columns && (strstr(columns, "help") || strchr(columns, '?'));
}

/**
 * table_help() - list the columns, if the options ask for it
 * @options: the options
 *
 * Return: true if they do.
 */
bool table_help(const struct view_options *options)
{
	const char *query = options->selection;

	help = lists_help(options->fields) || lists_help(options->keys) ||
	       (query && (!strcasecmp(query, "help") || !strcmp(query, "?")));
	lines_left = UINT_MAX;
	return help && table_check(options);
}
