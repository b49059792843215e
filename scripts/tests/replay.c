// SPDX-License-Identifier: GPL-2.0-only
/*
 * Usage: replay LOG [DEVICE FIRST LAST]
 *
 * List the entries in a log of dm-log-writes, a line each: number, flags, and the first sector and
 * number of sectors, or the text of a mark. Flags are letters: F flush, U forced unit access, D
 * discard, M mark, - none. Or carry out the entries FIRST to LAST on DEVICE. Entries count from 1.
 */

#include <endian.h>
#include <err.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define MAGIC	0x6a736677736872ULL

#define FLUSH	(1 << 0)
#define FUA	(1 << 1)
#define DISCARD	(1 << 2)
#define MARK	(1 << 3)

struct super {
	uint64_t magic;
	uint64_t version;
	uint64_t nr_entries;
	uint32_t sector_size;
};

struct entry {
	uint64_t sector;
	uint64_t nr_sectors;
	uint64_t flags;
	uint64_t data_len;
};

static int open_file(const char *path, int flags)
{
	int fd = open(path, flags);

	if (fd < 0)
		err(1, "%s", path);
	return fd;
}

static void read_log(int fd, void *buf, size_t size, off_t pos)
{
	if (pread(fd, buf, size, pos) != (ssize_t)size)
		err(1, "cannot read %zu bytes of the log at %jd", size, (intmax_t)pos);
}

static void print_entry(uint64_t number, const struct entry *e, const char *mark)
{
	uint64_t flags = le64toh(e->flags);

	printf("%ju ", (uintmax_t)number);
	if (flags & MARK) {
		printf("M %s\n", mark);
		return;
	}
	printf("%s%s%s%s %ju+%ju\n", flags & FLUSH ? "F" : "", flags & FUA ? "U" : "",
	       flags & DISCARD ? "D" : "", flags & (FLUSH | FUA | DISCARD) ? "" : "-",
	       (uintmax_t)le64toh(e->sector), (uintmax_t)le64toh(e->nr_sectors));
}

/* A discard leaves zeroes, as it does on a loop device. */
static void replay_entry(int dev, off_t to, size_t size, int log, off_t from, int discard)
{
	char *buf = calloc(1, size);

	if (!buf)
		err(1, "cannot allocate %zu bytes", size);
	if (!discard)
		read_log(log, buf, size, from);
	if (pwrite(dev, buf, size, to) != (ssize_t)size)
		err(1, "cannot write %zu bytes at %jd", size, (intmax_t)to);
	free(buf);
}

int main(int argc, char **argv)
{
	uint64_t first, last, number, nr_entries;
	int log, dev = -1;
	struct super super;
	size_t sector_size;
	off_t pos;

	if (argc != 2 && argc != 5)
		errx(1, "usage: replay LOG [DEVICE FIRST LAST]");

	log = open_file(argv[1], O_RDONLY);
	read_log(log, &super, sizeof(super), 0);
	if (le64toh(super.magic) != MAGIC || le64toh(super.version) != 1)
		errx(1, "%s: not a log of dm-log-writes", argv[1]);
	nr_entries = le64toh(super.nr_entries);
	sector_size = le32toh(super.sector_size);
	pos = sector_size;

	if (argc == 5)
		dev = open_file(argv[2], O_WRONLY);
	first = argc == 5 ? strtoull(argv[3], NULL, 10) : 1;
	last = argc == 5 ? strtoull(argv[4], NULL, 10) : nr_entries;
	if (last > nr_entries)
		errx(1, "%s: has %ju entries", argv[1], (uintmax_t)nr_entries);

	for (number = 1; number <= last; number++) {
		char sector[512];
		struct entry *e = (struct entry *)sector;
		uint64_t flags;
		size_t size;

		/* the text of a mark follows its entry; dm-log-writes ends it with zeroes */
		read_log(log, sector, sizeof(sector), pos);
		sector[sizeof(sector) - 1] = '\0';
		pos += sector_size;
		flags = le64toh(e->flags);
		size = le64toh(e->nr_sectors) * sector_size;

		if (dev < 0)
			print_entry(number, e, sector + sizeof(*e));
		else if (number >= first && size)
			replay_entry(dev, le64toh(e->sector) * sector_size, size, log, pos,
				     flags & DISCARD);
		if (!(flags & DISCARD))
			pos += size;
	}

	if (dev >= 0 && fsync(dev))
		err(1, "%s", argv[2]);
	return 0;
}
