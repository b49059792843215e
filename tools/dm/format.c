// SPDX-License-Identifier: GPL-2.0-only
/*
 * Numbers and names as text.
 */

#include "format.h"

/**
 * struct scale - prefixes of a unit
 * @step: factor from one prefix to the next
 * @suffix: suffixes, from the unit itself on
 */
struct scale {
	unsigned int step;
	const char *suffix[7];
};

static const struct scale scales[] = {
	[UNIT_COUNT] = { 1000, { "", "k", "M", "G", "T", "P", "E" } },
	[UNIT_BYTES] = { 1024, { "", "k", "M", "G", "T", "P", "E" } },
	[UNIT_NS] = { 1000, { "ns", "us", "ms", "s" } },
	/* not "m", which is taken for mega or milli */
	[UNIT_MILLI] = { 1000, { NULL, "", "k", "M", "G", "T", "P" } },
};

/* Print a number with a prefix that leaves less than 1000, and so many significant digits. */
static const char *scale(char *text, struct number number, int digits, int suffix_len)
{
	const struct scale *s = &scales[number.unit];
	const char *open = number.open ? ">" : "";
	double n = number.n, limit = 10;
	int i = 0, decimals = 0, d;

	while (!s->suffix[i] || (n >= 999.5 && i < 6 && s->suffix[i + 1])) {
		n /= s->step;
		i++;
	}
	/* the number of decimals that leaves the significant digits after rounding */
	for (d = digits - 1; d > 0 && !decimals && i; d--, limit *= 10) {
		double half = 0.5, k;

		for (k = 0; k < d; k++)
			half /= 10;
		if (n < limit - half)
			decimals = d;
	}
	snprintf(text, NUMBER_LEN, "%s%.*f%.*s", open, decimals, n, suffix_len, s->suffix[i]);
	return text;
}

/**
 * format_number() - print a number
 * @text: buffer
 * @number: the number
 * @raw: true to print an integer in the base unit
 *
 * Return: @text. Three significant digits with a prefix, or "-" if the number is not known.
 */
const char *format_number(char text[NUMBER_LEN], struct number number, bool raw)
{
	if (number.unit == UNIT_NONE)
		snprintf(text, NUMBER_LEN, "-");
	else if (raw)
		snprintf(text, NUMBER_LEN, "%llu", number.n);
	else
		return scale(text, number, 3, 2);
	return text;
}

/**
 * format_short() - print a number for the edge of a chart
 * @text: buffer
 * @number: the number
 *
 * Return: @text. Two significant digits and one letter: 65u, 4.0k.
 */
const char *format_short(char text[NUMBER_LEN], struct number number)
{
	return scale(text, number, 2, 1);
}

/**
 * mangle() - write a name as printable ASCII
 * @to: buffer of four times the length of @from, plus 1
 * @from: the name
 *
 * libdevmapper mangles most other characters, but a program can pass any name to the kernel,
 * and a record may have any name.
 */
void mangle(char *to, const char *from)
{
	for (; *from; from++) {
		unsigned char c = *from;

		if (c < ' ' || c >= 127)
			to += sprintf(to, "\\x%02x", c);
		else
			*to++ = c;
	}
	*to = '\0';
}

/**
 * unmangle() - undo mangle(), and what libdevmapper does
 * @name: the name
 */
void unmangle(char *name)
{
	char *to = name;
	unsigned int c;
	int len;

	while (*name) {
		len = 0;
		if (sscanf(name, "\\x%2x%n", &c, &len) == 1 && len == 4) {
			*to++ = c;
			name += len;
		} else {
			*to++ = *name++;
		}
	}
	*to = '\0';
}

static const char *entity(char c, enum escape escape)
{
	static const struct {
		char c;
		const char *text[3];
	} entities[] = {
		{ '"', { "\\\"", "&quot;", "\\\"" } },
		{ '\\', { "\\\\", NULL, "\\\\" } },
		{ '<', { NULL, "&lt;", NULL } },
		{ '>', { NULL, "&gt;", NULL } },
		{ '&', { NULL, "&amp;", NULL } },
	};
	unsigned int i;

	for (i = 0; i < sizeof(entities) / sizeof(*entities); i++)
		if (entities[i].c == c)
			return entities[i].text[escape];
	return NULL;
}

/**
 * print_escaped() - print a name
 * @f: file
 * @name: the name, after mangle()
 * @escape: syntax around the name
 */
void print_escaped(FILE *f, const char *name, enum escape escape)
{
	const char *text;

	for (; *name; name++) {
		text = entity(*name, escape);
		if (text)
			fputs(text, f);
		else
			putc(*name, f);
	}
}

/**
 * print_time() - print a time as ISO 8601 in UTC with milliseconds
 * @f: file
 * @time: the time
 */
void print_time(FILE *f, const struct timespec *time)
{
	char text[32];
	struct tm tm;

	gmtime_r(&time->tv_sec, &tm);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	fprintf(f, "%s.%03ldZ", text, time->tv_nsec / 1000000);
}
