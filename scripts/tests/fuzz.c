// SPDX-License-Identifier: GPL-2.0-only
/*
 * usage: fuzz COUNT SEED FILE
 *
 * Pass COUNT damaged inputs to the parsers of dmpstat: lines of the record FILE, texts of sysfs
 * and of the message histogram. A report that is taken is printed, parsed again and printed
 * again, and both prints must be the same. Built with sanitizers, which find the rest.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "record.h"
#include "sysfs.h"

static const char *const texts[] = {
	"3 7 151552 0 0 1 4096 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n",
	"0 0 0 5 0 0 0 2 0 0 0 0\n",
	"0 0 18446744073709551615 1 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n",
	"read 4096 536870912 18\nread 65536 1073741824 2\nflush 0 0 7\n",
};

/* Damage a text: change, remove, repeat or insert some bytes. */
static void damage(char *text, size_t size)
{
	static const char bytes[] = "0123456789-+.eE{}[],:\"\\ \n\x80\xff" "null";
	int times = 1 + random() % 4;

	while (times--) {
		size_t len = strlen(text), at = len ? random() % len : 0;
		size_t part = 1 + random() % 16;

		switch (random() % 4) {
		case 0:
			text[at] = bytes[random() % (sizeof(bytes) - 1)];
			break;
		case 1:
			part = part < len - at ? part : len - at;
			memmove(text + at, text + at + part, len - at - part + 1);
			break;
		case 2:
			if (len + part >= size || at + part > len)
				break;
			memmove(text + at + part, text + at, len - at + 1);
			break;
		case 3:
			text[at] = random() % 256;
			break;
		}
	}
}

static char *print(const struct report *report)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	record_print(f, report, ALL_OPS, true);
	fclose(f);
	return text;
}

/* Return 1 if the report was taken, 0 if not. Exits if it was not read as it was written. */
static int try_report(const char *line)
{
	struct report report, again;
	char *first, *second;

	if (!record_parse(line, &report))
		return 0;
	first = print(&report);
	report_free(&report);
	if (!record_parse(first, &again)) {
		printf("not taken again: %s", first);
		exit(1);
	}
	second = print(&again);
	report_free(&again);
	if (strcmp(first, second)) {
		printf("read:  %swrote: %s", first, second);
		exit(1);
	}
	free(first);
	free(second);
	return 1;
}

static int try_text(const char *text)
{
	__u64 n[NR_LATENCIES];
	struct counts *ops[NR_OPS] = { counts_new() };
	char name[4 * SYSFS_TEXT_LEN];
	int taken;

	counts_add_joint(ops[OP_READ]);
	mangle(name, text);
	taken = parse_numbers(text, n, 25) + parse_numbers(text, n, 12) +
		parse_numbers(text, n, 52) + parse_joint(text, ops);
	counts_free(ops[OP_READ]);
	return taken > 0;
}

int main(int argc, char **argv)
{
	static char lines[8][65536], text[65536];
	unsigned long i, count, taken = 0;
	int nr = 0;
	FILE *f;

	f = argc == 4 ? fopen(argv[3], "r") : NULL;
	if (!f)
		return 2;
	while (nr < 8 && fgets(lines[nr], sizeof(*lines), f))
		nr++;
	fclose(f);
	count = strtoul(argv[1], NULL, 10);
	srandom(strtoul(argv[2], NULL, 10));
	for (i = 0; i < count; i++) {
		if (i % 2) {
			strcpy(text, lines[random() % nr]);
			damage(text, sizeof(text));
			taken += try_report(text);
		} else {
			strcpy(text, texts[random() % 4]);
			damage(text, SYSFS_TEXT_LEN);
			taken += try_text(text);
		}
	}
	printf("%lu inputs, %lu taken\n", count, taken);
	return taken < count / 100 || taken == count;
}
