// SPDX-License-Identifier: GPL-2.0-only
/*
 * usage: generated COUNT SEED DEVICE...
 *
 * Load COUNT generated table lines of dmp, or send generated messages, and compare the outcome
 * with a model of the grammar in dm-dmp.rst. A table that is taken is read back as well, and
 * resumed. DEVICE is a block device that dmp may use; those of other sizes and other logical
 * block sizes make other offsets wrong.
 */

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "dm-ioctls.h"

#define MAX_WORDS	8
#define MAX_DEVICES	4

/* Volumes: tables are loaded into TABLES, messages are sent to PLAIN and TIMED. */
#define TABLES		"generated"
#define PLAIN		"generated-plain"
#define TIMED		"generated-timed"
#define VOLUME_SECTORS	8

/**
 * struct device - a block device
 * @path: path of its node
 * @number: "major:minor"
 * @sectors: size in 512-byte sectors
 * @block: logical block size in sectors
 */
struct device {
	const char *path;
	char number[32];
	uint64_t sectors;
	uint64_t block;
};

static struct device devices[MAX_DEVICES];
static int nr_devices;

static void must(const char *what, int error)
{
	errno = error;
	if (error)
		die(what);
}

static void create(const char *name, const char *line)
{
	must("create", dm(DM_DEV_CREATE, name, 0, 0));
	if (!line)
		return;
	must("load", load(name, "dmp", VOLUME_SECTORS, line));
	must("resume", dm(DM_DEV_SUSPEND, name, 0, 0));
}

/* The model */

/**
 * struct verdict - the outcomes that the model expects of a line
 * @errors: errno of each fault of the line; the kernel may report any of them
 * @nr: number of faults; a line without a fault is taken
 * @no_room: the device is too small, or the segment is not aligned to its logical blocks.
 *	Device-mapper refuses the load of a volume's first table then, and the resume of a later one
 * @table: the table that a line makes if it is taken
 */
struct verdict {
	int errors[8];
	int nr;
	bool no_room;
	char table[128];
};

static void wrong(struct verdict *v, int error)
{
	v->errors[v->nr++] = error;
}

/* Device-mapper's white space: that of Latin-1. */
static bool is_space(char c)
{
	return c && strchr(" \t\n\v\f\r\xa0", c);
}

/*
 * Split a line into at most MAX_WORDS words, and return their number. Device-mapper removes
 * backslashes before: none is generated.
 */
static int split(const char *line, char words[MAX_WORDS][LONGEST])
{
	int nr = 0;
	size_t len;

	for (; nr < MAX_WORDS; line += len) {
		while (is_space(*line))
			line++;
		if (!*line)
			break;
		for (len = 0; line[len] && !is_space(line[len]); len++)
			words[nr][len] = line[len];
		words[nr++][len] = 0;
	}
	return nr;
}

/* A decimal number. */
static void model_number(const char *word, uint64_t *n, struct verdict *v)
{
	bool overflow = false;

	*n = 0;
	if (!*word)
		wrong(v, EINVAL);
	for (; *word; word++) {
		uint64_t digit = *word - '0';

		if (*word < '0' || *word > '9') {
			wrong(v, EINVAL);
			break;
		}
		overflow |= __builtin_mul_overflow(*n, 10, n);
		overflow |= __builtin_add_overflow(*n, digit, n);
	}
	if (overflow)
		wrong(v, ERANGE);
}

/*
 * The number of feature arguments, 0 or 1, of which so many follow. Unlike the documentation,
 * device-mapper takes 4294967297 for 1: dm_read_arg_group() reads it by sscanf(), which drops the
 * upper bits.
 */
static void model_count(const char *word, unsigned int following, uint64_t *count,
			struct verdict *v)
{
	struct verdict number = {};
	int i;

	model_number(word, count, &number);
	for (i = 0; i < number.nr; i++)
		if (number.errors[i] != ERANGE)
			wrong(v, number.errors[i]);
	*count = (uint32_t)*count;
	if (*count > 1 || *count != following)
		wrong(v, EINVAL);
}

static uint64_t sysfs_number(const char *number, const char *file)
{
	char path[128];
	uint64_t n;
	FILE *f;

	snprintf(path, sizeof(path), "/sys/dev/block/%s/%s", number, file);
	f = fopen(path, "r");
	if (!f || fscanf(f, "%" SCNu64, &n) != 1)
		die(path);
	fclose(f);
	return n;
}

static void find_device(struct device *dev, const char *number, size_t len)
{
	snprintf(dev->number, sizeof(dev->number), "%.*s", (int)len, number);
	dev->sectors = sysfs_number(dev->number, "size");
	dev->block = sysfs_number(dev->number, "queue/logical_block_size") / 512;
}

/* The device that a word names. Of words that are not in @devices, dmp takes those of dm-linear. */
static void model_device(const char *word, struct device *dev, struct verdict *v)
{
	char line[LONGEST + 8];
	const char *table;
	int i, error;

	for (i = 0; i < nr_devices; i++)
		if (!strcmp(word, devices[i].path) || !strcmp(word, devices[i].number)) {
			*dev = devices[i];
			return;
		}
	snprintf(line, sizeof(line), "%s 0", word);
	error = load(TABLES, "linear", VOLUME_SECTORS, line);
	if (error) {
		wrong(v, error);
		return;
	}
	table = inactive(TABLES);
	find_device(dev, table, strcspn(table, " "));
	must("clear", dm(DM_TABLE_CLEAR, TABLES, 0, 0));
}

/* <dev path> [<offset> [<#feature args> [<feature>]...]] */
static void model_table(const char *line, uint64_t sectors, struct verdict *v)
{
	static char words[MAX_WORDS][LONGEST];
	struct device dev = {};
	uint64_t offset = 0, features = 0;
	int nr = split(line, words);

	if (!nr) {
		wrong(v, EINVAL);
		return;
	}
	model_device(words[0], &dev, v);
	if (nr > 1)
		/* the documentation is silent about a sign: kstrtou64() takes a plus */
		model_number(words[1] + (words[1][0] == '+'), &offset, v);
	if (nr > 2)
		model_count(words[2], nr - 3, &features, v);
	/* of more words it is wrong already */
	if (nr == 4 && strcmp(words[3], "latency"))
		wrong(v, EINVAL);
	if (v->nr)
		return;
	/* a loop device without a file has no size, and device-mapper does not check it */
	v->no_room = dev.sectors && (offset >= dev.sectors || sectors > dev.sectors - offset ||
				       offset % dev.block || sectors % dev.block);
	snprintf(v->table, sizeof(v->table), "%s %" PRIu64 "%s", dev.number, offset,
		 features ? " 1 latency" : "");
}

/* reset, or histogram [<op>] */
static void model_message(const char *line, bool timed, uint64_t sector, struct verdict *v)
{
	static const char *const ops[] = {
		"read", "write", "discard", "write_zeroes", "flush", "zone"
	};
	static char words[MAX_WORDS][LONGEST];
	int nr = split(line, words);
	unsigned int i;

	if (sector >= VOLUME_SECTORS)
		wrong(v, EINVAL);
	if (nr == 1 && !strcmp(words[0], "reset"))
		return;
	if (timed && nr >= 1 && nr <= 2 && !strcmp(words[0], "histogram")) {
		if (nr == 1)
			return;
		for (i = 0; i < sizeof(ops) / sizeof(*ops); i++)
			if (!strcmp(words[1], ops[i]))
				return;
	}
	wrong(v, EINVAL);
}

/* The generator */

static char line[LONGEST];
static size_t len;

static unsigned int below(unsigned int n)
{
	return random() % n;
}

static const char *const bad_devices[] = {
	"/dev/nothing", "/dev/null", "/dev", "/proc/uptime", "250:250", "7", "7:", ":0", "7:0:0",
	"0:0", "loop0", ".", "..", "-", "0", NULL
};

static const char *const numbers[] = {
	"0", "1", "2", "8", "00", "08", "+8", "-1", "-0", "+", "-", "++8", "8x", "x8", "0x8", "1.5",
	"1e3", "8,", "2147483648", "4294967295", "4294967296", "9223372036854775807",
	"9223372036854775808", "18446744073709551615", "18446744073709551616",
	"18446744073709551624",
	"99999999999999999999999999", "99999999999999999999999999x", "-9223372036854775808", NULL
};

static const char *const counts[] = {
	"0", "1", "1", "1", "2", "3", "00", "01", "-1", "1x", "x", "1.", "0x1", "4294967295",
	"4294967297", "one", NULL
};

static const char *const features[] = {
	"latency", "latency", "latency", "Latency", "LATENCY", "latenc", "latencyy", "latency=1",
	"no_latency", "histogram", "0", "1", NULL
};

static const char *const message_words[] = {
	"reset", "histogram", "read", "write", "discard", "write_zeroes", "flush", "zone", "total",
	"other", "Reset", "RESET", "Histogram", "resets", "rese", "histograms", "reads", "Read",
	"writes", "WRITE", "write zeroes", "write-zeroes", "all", "0", "-1", "@", "@reset",
	"@stats", "*", NULL
};

static const char *pick(const char *const *list)
{
	unsigned int nr = 0;

	while (list[nr])
		nr++;
	return list[below(nr)];
}

static const struct device *pick_device(void)
{
	return &devices[below(nr_devices)];
}

static void add(const char *text)
{
	if (len + strlen(text) < LONGEST - 64)
		len = stpcpy(line + len, text) - line;
}

static void add_space(void)
{
	static const char *const spaces[] = {
		" ", " ", " ", " ", " ", " ", "  ", "\t", " \t\n ", "\v\f\r", "\xa0", "      ",
		NULL
	};

	add(pick(spaces));
}

static void add_word(const char *word)
{
	if (len)
		add_space();
	add(word);
}

/* Some bytes, among them those of UTF-8; never a backslash. */
static void add_bytes(void)
{
	static const char bytes[] =
		"abcdefghijklmnopqrstuvwxyz0123456789+-_.,:;/@%*'\"$#"
		"\x01\x1b\x7f\x80\xa0\xc3\xa9\xff";
	unsigned int nr = 1 + below(12);

	add_word("");
	while (nr--)
		line[len++] = bytes[below(sizeof(bytes) - 1)];
	line[len] = 0;
}

static void add_device(const struct device *dev)
{
	if (!below(16))
		add_word(pick(bad_devices));
	else
		add_word(below(4) ? dev->path : dev->number);
}

/* An offset near the end of a device or near a power of two; it may be negative or not aligned. */
static void add_offset(const struct device *dev, uint64_t sectors)
{
	const uint64_t end = dev->sectors - sectors;
	const uint64_t bases[] = { 0, end, end, dev->sectors, 1ULL << below(64) };
	int64_t blocks = below(2) ? 0 : (int64_t)below(9) - 4;
	char number[32];

	if (!below(4)) {
		add_word(pick(numbers));
		return;
	}
	snprintf(number, sizeof(number), below(2) ? "%" PRIu64 : "%" PRId64,
		 bases[below(5)] + blocks * (below(4) ? dev->block : 1));
	add_word(number);
}

static void add_features(void)
{
	unsigned int nr = below(4) ? below(2) : below(4);
	char count[16];

	snprintf(count, sizeof(count), "%u", nr);
	add_word(below(4) ? count : pick(counts));
	while (nr--)
		add_word(below(4) ? "latency" : pick(features));
}

static void table_device(uint64_t sectors)
{
	(void)sectors;
	add_device(pick_device());
}

static void table_offset(uint64_t sectors)
{
	const struct device *dev = pick_device();

	add_device(dev);
	add_offset(dev, sectors);
	if (!below(4))
		add_features();
}

static void table_features(uint64_t sectors)
{
	(void)sectors;
	add_word(pick_device()->path);
	add_word("0");
	add_features();
}

static void table_words(uint64_t sectors)
{
	const char *const *const lists[] = {
		bad_devices, numbers, counts, features, message_words
	};
	unsigned int nr = below(6);

	if (nr && below(2)) {
		table_device(sectors);
		nr--;
	}
	while (nr--)
		if (below(8))
			add_word(pick(lists[below(5)]));
		else
			add_bytes();
}

static void message_reset(uint64_t sectors)
{
	(void)sectors;
	add_word(below(4) ? "reset" : pick(message_words));
	if (!below(4))
		add_word(pick(message_words));
}

static void message_histogram(uint64_t sectors)
{
	(void)sectors;
	add_word(below(8) ? "histogram" : pick(message_words));
	while (below(2))
		add_word(pick(message_words));
}

static void message_any(uint64_t sectors)
{
	unsigned int nr = below(3);

	(void)sectors;
	if (below(2))
		add_word(below(2) ? "reset" : "histogram");
	while (nr--)
		if (below(8))
			add_word(pick(message_words));
		else
			add_bytes();
}

/* Change, remove, repeat or insert a byte, or leave the line as it is. */
static void damage(void)
{
	static const char bytes[] = "0123456789+-. :/laencyrsthiogm\t\x80\xa0\xff";
	size_t at = below(len + 1);
	char byte = bytes[below(sizeof(bytes) - 1)];

	switch (below(5)) {
	case 0:
		if (at < len)
			line[at] = byte;
		break;
	case 1:
		if (at < len)
			memmove(line + at, line + at + 1, len-- - at);
		break;
	case 2:
		byte = at < len ? line[at] : byte;
		/* fall through */
	case 3:
		memmove(line + at + 1, line + at, ++len - at);
		line[at] = byte;
		break;
	}
}

/* Repeat a byte often, so that the line has many spaces or a long word. */
static void stretch(void)
{
	size_t nr = 1 + below(below(8) ? 200 : LONGEST - 64 - len), at = below(len + 1);

	/* leading zeros and slashes do not make a word wrong, and neither do more spaces */
	if (len && below(2))
		while (at < len && !is_space(line[at]) && line[at] != '0' && line[at] != '/')
			at++;
	memmove(line + at + nr, line + at, len - at + 1);
	memset(line + at, at < len - 1 ? line[at + nr] : ' ', nr);
	len += nr;
}

/* The kinds of lines, and how many were refused and taken. */
static struct kind {
	const char *name;
	void (*generate)(uint64_t sectors);
	void (*change)(void);
	bool message;
	unsigned long nr[2];
} kinds[] = {
	{ "table, device", table_device },
	{ "table, offset", table_offset },
	{ "table, features", table_features },
	{ "table, any words", table_words },
	{ "table, damaged", table_offset, damage },
	{ "table, features, damaged", table_features, damage },
	{ "table, long", table_offset, stretch },
	{ "message reset", message_reset, NULL, true },
	{ "message histogram", message_histogram, NULL, true },
	{ "message, any words", message_any, NULL, true },
	{ "message, damaged", message_histogram, damage, true },
	{ "message, long", message_histogram, stretch, true },
};

#define NR_KINDS (sizeof(kinds) / sizeof(*kinds))

static void generate(const struct kind *kind, uint64_t sectors)
{
	len = 0;
	line[0] = 0;
	if (!below(16))
		add_space();
	kind->generate(sectors);
	if (!below(16))
		add_space();
	if (kind->change)
		kind->change();
}

/* The check */

static void print_line(void)
{
	const char *c;

	for (c = line; *c; c++)
		printf(*c < ' ' || *c > '~' ? "\\x%02x" : "%c", (unsigned char)*c);
	printf("\n");
}

/* Compare the kernel's outcome, 0 or errno, with the verdict; print the verdict if they differ. */
static bool right(int error, const struct verdict *v)
{
	int i;

	for (i = 0; i < v->nr; i++)
		if (v->errors[i] == error)
			return true;
	if (error ? error == EINVAL && v->no_room : !v->nr)
		return true;
	printf("%s, expected", error ? strerrorname_np(error) : "taken");
	for (i = 0; i < v->nr; i++)
		printf(" %s", strerrorname_np(v->errors[i]));
	printf("%s: ", v->nr ? "" : " that it is taken");
	return false;
}

static bool right_table(const struct verdict *v)
{
	const char *table = inactive(TABLES);

	if (!strcmp(table, v->table))
		return true;
	printf("the table is '%s', expected '%s': ", table, v->table);
	return false;
}

static bool right_resume(const struct verdict *v)
{
	int error = dm(DM_DEV_SUSPEND, TABLES, 0, 0);

	if (error == (v->no_room ? EINVAL : 0))
		return true;
	printf("resume: %s, expected %s: ", strerrorname_np(error),
	       strerrorname_np(v->no_room ? EINVAL : 0));
	return false;
}

static bool try_table(struct kind *kind)
{
	const struct device *dev = pick_device();
	const uint64_t lengths[] = { 1, 7, dev->sectors, dev->sectors - 8, dev->sectors + 1 };
	uint64_t sectors = below(4) ? 8 : lengths[below(5)];
	struct verdict v = {};
	bool ok;
	int error;

	generate(kind, sectors);
	model_table(line, sectors, &v);
	error = load(TABLES, "dmp", sectors, line);
	kind->nr[!error && !v.no_room]++;
	ok = right(error, &v) && (error || (right_table(&v) && right_resume(&v)));
	if (!ok)
		printf("0 %" PRIu64 " dmp ", sectors);
	/* the first table of a volume is shown in sysfs at its resume, a later one at its load */
	if (!below(64)) {
		must("remove", dm(DM_DEV_REMOVE, TABLES, 0, 0));
		create(TABLES, NULL);
	}
	return ok;
}

static bool try_message(struct kind *kind)
{
	bool timed = below(4), ok;
	uint64_t sector = below(16) ? below(VOLUME_SECTORS) : 1ULL << below(64);
	struct verdict v = {};
	int error;

	generate(kind, 0);
	model_message(line, timed, sector, &v);
	error = message(timed ? TIMED : PLAIN, sector, line);
	kind->nr[!error]++;
	ok = right(error, &v);
	if (!ok)
		printf("%s: message at %" PRIu64 " ",
		       timed ? "with latency" : "without latency", sector);
	return ok;
}

static void take_device(const char *path)
{
	struct device *dev = &devices[nr_devices++];
	char number[32];
	struct stat st;

	if (stat(path, &st))
		die(path);
	snprintf(number, sizeof(number), "%u:%u", major(st.st_rdev), minor(st.st_rdev));
	find_device(dev, number, strlen(number));
	dev->path = path;
}

static bool in_use(const char *path)
{
	int fd = open(path, O_RDWR | O_EXCL);

	if (fd < 0)
		perror(path);
	else
		close(fd);
	return fd < 0;
}

int main(int argc, char **argv)
{
	unsigned long i, count, seed, wrong = 0;
	int d;

	if (argc < 4 || argc > 3 + MAX_DEVICES)
		return 2;
	count = strtoul(argv[1], NULL, 10);
	seed = strtoul(argv[2], NULL, 10);
	for (d = 3; d < argc; d++)
		take_device(argv[d]);
	srandom(seed);
	create(TABLES, NULL);
	snprintf(line, sizeof(line), "%s 0 1 latency", devices[0].path);
	create(PLAIN, devices[0].path);
	create(TIMED, line);
	for (i = 0; i < count; i++) {
		struct kind *kind = &kinds[i % NR_KINDS];

		if (kind->message ? try_message(kind) : try_table(kind))
			continue;
		print_line();
		printf("seed %lu, index %lu: wrong verdict\n", seed, i);
		wrong++;
	}
	must("remove", dm(DM_DEV_REMOVE, TABLES, 0, 0));
	must("remove", dm(DM_DEV_REMOVE, PLAIN, 0, 0));
	must("remove", dm(DM_DEV_REMOVE, TIMED, 0, 0));
	for (i = 0; i < NR_KINDS; i++) {
		const unsigned long *nr = kinds[i].nr;

		printf("%s: %lu taken, %lu refused\n", kinds[i].name, nr[1], nr[0]);
		wrong += !nr[0] || !nr[1];
	}
	for (d = 0; d < nr_devices; d++)
		wrong += in_use(devices[d].path);
	return !!wrong;
}
