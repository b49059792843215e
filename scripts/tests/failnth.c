// SPDX-License-Identifier: GPL-2.0-only
/*
 * usage: failnth N once|on create NAME
 *        failnth N once|on load NAME SEGMENTS ARGUMENTS
 *        failnth N once|on resume|clear|remove NAME
 *        failnth N once|on rename NAME NEW-NAME
 *        failnth N once|on message NAME MESSAGE
 *        failnth N once|on insmod FILE
 *
 * Do an ioctl of device-mapper, or load a module, while the Nth allocation of memory fails, with
 * "on" all later ones too; if N is 0, none fails. Print "reached" if there are so many allocations,
 * else "beyond", and the outcome, OK or the name of the errno. A table has SEGMENTS of 8 sectors,
 * with the same ARGUMENTS of dmp.
 */

#define _GNU_SOURCE
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "dm-ioctls.h"

static int open_own(const char *file)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/thread-self/%s", file);
	fd = open(path, O_RDWR);
	if (fd < 0)
		die(path);
	return fd;
}

static void put(int fd, const char *text)
{
	if (pwrite(fd, text, strlen(text), 0) < 0)
		die(text);
}

static int rename_volume(const char *name, const char *new_name)
{
	strcpy(data, new_name);
	return dm(DM_DEV_RENAME, name, 0, strlen(new_name) + 1);
}

static int insmod(int fd)
{
	return syscall(SYS_finit_module, fd, "", 0) ? errno : 0;
}

static int work(const char *what, char **args, int file)
{
	if (!strcmp(what, "create"))
		return dm(DM_DEV_CREATE, args[0], 0, 0);
	if (!strcmp(what, "load"))
		return load(args[0], "dmp", 8, args[2]);
	if (!strcmp(what, "resume"))
		return dm(DM_DEV_SUSPEND, args[0], 0, 0);
	if (!strcmp(what, "clear"))
		return dm(DM_TABLE_CLEAR, args[0], 0, 0);
	if (!strcmp(what, "remove"))
		return dm(DM_DEV_REMOVE, args[0], 0, 0);
	if (!strcmp(what, "rename"))
		return rename_volume(args[0], args[1]);
	if (!strcmp(what, "message"))
		return message(args[0], 0, args[1]);
	if (!strcmp(what, "insmod"))
		return insmod(file);
	exit(2);
}

int main(int argc, char **argv)
{
	char left[16] = "";
	int nth, all, file = -1, error;
	bool on;

	if (argc < 5)
		return 2;
	on = !strcmp(argv[2], "on");
	if (!strcmp(argv[3], "load"))
		nr_segments = atoi(argv[5]);
	if (!strcmp(argv[3], "insmod"))
		file = open(argv[4], O_RDONLY);
	dm_control();
	nth = open_own("fail-nth");
	all = open_own("make-it-fail");
	/* with "on", a page fault of this program would fail, too */
	if (mlockall(MCL_CURRENT | MCL_FUTURE))
		die("mlockall");
	put(all, on ? "1" : "0");
	put(nth, argv[1]);
	error = work(argv[3], argv + 4, file);
	put(all, "0");
	if (pread(nth, left, sizeof(left) - 1, 0) <= 0)
		die("fail-nth");
	put(nth, "0");
	printf("%s %s\n", atoi(left) ? "beyond" : "reached", error ? strerrorname_np(error) : "OK");
	return 0;
}
