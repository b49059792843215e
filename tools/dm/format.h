/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Numbers and names as text.
 */

#ifndef DM_FORMAT_H
#define DM_FORMAT_H

#include <stdbool.h>
#include <linux/types.h>
#include <stdio.h>
#include <time.h>

/**
 * enum unit - unit of a number
 * @UNIT_NONE: the number is not known
 * @UNIT_COUNT: requests
 * @UNIT_BYTES: bytes
 * @UNIT_NS: nanoseconds
 * @UNIT_MILLI: thousandths of a request
 */
enum unit {
	UNIT_NONE,
	UNIT_COUNT,
	UNIT_BYTES,
	UNIT_NS,
	UNIT_MILLI,
};

/**
 * struct number - a number and its unit
 * @n: the number, 0 if it is not known
 * @unit: the unit
 * @open: true if the number is the floor of a bucket without end
 */
struct number {
	__u64 n;
	enum unit unit;
	bool open;
};

static inline struct number number(__u64 n, enum unit unit)
{
	return (struct number) { .n = n, .unit = unit };
}

#define NUMBER_LEN 24

const char *format_number(char text[NUMBER_LEN], struct number number, bool raw);
const char *format_short(char text[NUMBER_LEN], struct number number);

/**
 * enum escape - syntax in which a name is written
 * @ESCAPE_JSON: string of JSON, without the quotes
 * @ESCAPE_XML: text or attribute of XML
 * @ESCAPE_LABEL: value of a Prometheus label, without the quotes
 */
enum escape {
	ESCAPE_JSON,
	ESCAPE_XML,
	ESCAPE_LABEL,
};

void mangle(char *to, const char *from);
void unmangle(char *name);
void print_escaped(FILE *f, const char *name, enum escape escape);
void print_time(FILE *f, const struct timespec *time);

#endif /* DM_FORMAT_H */
