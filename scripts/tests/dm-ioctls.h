/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Device-mapper's ioctls. Each returns 0 or errno.
 */

#ifndef DM_IOCTLS_H
#define DM_IOCTLS_H

#include <errno.h>
#include <fcntl.h>
#include <linux/dm-ioctl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

/* Bytes of the longest table line or message, and of the longest answer. */
#define LONGEST		20000

static inline void die(const char *what)
{
	perror(what);
	exit(2);
}

static inline int dm_control(void)
{
	static int fd = -1;

	if (fd < 0)
		fd = open("/dev/mapper/control", O_RDWR);
	if (fd < 0)
		die("/dev/mapper/control");
	return fd;
}

static union {
	struct dm_ioctl head;
	char space[LONGEST + 4096];
} buffer;

/* Segments of the tables that load() loads. */
static unsigned int nr_segments = 1;

static void *const data = buffer.space + sizeof(buffer.head);

/* @size is what the ioctl needs of the data behind the header. */
static inline int dm(unsigned long request, const char *name, unsigned int flags, size_t size)
{
	buffer.head = (struct dm_ioctl) {
		.version = { DM_VERSION_MAJOR },
		.data_size = sizeof(buffer.head) + size,
		.data_start = sizeof(buffer.head),
		.target_count = request == DM_TABLE_LOAD ? nr_segments : 0,
		.flags = flags,
	};
	strcpy(buffer.head.name, name);
	return ioctl(dm_control(), request, &buffer) ? errno : 0;
}

/* Load a table of segments with so many sectors each, which are all alike but for their start. */
static inline int load(const char *name, const char *target, uint64_t sectors, const char *line)
{
	size_t size = (sizeof(struct dm_target_spec) + strlen(line) + 8) & ~7ul;
	char *segment = data;
	unsigned int i;

	for (i = 0; i < nr_segments; i++, segment += size) {
		struct dm_target_spec *spec = (void *)segment;

		*spec = (struct dm_target_spec) {
			.sector_start = i * sectors,
			.length = sectors,
			.next = size,
		};
		strcpy(spec->target_type, target);
		strcpy((char *)(spec + 1), line);
	}
	return dm(DM_TABLE_LOAD, name, 0, segment - (char *)data);
}

static inline int message(const char *name, uint64_t sector, const char *line)
{
	struct dm_target_msg *msg = data;

	msg->sector = sector;
	strcpy(msg->message, line);
	return dm(DM_TARGET_MSG, name, 0, sizeof(*msg) + strlen(line) + 1024);
}

/* The line of the inactive table, as dmsetup table --inactive prints it. */
static inline const char *inactive(const char *name)
{
	struct dm_target_spec *spec = data;

	if (dm(DM_TABLE_STATUS, name, DM_STATUS_TABLE_FLAG | DM_QUERY_INACTIVE_TABLE_FLAG, 1024) ||
	    buffer.head.target_count != 1)
		die("status of the inactive table");
	return (char *)(spec + 1);
}

#endif
