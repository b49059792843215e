// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reports as JSON, one object a line.
 */

#include <json.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "format.h"
#include "record.h"

#define SCHEMA "dmpstat/1"

static const struct {
	const char *name;
	unsigned int permille;
} percentiles[] = {
	{ "p50_ns", 500 }, { "p90_ns", 900 }, { "p99_ns", 990 }, { "p999_ns", 999 },
};

static void print_string(FILE *f, const char *text)
{
	putc('"', f);
	print_escaped(f, text, ESCAPE_JSON);
	putc('"', f);
}

static void print_interval(FILE *f, __u64 ns)
{
	if (ns)
		fprintf(f, ",\"interval_ns\":%llu", ns);
	else
		fputs(",\"interval_ns\":null", f);
}

static void print_histogram(FILE *f, const char *name, enum op op, const __u64 *n,
			    unsigned int nr, __u64 (*floor)(enum op op, unsigned int bucket))
{
	const char *comma = "";
	unsigned int i;

	fprintf(f, ",\"%s\":[", name);
	for (i = 0; i < nr; i++) {
		if (!n[i])
			continue;
		fprintf(f, "%s[%llu,%llu]", comma, floor(op, i), n[i]);
		comma = ",";
	}
	putc(']', f);
}

static void print_percentiles(FILE *f, const struct counts *c)
{
	struct percentile p;
	unsigned int i;

	for (i = 0; i < sizeof(percentiles) / sizeof(*percentiles); i++) {
		if (!percentile(c->latencies, c->latency_ns, percentiles[i].permille, &p))
			return;
		fprintf(f, ",\"%s\":[%llu,", percentiles[i].name, p.floor);
		if (p.end)
			fprintf(f, "%llu", p.end);
		else
			fputs("null", f);
		fprintf(f, ",%llu]", p.estimate);
	}
}

static void print_joint(FILE *f, enum op op, const struct counts *c)
{
	const char *comma = "";
	unsigned int i, j;

	fputs(",\"joint\":[", f);
	for (i = 0; i < NR_SIZES; i++) {
		for (j = 0; j < NR_LATENCIES; j++) {
			if (!c->joint[i][j])
				continue;
			fprintf(f, "%s[%llu,%llu,%llu]", comma,
				size_floor(op, i), latency_floor(j), c->joint[i][j]);
			comma = ",";
		}
	}
	putc(']', f);
}

static void print_counts(FILE *f, enum op op, const struct counts *c, bool joint)
{
	fprintf(f, "{\"reqs\":%llu,\"bytes\":%llu,\"errors\":%llu", c->reqs,
		c->bytes, c->errors);
	print_histogram(f, "size_hist", op, c->sizes, NR_SIZES, size_floor);
	/* a request may end after the feature latency was switched off */
	if (c->timed || c->latency_ns)
		fprintf(f, ",\"latency_ns\":%llu", c->latency_ns);
	if (c->timed) {
		print_histogram(f, "latency_hist", op, c->latencies, NR_LATENCIES,
				latency_floor_of);
		print_percentiles(f, c);
	}
	if (joint && c->joint)
		print_joint(f, op, c);
	putc('}', f);
}

/**
 * struct printer - state of printing an object
 * @f: file
 * @ops: bitmap of operations
 * @joint: true to print joint histograms
 * @comma: comma, but for the first operation of a volume
 */
struct printer {
	FILE *f;
	unsigned int ops;
	bool joint;
	const char *comma;
};

static bool print_op(const struct report_volume *v, enum op op, const struct counts *c, void *data)
{
	struct printer *p = data;

	fprintf(p->f, "%s\"%s\":", p->comma, op_names[op]);
	print_counts(p->f, op, c, p->joint);
	p->comma = ",";
	return true;
}

static void print_volume(struct printer *p, const struct report_volume *v)
{
	const struct report report = { .nr_volumes = 1, .volumes = (struct report_volume *)v };
	FILE *f = p->f;

	fputs("{\"name\":", f);
	print_string(f, v->name);
	fputs(",\"uuid\":", f);
	print_string(f, v->uuid);
	fputs(",\"dev\":", f);
	print_string(f, v->dev);
	fprintf(f, ",\"diskseq\":%llu,\"event\":", v->diskseq);
	if (v->event)
		print_string(f, event_names[v->event]);
	else
		fputs("null", f);
	print_interval(f, v->interval_ns);
	fputs(",\"ops\":{", f);
	p->comma = "";
	report_rows(&report, p->ops, print_op, p);
	fputs("}}", f);
}

/**
 * record_print() - print a report as a line of JSON
 * @f: file
 * @report: the report
 * @ops: bitmap of operations
 * @joint: true to print joint histograms, too
 */
void record_print(FILE *f, const struct report *report, unsigned int ops, bool joint)
{
	struct printer p = { .f = f, .ops = ops, .joint = joint };
	unsigned int i;

	fputs("{\"schema\":\"" SCHEMA "\",\"time\":\"", f);
	print_time(f, &report->time);
	putc('"', f);
	print_interval(f, report->interval_ns);
	fprintf(f, ",\"missed\":%llu,\"idle\":%llu,\"gone\":[", report->missed,
		report->idle);
	for (i = 0; i < report->nr_gone; i++) {
		fputs(i ? "," : "", f);
		print_string(f, report->gone[i]);
	}
	fputs("],\"volumes\":[", f);
	for (i = 0; i < report->nr_volumes; i++) {
		fputs(i ? "," : "", f);
		print_volume(&p, &report->volumes[i]);
	}
	fputs("]}\n", f);
}

/* Get a member that is a number that is not negative. */
static bool get_number(json_object *object, const char *name, __u64 *n)
{
	json_object *value;

	if (!json_object_object_get_ex(object, name, &value) ||
	    !json_object_is_type(value, json_type_int) || json_object_get_int64(value) < 0)
		return false;
	*n = json_object_get_uint64(value);
	return true;
}

/* A length that is null is 0: there is no interval. */
static bool get_interval(json_object *object, __u64 *ns)
{
	json_object *value;

	*ns = 0;
	return (json_object_object_get_ex(object, "interval_ns", &value) && !value) ||
	       get_number(object, "interval_ns", ns);
}

static const char *get_string(json_object *object, const char *name)
{
	json_object *value;

	if (!json_object_object_get_ex(object, name, &value) ||
	    !json_object_is_type(value, json_type_string))
		return NULL;
	return json_object_get_string(value);
}

static bool get_array(json_object *object, const char *name, json_object **array)
{
	return json_object_object_get_ex(object, name, array) &&
	       json_object_is_type(*array, json_type_array);
}

/* Get element @i of an array of integers. */
static bool get_element(json_object *array, size_t i, __u64 *n)
{
	json_object *value = json_object_array_get_idx(array, i);

	*n = value ? json_object_get_uint64(value) : 0;
	return json_object_is_type(value, json_type_int) && json_object_get_int64(value) >= 0;
}

static bool is_tuple(json_object *tuple, size_t nr)
{
	return json_object_is_type(tuple, json_type_array) && json_object_array_length(tuple) == nr;
}

static bool parse_histogram(json_object *array, __u64 *n, int (*bucket)(__u64 floor))
{
	__u64 floor, count;
	size_t i;
	int b;

	for (i = 0; i < json_object_array_length(array); i++) {
		json_object *pair = json_object_array_get_idx(array, i);

		if (!is_tuple(pair, 2) || !get_element(pair, 0, &floor) ||
		    !get_element(pair, 1, &count))
			return false;
		b = bucket(floor);
		if (b < 0)
			return false;
		n[b] = count;
	}
	return true;
}

static bool parse_cells(json_object *array, struct counts *c)
{
	__u64 size, latency, n;
	int row, column;
	size_t i;

	if (!counts_add_joint(c))
		return false;
	for (i = 0; i < json_object_array_length(array); i++) {
		json_object *cell = json_object_array_get_idx(array, i);

		if (!is_tuple(cell, 3) || !get_element(cell, 0, &size) ||
		    !get_element(cell, 1, &latency) || !get_element(cell, 2, &n))
			return false;
		row = size_bucket(size);
		column = latency_bucket(latency);
		if (row < 0 || column < 0)
			return false;
		c->joint[row][column] = n;
	}
	return true;
}

static bool parse_counts(json_object *object, struct counts *c)
{
	json_object *array;

	if (!get_number(object, "reqs", &c->reqs) || !get_number(object, "bytes", &c->bytes) ||
	    !get_number(object, "errors", &c->errors) || !get_array(object, "size_hist", &array) ||
	    !parse_histogram(array, c->sizes, size_bucket))
		return false;
	if (json_object_object_get_ex(object, "latency_ns", NULL) &&
	    !get_number(object, "latency_ns", &c->latency_ns))
		return false;
	c->timed = json_object_object_get_ex(object, "latency_hist", NULL);
	if (c->timed && !(get_array(object, "latency_hist", &array) &&
			  parse_histogram(array, c->latencies, latency_bucket)))
		return false;
	if (!json_object_object_get_ex(object, "joint", NULL))
		return true;
	return get_array(object, "joint", &array) && parse_cells(array, c);
}

static bool parse_ops(json_object *volume, struct report_volume *v)
{
	json_object *ops, *counts;
	int op;

	if (!json_object_object_get_ex(volume, "ops", &ops) ||
	    !json_object_is_type(ops, json_type_object))
		return false;
	/* the total is the sum of others */
	for (op = 0; op < NR_OPS; op++) {
		if (!json_object_object_get_ex(ops, op_names[op], &counts))
			continue;
		v->ops[op] = counts_new();
		if (!v->ops[op] || !parse_counts(counts, v->ops[op]))
			return false;
	}
	return true;
}

static bool parse_volume(json_object *object, struct report *report)
{
	const char *name = get_string(object, "name"), *uuid = get_string(object, "uuid");
	const char *dev = get_string(object, "dev"), *event = get_string(object, "event");
	struct report_volume *v;
	int i;

	if (!name || !uuid || !dev)
		return false;
	v = report_add_volume(report, name, uuid, dev);
	if (!v)
		return false;
	for (i = EVENT_NEW; i < NR_EVENTS; i++)
		if (event && !strcmp(event, event_names[i]))
			v->event = i;
	return get_number(object, "diskseq", &v->diskseq) &&
	       get_interval(object, &v->interval_ns) && parse_ops(object, v);
}

static bool parse_time(const char *text, struct timespec *time)
{
	struct tm tm = {};
	const char *end = text ? strptime(text, "%Y-%m-%dT%H:%M:%S", &tm) : NULL;
	unsigned int ms;
	int len = 0;

	if (!end || sscanf(end, ".%3uZ%n", &ms, &len) != 1 || len != 5 || end[len])
		return false;
	time->tv_sec = timegm(&tm);
	time->tv_nsec = ms * 1000000;
	return true;
}

static bool parse_gone(json_object *array, struct report *report)
{
	size_t i;

	for (i = 0; i < json_object_array_length(array); i++) {
		json_object *name = json_object_array_get_idx(array, i);

		if (!json_object_is_type(name, json_type_string) ||
		    !report_add_gone(report, json_object_get_string(name)))
			return false;
	}
	return true;
}

static bool parse_report(json_object *top, struct report *report)
{
	const char *schema = get_string(top, "schema");
	json_object *array;
	size_t i;

	if (!schema || strcmp(schema, SCHEMA) ||
	    !parse_time(get_string(top, "time"), &report->time) ||
	    !get_interval(top, &report->interval_ns) || !get_number(top, "idle", &report->idle) ||
	    !get_array(top, "gone", &array) || !parse_gone(array, report) ||
	    !get_array(top, "volumes", &array))
		return false;
	get_number(top, "missed", &report->missed);
	for (i = 0; i < json_object_array_length(array); i++)
		if (!parse_volume(json_object_array_get_idx(array, i), report))
			return false;
	return true;
}

/**
 * record_parse() - parse a line that record_print() printed
 * @line: the line
 * @report: set to the report, to be freed by report_free()
 *
 * Return: false if the line is something else.
 */
bool record_parse(const char *line, struct report *report)
{
	json_object *top = json_tokener_parse(line);
	bool ok;

	*report = (struct report) {};
	ok = parse_report(top, report);
	json_object_put(top);
	if (!ok)
		report_free(report);
	return ok;
}
