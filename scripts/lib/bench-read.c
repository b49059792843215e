// SPDX-License-Identifier: GPL-2.0-only
/*
 * usage: bench-read REQUESTS [KIND DEVICE]...
 *
 * Init of the guest of scripts/bench on arm64, which has no fio. For each KIND, read 4 KiB at
 * random offsets of its DEVICE, REQUESTS times, and print the nanoseconds of a request, which are
 * its instructions if the guest's clock counts instructions. Prints lines as bench-init does.
 */

#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/klog.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define SIZE		4096
#define LOG_READ_ALL	3

static double now_ns(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1e9 + time.tv_nsec;
}

/* The requests are REQ_NOWAIT, as those of fio's io_uring are. */
static void read_random(int fd, off_t blocks, long requests)
{
	static char buffer[SIZE] __attribute__((aligned(SIZE)));
	const struct iovec iov = { buffer, SIZE };

	while (requests--)
		if (preadv2(fd, &iov, 1, random() % blocks * SIZE, RWF_NOWAIT) != SIZE)
			err(1, "read");
}

/*
 * Without O_NOATIME, a read would take more instructions on a device that is first read within
 * the second in which its node is made: times of access and change then differ only in their
 * nanoseconds, which the kernel compares last.
 */
static void print_row(const char *kind, const char *device, long requests)
{
	int fd = open(device, O_RDONLY | O_DIRECT | O_NOATIME);
	off_t blocks = lseek(fd, 0, SEEK_END) / SIZE;
	double start;

	if (fd < 0 || blocks <= 0)
		err(1, "%s", device);
	/* the first requests fill caches and pools */
	read_random(fd, blocks, requests / 10);
	start = now_ns();
	read_random(fd, blocks, requests);
	printf("row randread %s %.1f\n", kind, (now_ns() - start) / requests);
	close(fd);
}

static void print_log(void)
{
	static char log[1 << 18];
	char *line, *rest = log;

	if (klogctl(LOG_READ_ALL, log, sizeof(log) - 1) < 0)
		err(1, "log");
	while ((line = strsep(&rest, "\n")))
		printf("log %s\n", line);
}

int main(int argc, char **argv)
{
	long requests = argc > 1 ? atol(argv[1]) : 0;
	int i;

	if (requests <= 0)
		errx(1, "usage: bench-read REQUESTS [KIND DEVICE]...");
	if (mount("devtmpfs", "/dev", "devtmpfs", 0, NULL))
		err(1, "/dev");
	for (i = 2; i + 1 < argc; i += 2)
		print_row(argv[i], argv[i + 1], requests);
	printf("end\n");
	print_log();
	fflush(stdout);
	reboot(RB_AUTOBOOT);
}
