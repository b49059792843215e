// SPDX-License-Identifier: GPL-2.0-only
/*
 * usage: attempt DEVICE
 *
 * Do one request of each operation on a block device. Print "<operation> 0" or "<operation>
 * <errno>", with the name of the errno, for each.
 */

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define LEN 4096

static void outcome(const char *operation, long r)
{
	printf("%s %s\n", operation, r < 0 ? strerrorname_np(errno) : "0");
	fflush(stdout);
}

int main(int argc, char **argv)
{
	__u64 range[] = { 0, LEN };
	void *buffer;
	int fd;

	if (argc != 2) {
		fprintf(stderr, "expected a device\n");
		return 2;
	}
	buffer = mmap(NULL, LEN, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	fd = open(argv[1], O_RDWR | O_DIRECT);
	if (fd < 0 || buffer == MAP_FAILED) {
		perror(argv[1]);
		return 1;
	}

	outcome("read", pread(fd, buffer, LEN, 0));
	outcome("write", pwrite(fd, buffer, LEN, 0));
	outcome("discard", ioctl(fd, BLKDISCARD, range));
	/* unlike BLKZEROOUT, does not write zeroes instead if that fails */
	outcome("write_zeroes", fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, LEN));
	outcome("flush", fsync(fd));
	return 0;
}
