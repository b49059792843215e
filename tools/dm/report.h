/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reports: what volumes counted within an interval. All views of dmpstat show reports.
 */

#ifndef DM_REPORT_H
#define DM_REPORT_H

#include <time.h>

#include "counts.h"

/**
 * enum event - event of a volume within an interval
 * @EVENT_NONE: none
 * @EVENT_NEW: the volume began to count
 * @EVENT_RESET: the counts were reset, and are those since the reset
 * @NR_EVENTS: number of events
 */
enum event {
	EVENT_NONE,
	EVENT_NEW,
	EVENT_RESET,
	NR_EVENTS,
};

extern const char *const event_names[NR_EVENTS];

/**
 * struct report_volume - counts of a volume
 * @name: name of the mapped device
 * @uuid: its UUID, may be empty
 * @dev: name of the disk, dm-N
 * @diskseq: sequence number of the disk
 * @event: event within the interval
 * @ended: of a sum, true if the volume ended
 * @interval_ns: nanoseconds between the two readings of the volume, 0 if there was only one
 * @ops: counts of each operation, NULL for operations that counted nothing
 */
struct report_volume {
	char *name;
	char *uuid;
	char *dev;
	__u64 diskseq;
	enum event event;
	bool ended;
	__u64 interval_ns;
	struct counts *ops[NR_OPS];
};

/**
 * struct report - counts of volumes within an interval
 * @time: end of the interval
 * @interval_ns: length of the interval, 0 if the counts are those since the volumes began
 * @missed: number of intervals that ended before the report could be made
 * @idle: number of volumes that counted nothing and are left out
 * @nr_gone: number of elements in @gone
 * @gone: names of volumes that ended
 * @nr_ended: of a sum, number of volumes in @volumes that ended
 * @nr_volumes: number of elements in @volumes
 * @volumes: the volumes, sorted by name
 */
struct report {
	struct timespec time;
	__u64 interval_ns;
	__u64 missed;
	__u64 idle;
	unsigned int nr_gone;
	char **gone;
	unsigned int nr_ended;
	unsigned int nr_volumes;
	struct report_volume *volumes;
};

typedef bool row_fn(const struct report_volume *volume, enum op op,
		    const struct counts *counts, void *data);

/* These return true on success, and false after printing an error. */
bool report_add_gone(struct report *report, const char *name);
struct report_volume *report_add_volume(struct report *report, const char *name,
					const char *uuid, const char *dev);
bool report_add(struct report *sum, struct report *report);
bool report_rows(const struct report *report, unsigned int ops, row_fn *fn, void *data);

void report_truncate(struct report *report, unsigned int nr);
void report_sort(struct report *report);
void report_free(struct report *report);

#endif /* DM_REPORT_H */
