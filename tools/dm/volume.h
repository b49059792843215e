/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Device-mapper volumes, and the exchange of their tables.
 */

#ifndef DM_VOLUME_H
#define DM_VOLUME_H

#include <libdevmapper.h>
#include <linux/dm-ioctl.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/**
 * struct segment - a line of a table
 * @start: first sector
 * @len: number of sectors
 * @type: target type
 * @params: arguments of the target
 */
struct segment {
	uint64_t start;
	uint64_t len;
	char *type;
	char *params;
};

/**
 * struct table - the lines of a table
 * @nr: number of segments
 * @segments: the segments
 */
struct table {
	unsigned int nr;
	struct segment *segments;
};

/**
 * struct volume - a device-mapper device
 * @name: name, as in /dev/mapper
 * @uuid: UUID, may be empty
 * @info: device number and state, as the kernel reports them
 */
struct volume {
	char name[DM_NAME_LEN];
	char uuid[DM_UUID_LEN];
	struct dm_info info;
};

void volume_init(void);
int volume_path_devno(const char *path, dev_t *devno);

/* These return true or a pointer on success, and false or NULL after printing an error. */
bool volume_find(struct volume *volume, const char *arg);
bool volume_refresh(struct volume *volume);
bool volume_read_table(const struct volume *volume, bool inactive, struct table *table);
bool volume_clear(const struct volume *volume);
bool volume_exchange(const struct volume *volume, const struct table *table, uint32_t *cookie);
bool volume_message(const struct volume *volume, uint64_t sector, const char *message);
char *volume_histogram(const struct volume *volume);
char *volume_create(const char *name, const struct table *table);

bool table_add(struct table *table, uint64_t start, uint64_t len, const char *type,
	       const char *params);
const struct segment *table_find(const struct table *table, const char *type);
bool table_equal(const struct table *a, const struct table *b);
void table_free(struct table *table);

#endif /* DM_VOLUME_H */
