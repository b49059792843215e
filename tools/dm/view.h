/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Views of dmpstat: each writes a report to stdout.
 */

#ifndef DM_VIEW_H
#define DM_VIEW_H

#include "report.h"

/**
 * struct view_options - how to show reports
 * @ops: bitmap of operations
 * @raw: true for integers in base units
 * @plain: true for columns separated by tabs, without headings
 * @fields: columns of tables, NULL for those of the view
 * @keys: sort keys of tables, NULL for none
 * @selection: rows of tables to show, NULL for all
 * @top: number of rows of tables to show, 0 for all
 * @color: true for the colors of a terminal
 */
struct view_options {
	unsigned int ops;
	bool raw;
	bool plain;
	const char *fields;
	const char *keys;
	const char *selection;
	unsigned int top;
	bool color;
};

/* A view returns false after printing an error. */
typedef bool view_fn(const struct report *report, const struct view_options *options);

view_fn view_table;
view_fn view_latencies;
view_fn view_size_chart;
view_fn view_latency_chart;
view_fn view_joint_chart;

bool table_check(const struct view_options *options);
bool table_help(const struct view_options *options);

#endif /* DM_VIEW_H */
