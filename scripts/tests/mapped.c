// SPDX-License-Identifier: GPL-2.0-only
/*
 * usage: mapped FILE <DATA
 *
 * Store data in a file through a mapping with MAP_SYNC, which only DAX allows. The file keeps its
 * blocks if it is as long as the data.
 */

#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/mman.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static int fail(const char *what)
{
	perror(what);
	return 1;
}

int main(int argc, char **argv)
{
	static char data[4 << 20];
	size_t size = fread(data, 1, sizeof(data), stdin);
	void *map;
	int fd;

	if (argc != 2) {
		fprintf(stderr, "expected a file\n");
		return 2;
	}
	fd = open(argv[1], O_RDWR | O_CREAT, 0644);
	if (fd < 0 || ftruncate(fd, size))
		return fail(argv[1]);
	map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED_VALIDATE | MAP_SYNC, fd, 0);
	if (map == MAP_FAILED)
		return fail("mmap");
	memcpy(map, data, size);
	if (msync(map, size, MS_SYNC))
		return fail("msync");
	return 0;
}
