// SPDX-License-Identifier: GPL-2.0-only
/*
 * Usage: suspend NAME FILE
 *
 * Suspend and resume a mapped device again and again while FILE exists, each time for ten
 * milliseconds and with other flags, or resume it only, which suspends it if a new table is
 * loaded. All memory is locked: the kernel may swap to the device. Print how often.
 */

#include <err.h>
#include <sys/mman.h>
#include <unistd.h>

#include "dm-ioctls.h"

static void suspend(const char *name, unsigned int flags)
{
	int error = dm(DM_DEV_SUSPEND, name, flags, 0);

	if (error)
		errx(1, "%s, flags %x: %s", name, flags, strerror(error));
}

int main(int argc, char **argv)
{
	static const unsigned int flags[] = {
		0, DM_NOFLUSH_FLAG, DM_SKIP_LOCKFS_FLAG, DM_NOFLUSH_FLAG | DM_SKIP_LOCKFS_FLAG,
	};
	unsigned long n;

	if (argc != 3)
		errx(1, "usage: suspend NAME FILE");
	dm_control();
	if (mlockall(MCL_CURRENT | MCL_FUTURE))
		err(1, "cannot lock memory");

	for (n = 0; !access(argv[2], F_OK); n++) {
		if (n % 5 < 4) {
			suspend(argv[1], DM_SUSPEND_FLAG | flags[n % 5]);
			usleep(10000);
		}
		suspend(argv[1], 0);
		usleep(50000);
	}
	printf("%lu\n", n);
	return 0;
}
