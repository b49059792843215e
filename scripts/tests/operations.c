// SPDX-License-Identifier: GPL-2.0-only
/*
 * usage: operations DEVICE
 *
 * Perform operations on a block device, and print the result or the errno of each, and a
 * checksum of the data of each read. Two devices with the same initial data that behave alike
 * print the same.
 */

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/blkpg.h>
#include <linux/blkzoned.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <linux/hdreg.h>
#include <linux/loop.h>
#include <linux/pr.h>
#include <scsi/sg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

/* RWF_ATOMIC and FALLOC_FL_WRITE_ZEROES, newer than many headers */
#define ATOMIC 0x40
#define WRITE_ZEROES 0x80
#define BUFFER (2 << 20)

static const char *path;
static unsigned char *buffer;
static long long size;

/* Print the outcome of an operation. */
static long long outcome(const char *what, long long r)
{
	if (r < 0)
		printf("%s: %s\n", what, strerrorname_np(errno));
	else
		printf("%s: %lld\n", what, r);
	return r;
}

static __u32 sum(const unsigned char *p, long long n)
{
	__u32 hash = 2166136261u;

	while (n-- > 0)
		hash = (hash ^ *p++) * 16777619;
	return hash;
}

/* Data that differ by offset and by transfer, which @seed tells. */
static void fill(long long offset, size_t len, int seed)
{
	size_t i;

	for (i = 0; i < len; i++)
		buffer[i] = (offset + i) * 31 + ((offset + i) >> 9) + seed;
}

/**
 * struct transfer - a read or a write
 * @what: its name in the output
 * @offset: offset in bytes; from the end of the device if negative, END is the end itself
 * @len: length in bytes
 * @misaligned: how far the buffer is off a page
 * @rwf: flags of preadv2() and pwritev2()
 */
struct transfer {
	const char *what;
	long long offset;
	size_t len;
	unsigned int misaligned;
	int rwf;
};

#define END LLONG_MIN

static const struct transfer transfers[] = {
	{ "512 at 0", 0, 512 },
	{ "4 KiB at 0", 0, 4096 },
	{ "4 KiB at 512", 512, 4096 },
	{ "64 KiB at 64 KiB", 65536, 65536 },
	{ "1 MiB at 1 MiB", 1 << 20, 1 << 20 },
	/* where scsi_debug has its bad sectors */
	{ "1 MiB at 2 MiB", 2 << 20, 1 << 20 },
	{ "1 MiB less 4 KiB", (1 << 20) + 4096, (1 << 20) - 4096 },
	{ "offset of 1", 1, 4096 },
	{ "length of 100", 4096, 100 },
	{ "no length", 4096, 0 },
	{ "buffer off by 1", 8192, 4096, 1 },
	{ "buffer off by 4", 8192, 4096, 4 },
	{ "buffer off by 512", 8192, 4096, 512 },
	{ "last 4 KiB", -4096, 4096 },
	{ "across the end", -4096, 8192 },
	{ "at the end", END, 4096 },
	{ "behind the end", 1LL << 60, 4096 },
	{ "nowait", 16384, 4096, 0, RWF_NOWAIT },
	{ "nowait, 1 MiB", 1 << 20, 1 << 20, 0, RWF_NOWAIT },
	{ "polled", 16384, 4096, 0, RWF_HIPRI },
	{ "dsync", 20480, 4096, 0, RWF_DSYNC },
	{ "sync", 20480, 4096, 0, RWF_SYNC },
	{ "atomic 4 KiB", 32768, 4096, 0, ATOMIC },
	{ "atomic 16 KiB", 32768, 16384, 0, ATOMIC },
	{ "atomic 1 MiB", 1 << 20, 1 << 20, 0, ATOMIC },
	{ "atomic 12 KiB", 32768, 12288, 0, ATOMIC },
	{ "unknown flag", 32768, 4096, 0, 1 << 30 },
};

static void transfer(int fd, const struct transfer *t, bool is_write, const char *how)
{
	long long offset = t->offset == END ? size : t->offset < 0 ? size + t->offset : t->offset;
	struct iovec iov = { buffer + t->misaligned, t->len };
	char what[100];
	long long r;

	snprintf(what, sizeof(what), "%s %s %s", how, is_write ? "write" : "read", t->what);
	if (is_write)
		fill(offset, t->len + t->misaligned, sum((const void *)t->what, strlen(t->what)));
	else
		memset(buffer, 0xee, t->len + t->misaligned);
	r = is_write ? pwritev2(fd, &iov, 1, offset, t->rwf) : preadv2(fd, &iov, 1, offset, t->rwf);
	if (outcome(what, r) > 0 && !is_write)
		printf("%s: data %08x\n", what, sum(buffer + t->misaligned, r));
}

static void transfer_all(int flags, const char *how)
{
	int fd = open(path, O_RDWR | flags);
	size_t i;

	if (outcome(how, fd < 0 ? -1 : 0) < 0)
		return;
	for (i = 0; i < sizeof(transfers) / sizeof(*transfers); i++) {
		transfer(fd, &transfers[i], false, how);
		transfer(fd, &transfers[i], true, how);
		transfer(fd, &transfers[i], false, how);
	}
	outcome("fsync", fsync(fd));
	outcome("fdatasync", fdatasync(fd));
	close(fd);
}

#define NUMBER(request, type) do {						\
		type n = 0;							\
										\
		if (outcome(#request, ioctl(fd, request, &n)) >= 0)		\
			printf(#request " is %llu\n", (unsigned long long)n);	\
	} while (0)

static void ask(int fd)
{
	struct hd_geometry geometry = {};
	struct stat st;

	NUMBER(BLKGETSIZE64, __u64);
	NUMBER(BLKSSZGET, int);
	NUMBER(BLKPBSZGET, unsigned int);
	NUMBER(BLKIOMIN, unsigned int);
	NUMBER(BLKIOOPT, unsigned int);
	NUMBER(BLKALIGNOFF, int);
	NUMBER(BLKROTATIONAL, unsigned short);
	NUMBER(BLKDISCARDZEROES, unsigned int);
	NUMBER(BLKSECTGET, unsigned short);
	NUMBER(BLKRAGET, long);
	NUMBER(BLKROGET, int);
	NUMBER(BLKGETZONESZ, __u32);
	NUMBER(BLKGETNRZONES, __u32);
	if (!outcome("HDIO_GETGEO", ioctl(fd, HDIO_GETGEO, &geometry)))
		printf("geometry %u %u\n", geometry.heads, geometry.sectors);
	if (!outcome("fstat", fstat(fd, &st)))
		printf("blksize %ld\n", (long)st.st_blksize);
	outcome("SEEK_DATA", lseek(fd, 0, SEEK_DATA));
	outcome("SEEK_HOLE", lseek(fd, 0, SEEK_HOLE));
}

/* ioctls that device-mapper may forward to the underlying device. */
static void pass(int fd)
{
	unsigned char inquiry[6] = { 0x12, 0, 0, 0, 96 }, reply[96] = {};
	struct sg_io_hdr sg = {
		.interface_id = 'S', .dxfer_direction = SG_DXFER_FROM_DEV, .cmd_len = 6,
		.cmdp = inquiry, .dxferp = reply, .dxfer_len = sizeof(reply), .timeout = 10000,
	};
	struct blkpg_partition part = { 0, 65536, 1 };
	struct blkpg_ioctl_arg blkpg = { BLKPG_ADD_PARTITION, 0, sizeof(part), &part };
	struct pr_registration registration = { .new_key = 1 };
	struct pr_reservation reservation = { .key = 1, .type = PR_WRITE_EXCLUSIVE };
	struct pr_clear clear = { .key = 1 };
	struct loop_info64 loop;
	int n = 0;

	outcome("SG_IO", ioctl(fd, SG_IO, &sg));
	outcome("SG_GET_VERSION_NUM", ioctl(fd, SG_GET_VERSION_NUM, &n));
	outcome("LOOP_GET_STATUS64", ioctl(fd, LOOP_GET_STATUS64, &loop));
	outcome("BLKPG_ADD_PARTITION", ioctl(fd, BLKPG, &blkpg));
	blkpg.op = BLKPG_DEL_PARTITION;
	outcome("BLKPG_DEL_PARTITION", ioctl(fd, BLKPG, &blkpg));
	outcome("BLKRRPART", ioctl(fd, BLKRRPART, 0));
	outcome("IOC_PR_REGISTER", ioctl(fd, IOC_PR_REGISTER, &registration));
	outcome("IOC_PR_RESERVE", ioctl(fd, IOC_PR_RESERVE, &reservation));
	outcome("IOC_PR_RELEASE", ioctl(fd, IOC_PR_RELEASE, &reservation));
	outcome("IOC_PR_CLEAR", ioctl(fd, IOC_PR_CLEAR, &clear));
	outcome("unknown ioctl", ioctl(fd, _IO('Z', 0x77), 0));
}

/* Ranges for discards and the like: offset and length in bytes. */
static const struct {
	const char *what;
	long long range[2];
} ranges[] = {
	{ "4 KiB", { 65536, 4096 } },
	{ "1 MiB", { 1 << 20, 1 << 20 } },
	{ "off by 512", { 65536 + 512, 4096 } },
	{ "off by 1", { 65536 + 1, 4096 } },
	{ "length of 100", { 65536, 100 } },
	{ "no length", { 65536, 0 } },
	{ "behind the end", { 1LL << 60, 4096 } },
};

static const struct {
	const char *what;
	unsigned long request;
	int mode;
} erasures[] = {
	{ "BLKDISCARD", BLKDISCARD },
	{ "BLKSECDISCARD", BLKSECDISCARD },
	{ "BLKZEROOUT", BLKZEROOUT },
	{ "punch hole", 0, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE },
	{ "zero range", 0, FALLOC_FL_ZERO_RANGE },
	{ "zero range, keep size", 0, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE },
	{ "no hide stale", 0, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE |
		FALLOC_FL_NO_HIDE_STALE },
	{ "write zeroes", 0, WRITE_ZEROES },
	{ "allocate", 0, 0 },
};

static void erase(int fd)
{
	static const struct transfer left = { "of the data left", 0, BUFFER - 4096 };
	static const struct transfer refill = { "refill", 1 << 20, 1 << 20 };
	size_t i, j;

	for (i = 0; i < sizeof(erasures) / sizeof(*erasures); i++) {
		for (j = 0; j < sizeof(ranges) / sizeof(*ranges); j++) {
			__u64 range[2] = { ranges[j].range[0], ranges[j].range[1] };
			char what[100];

			snprintf(what, sizeof(what), "%s %s", erasures[i].what, ranges[j].what);
			outcome(what, erasures[i].request ? ioctl(fd, erasures[i].request, range) :
				fallocate(fd, erasures[i].mode, range[0], range[1]));
		}
		transfer(fd, &left, false, erasures[i].what);
		transfer(fd, &refill, true, erasures[i].what);
	}
}

static const struct {
	const char *what;
	unsigned long request;
} managements[] = {
	{ "BLKOPENZONE", BLKOPENZONE },
	{ "BLKCLOSEZONE", BLKCLOSEZONE },
	{ "BLKFINISHZONE", BLKFINISHZONE },
	{ "BLKRESETZONE", BLKRESETZONE },
};

static void manage_zones(int fd, __u32 zone_sectors)
{
	const struct {
		const char *what;
		struct blk_zone_range range;
	} zones[] = {
		{ "of a zone", { 3ULL * zone_sectors, zone_sectors } },
		{ "of part of a zone", { 8, 8 } },
		{ "of all", { 0, size / 512 } },
	};
	char what[100];
	size_t i, j;

	for (i = 0; i < sizeof(managements) / sizeof(*managements); i++) {
		for (j = 0; j < sizeof(zones) / sizeof(*zones); j++) {
			snprintf(what, sizeof(what), "%s %s", managements[i].what, zones[j].what);
			outcome(what, ioctl(fd, managements[i].request, &zones[j].range));
		}
	}
}

static void report_some_zones(int fd, __u64 sector, __u32 nr)
{
	struct {
		struct blk_zone_report head;
		struct blk_zone zones[64];
	} report = { .head = { .sector = sector, .nr_zones = nr } };

	if (outcome("BLKREPORTZONE", ioctl(fd, BLKREPORTZONE, &report)) < 0)
		return;
	nr = report.head.nr_zones;
	printf("zones: %u, %08x\n", nr, sum((void *)report.zones, nr * sizeof(*report.zones)));
}

static void report_zones(int fd, __u32 zone_sectors)
{
	report_some_zones(fd, 0, 64);
	report_some_zones(fd, 3ULL * zone_sectors, 2);
	report_some_zones(fd, 2ULL * zone_sectors + 8, 64);
	report_some_zones(fd, size / 512 - 8, 64);
	report_some_zones(fd, size / 512, 64);
}

static void protect(int fd)
{
	static const struct transfer some = { "4 KiB", 4096, 4096 };
	int on = 1, off = 0;

	outcome("BLKROSET on", ioctl(fd, BLKROSET, &on));
	transfer(fd, &some, true, "protected");
	transfer(fd, &some, false, "protected");
	outcome("BLKROSET off", ioctl(fd, BLKROSET, &off));
	transfer(fd, &some, true, "unprotected");
	outcome("BLKFLSBUF", ioctl(fd, BLKFLSBUF, 0));
}

int main(int argc, char **argv)
{
	__u32 zone_sectors = 0;
	int fd;

	if (argc != 2) {
		fprintf(stderr, "expected a device\n");
		return 2;
	}
	path = argv[1];
	buffer = mmap(NULL, BUFFER, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	fd = open(path, O_RDWR | O_DIRECT);
	if (outcome("open", fd < 0 ? -1 : 0) < 0)
		fd = open(path, O_RDONLY | O_DIRECT);
	if (fd < 0 || buffer == MAP_FAILED)
		return 1;
	size = lseek(fd, 0, SEEK_END);
	ask(fd);
	pass(fd);
	transfer_all(O_DIRECT, "direct");
	transfer_all(0, "buffered");
	transfer_all(O_DIRECT | O_DSYNC, "direct dsync");
	erase(fd);
	ioctl(fd, BLKGETZONESZ, &zone_sectors);
	report_zones(fd, zone_sectors);
	manage_zones(fd, zone_sectors);
	report_zones(fd, zone_sectors);
	protect(fd);
	return 0;
}
