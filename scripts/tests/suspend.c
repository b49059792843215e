// SPDX-License-Identifier: GPL-2.0-only
/*
 * Usage: suspend NAME FILE
 *
 * Suspend and resume a mapped device again and again while FILE exists, each time for ten
 * milliseconds and with other flags, or resume it only, which suspends it if a new table is
 * loaded. All memory is locked: the kernel may swap to the device. Print how often.
 */

#include <err.h>
#include <fcntl.h>
#include <linux/dm-ioctl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

static void suspend(int fd, const char *name, unsigned int flags)
{
	struct dm_ioctl io = {
		.version = { DM_VERSION_MAJOR, 0, 0 },
		.data_size = sizeof(io),
		.flags = flags,
	};

	strncpy(io.name, name, sizeof(io.name) - 1);
	if (ioctl(fd, DM_DEV_SUSPEND, &io))
		err(1, "%s, flags %x", name, flags);
}

int main(int argc, char **argv)
{
	static const unsigned int flags[] = {
		0, DM_NOFLUSH_FLAG, DM_SKIP_LOCKFS_FLAG, DM_NOFLUSH_FLAG | DM_SKIP_LOCKFS_FLAG,
	};
	unsigned long n;
	int fd;

	if (argc != 3)
		errx(1, "usage: suspend NAME FILE");
	fd = open("/dev/mapper/control", O_RDWR);
	if (fd < 0)
		err(1, "/dev/mapper/control");
	if (mlockall(MCL_CURRENT | MCL_FUTURE))
		err(1, "cannot lock memory");

	for (n = 0; !access(argv[2], F_OK); n++) {
		if (n % 5 < 4) {
			suspend(fd, argv[1], DM_SUSPEND_FLAG | flags[n % 5]);
			usleep(10000);
		}
		suspend(fd, argv[1], 0);
		usleep(50000);
	}
	printf("%lu\n", n);
	return 0;
}
