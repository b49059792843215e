// SPDX-License-Identifier: GPL-2.0-only
/*
 * Texts of the device-mapper target dmp: files in /sys/block/dm-N/dmp, and the reply to the
 * message histogram.
 */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "format.h"
#include "sysfs.h"

/**
 * sysfs_open() - open the directory of the disks
 *
 * Return: descriptor, or -1.
 */
int sysfs_open(void)
{
	return open("/sys/block", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/**
 * sysfs_read_fd() - read a file from its start
 * @fd: descriptor of the file
 * @text: set to the text
 *
 * Return: 0 or a negative errno: -ENODEV after the kernel removed the file.
 */
int sysfs_read_fd(int fd, char text[SYSFS_TEXT_LEN])
{
	ssize_t len = pread(fd, text, SYSFS_TEXT_LEN - 1, 0);

	if (len < 0)
		return -errno;
	text[len] = '\0';
	return 0;
}

/**
 * sysfs_read() - open and read a file
 * @dir: descriptor that @path is relative to
 * @path: path of the file
 * @text: set to the text
 *
 * Return: 0 or a negative errno.
 */
int sysfs_read(int dir, const char *path, char text[SYSFS_TEXT_LEN])
{
	int fd = openat(dir, path, O_RDONLY | O_CLOEXEC);
	int r;

	if (fd < 0)
		return -errno;
	r = sysfs_read_fd(fd, text);
	close(fd);
	return r;
}

/**
 * sysfs_read_number() - read a file of one number
 * @dir: descriptor that @path is relative to
 * @path: path of the file
 * @n: set to the number
 *
 * Return: 0 or a negative errno.
 */
int sysfs_read_number(int dir, const char *path, __u64 *n)
{
	char text[SYSFS_TEXT_LEN];
	int r = sysfs_read(dir, path, text);

	if (!r && !parse_numbers(text, n, 1))
		r = -EBADMSG;
	return r;
}

/**
 * sysfs_read_name() - read a file with a name
 * @dir: descriptor that @path is relative to
 * @path: path of the file
 * @name: set to the name
 *
 * Return: 0 or a negative errno.
 */
int sysfs_read_name(int dir, const char *path, char name[SYSFS_TEXT_LEN])
{
	char text[SYSFS_TEXT_LEN];
	int r = sysfs_read(dir, path, text);
	size_t len;

	if (r)
		return r;
	len = strlen(text);
	if (len && text[len - 1] == '\n')
		text[--len] = '\0';
	if (4 * len >= SYSFS_TEXT_LEN)
		return -ENAMETOOLONG;
	mangle(name, text);
	return 0;
}

/* Not by strtoull(), which took two thirds of the instructions of dmpstat itself. */
static const char *parse_number(const char *text, __u64 *n)
{
	const char *start = text;

	for (*n = 0; *text >= '0' && *text <= '9'; text++)
		if (__builtin_mul_overflow(*n, 10, n) ||
		    __builtin_add_overflow(*n, *text - '0', n))
			return NULL;
	return text > start ? text : NULL;
}

/**
 * parse_numbers() - parse numbers separated by spaces
 * @text: the text
 * @n: set to the numbers
 * @nr: how many; a newer kernel may append more
 *
 * Return: false if the text is something else.
 */
bool parse_numbers(const char *text, __u64 *n, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++) {
		while (*text == ' ')
			text++;
		text = parse_number(text, &n[i]);
		/* strchr() finds the end of the text, too */
		if (!text || !strchr("\n ", *text))
			return false;
	}
	return true;
}

/**
 * stat_counts() - get the counts of an operation from the file stat
 * @stat: numbers of the file
 * @op: the operation
 * @counts: set to requests, bytes, errors and latency; the rest stays
 */
void stat_counts(const __u64 stat[STAT_FIELDS], enum op op, struct counts *counts)
{
	const __u64 *n = stat + 1 + op * STAT_OP_FIELDS;

	counts->reqs = n[0];
	counts->bytes = n[1];
	counts->errors = n[2];
	counts->latency_ns = n[3];
}

/**
 * sysfs_read_counts() - read the histograms of an operation
 * @dir: descriptor of the directory of the disks
 * @disk: name of the volume's disk
 * @op: the operation
 * @counts: set to the histograms; the rest stays
 *
 * Return: 0 or a negative errno. Files of latencies that do not exist are no error.
 */
int sysfs_read_counts(int dir, const char *disk, enum op op, struct counts *counts)
{
	char path[PATH_MAX], text[SYSFS_TEXT_LEN];
	int r;

	snprintf(path, sizeof(path), "%s/dmp/%s/size_hist", disk, op_names[op]);
	r = sysfs_read(dir, path, text);
	if (r)
		return r;
	if (!parse_numbers(text, counts->sizes, NR_SIZES))
		return -EBADMSG;

	snprintf(path, sizeof(path), "%s/dmp/%s/latency_hist", disk, op_names[op]);
	r = sysfs_read(dir, path, text);
	/* read as well as opened while a reload removed the file */
	counts->timed = r != -ENOENT && r != -ENODEV;
	if (!counts->timed)
		return 0;
	if (r)
		return r;
	return parse_numbers(text, counts->latencies, NR_LATENCIES) ? 0 : -EBADMSG;
}

/**
 * sysfs_has_latencies() - tell whether a volume measures latencies
 * @dir: descriptor of the directory of the disks
 * @disk: name of the volume's disk
 *
 * Return: true if the files of latencies exist.
 */
bool sysfs_has_latencies(int dir, const char *disk)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/dmp/%s/latency_hist", disk, op_names[OP_READ]);
	return !faccessat(dir, path, F_OK, 0);
}

static bool parse_cell(const char *line, struct counts *ops[NR_OPS])
{
	unsigned long long size, latency, n;
	int op, row, column;
	char name[16];
	int end = 0;

	if (sscanf(line, "%15s %llu %llu %llu%n", name, &size, &latency, &n, &end) != 4 ||
	    line[end])
		return false;
	op = op_find(name);
	row = size_bucket(size);
	column = latency_bucket(latency);
	if (op < 0 || op == OP_TOTAL || row < 0 || column < 0)
		return false;
	if (ops[op] && ops[op]->joint)
		ops[op]->joint[row][column] = n;
	return true;
}

/**
 * parse_joint() - parse the reply to the message histogram
 * @text: the reply: lines of operation, size, latency and number of requests
 * @ops: counts of each operation, whose joint histograms are set; NULL for operations that are
 *	not of interest
 *
 * Return: false if the text is something else.
 */
bool parse_joint(const char *text, struct counts *ops[NR_OPS])
{
	char line[96];
	size_t len;

	for (; *text; text += len + !!text[len]) {
		len = strcspn(text, "\n");
		if (len >= sizeof(line))
			return false;
		memcpy(line, text, len);
		line[len] = '\0';
		if (!parse_cell(line, ops))
			return false;
	}
	return true;
}
