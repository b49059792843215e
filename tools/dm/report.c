// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reports: what volumes counted within an interval. All views of dmpstat show reports.
 */

#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "format.h"
#include "report.h"

const char *const event_names[NR_EVENTS] = {
	[EVENT_NEW] = "new",
	[EVENT_RESET] = "reset",
};

/* Make room for another element: the arrays have a power of two elements. */
static void *grow(void *array, unsigned int nr, size_t size)
{
	if (nr & (nr - 1))
		return array;
	array = reallocarray(array, nr ? 2 * nr : 1, size);
	if (!array)
		print_err("out of memory");
	return array;
}

/* Views print names to a terminal as they are, so a copy has printable ASCII only. */
static char *copy_name(const char *name)
{
	char *copy = malloc(4 * strlen(name) + 1);

	if (copy)
		mangle(copy, name);
	else
		print_err("out of memory");
	return copy;
}

/**
 * report_add_gone() - add the name of a volume that ended
 * @report: the report
 * @name: name of the volume, copied
 *
 * Return: false after an error.
 */
bool report_add_gone(struct report *report, const char *name)
{
	char **gone = grow(report->gone, report->nr_gone, sizeof(*gone));

	if (!gone)
		return false;
	report->gone = gone;
	gone[report->nr_gone] = copy_name(name);
	return gone[report->nr_gone++];
}

/**
 * report_add_volume() - add a volume
 * @report: the report
 * @name: name of the volume, copied
 * @uuid: its UUID, copied
 * @dev: name of its disk, copied
 *
 * Return: the volume, without counts, or NULL after an error.
 */
struct report_volume *report_add_volume(struct report *report, const char *name,
					const char *uuid, const char *dev)
{
	struct report_volume *v = grow(report->volumes, report->nr_volumes, sizeof(*v));

	if (!v)
		return NULL;
	report->volumes = v;
	v += report->nr_volumes++;
	*v = (struct report_volume) {
		.name = copy_name(name), .uuid = copy_name(uuid), .dev = copy_name(dev),
	};
	return v->name && v->uuid && v->dev ? v : NULL;
}

/* Reports list volumes in nearly the same order, so begin the search after the last match. */
static struct report_volume *find(struct report *report, const struct report_volume *v,
				  unsigned int *next)
{
	unsigned int n, i;

	for (n = 0; n < report->nr_volumes; n++) {
		i = (*next + n) % report->nr_volumes;
		/* sequence numbers begin anew when the host boots */
		if (report->volumes[i].diskseq == v->diskseq &&
		    !strcmp(report->volumes[i].uuid, v->uuid)) {
			*next = i + 1;
			return &report->volumes[i];
		}
	}
	return NULL;
}

static void end_volume(struct report *sum, const char *name)
{
	unsigned int i;

	for (i = 0; i < sum->nr_volumes; i++) {
		struct report_volume *v = &sum->volumes[i];

		if (!v->ended && !strcmp(v->name, name)) {
			v->ended = true;
			sum->nr_ended++;
			return;
		}
	}
}

static bool add_volume(struct report_volume *sum, struct report_volume *v)
{
	bool ok = true;
	int op;

	/* a rename keeps the history */
	free(sum->name);
	sum->name = v->name;
	v->name = NULL;
	if (v->event > sum->event)
		sum->event = v->event;
	for (op = 0; op < NR_OPS; op++) {
		if (!sum->ops[op]) {
			sum->ops[op] = v->ops[op];
			v->ops[op] = NULL;
		} else if (v->ops[op]) {
			ok &= counts_add(sum->ops[op], v->ops[op]);
		}
	}
	return ok;
}

/**
 * report_add() - add the report of the next interval
 * @sum: report of the intervals before
 * @report: report of the next interval, not valid afterwards, but to be freed
 *
 * Return: false after an error.
 */
bool report_add(struct report *sum, struct report *report)
{
	unsigned int i, idle, next = 0;

	/* before the volumes: a new volume may have the name of a volume that ended */
	for (i = 0; i < report->nr_gone; i++) {
		end_volume(sum, report->gone[i]);
		if (!report_add_gone(sum, report->gone[i]))
			return false;
	}
	/* a volume that is not in the report counted nothing meanwhile */
	for (i = 0; i < sum->nr_volumes; i++)
		sum->volumes[i].interval_ns += report->interval_ns;
	for (i = 0; i < report->nr_volumes; i++) {
		struct report_volume *v = &report->volumes[i];
		struct report_volume *known = find(sum, v, &next);

		if (!known) {
			known = report_add_volume(sum, v->name, v->uuid, v->dev);
			if (!known)
				return false;
			known->diskseq = v->diskseq;
			known->interval_ns = sum->interval_ns + report->interval_ns;
		}
		known->interval_ns += v->interval_ns - report->interval_ns;
		if (!add_volume(known, v))
			return false;
	}
	sum->time = report->time;
	sum->interval_ns += report->interval_ns;
	sum->missed += report->missed;
	/* volumes that are idle in the last report only are in the sum */
	idle = sum->nr_volumes - report->nr_volumes - sum->nr_ended;
	sum->idle = idle < report->idle ? report->idle - idle : 0;
	return true;
}

static bool total_row(const struct report_volume *v, row_fn *fn, void *data)
{
	struct counts total = {};
	bool ok = true;
	int op;

	for (op = OP_READ; op <= OP_WRITE; op++)
		if (v->ops[op])
			ok &= counts_add(&total, v->ops[op]);
	if (ok && (v->ops[OP_READ] || v->ops[OP_WRITE]))
		ok = fn(v, OP_TOTAL, &total, data);
	free(total.joint);
	return ok;
}

/**
 * report_rows() - call a function for each volume and operation in a report
 * @report: the report
 * @ops: bitmap of operations, which may include OP_TOTAL
 * @fn: the function; it returns false after an error, which ends the loop
 * @data: passed to @fn
 *
 * Return: false after an error.
 */
bool report_rows(const struct report *report, unsigned int ops, row_fn *fn, void *data)
{
	unsigned int i;
	int op;

	for (i = 0; i < report->nr_volumes; i++) {
		const struct report_volume *v = &report->volumes[i];

		for (op = 0; op < NR_OPS; op++)
			if (v->ops[op] && (ops & 1 << op) && !fn(v, op, v->ops[op], data))
				return false;
		if ((ops & 1 << OP_TOTAL) && !total_row(v, fn, data))
			return false;
	}
	return true;
}

static int compare(const void *a, const void *b)
{
	const struct report_volume *v = a, *w = b;

	return strcmp(v->name, w->name);
}

/**
 * report_sort() - sort the volumes of a report by name
 * @report: the report
 */
void report_sort(struct report *report)
{
	if (report->nr_volumes)
		qsort(report->volumes, report->nr_volumes, sizeof(*report->volumes), compare);
}

/**
 * report_truncate() - remove the last volumes of a report
 * @report: the report
 * @nr: number of volumes that stay
 */
void report_truncate(struct report *report, unsigned int nr)
{
	while (report->nr_volumes > nr) {
		struct report_volume *v = &report->volumes[--report->nr_volumes];

		free(v->name);
		free(v->uuid);
		free(v->dev);
		counts_free_ops(v->ops);
	}
}

/**
 * report_free() - free a report
 * @report: the report, empty afterwards
 */
void report_free(struct report *report)
{
	unsigned int i;

	report_truncate(report, 0);
	free(report->volumes);
	for (i = 0; i < report->nr_gone; i++)
		free(report->gone[i]);
	free(report->gone);
	*report = (struct report) {};
}
