/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Texts of the device-mapper target dmp: files in /sys/block/dm-N/dmp, and the reply to the
 * message histogram.
 */

#ifndef DM_SYSFS_H
#define DM_SYSFS_H

#include <stdbool.h>
#include <linux/types.h>

#include "counts.h"

/* a line of 52 numbers of 64 bits */
#define SYSFS_TEXT_LEN 2048

/* fields of the file stat */
#define STAT_OP_FIELDS	4
#define STAT_FIELDS	(1 + NR_OPS * STAT_OP_FIELDS)

int sysfs_open(void);
int sysfs_read(int dir, const char *path, char text[SYSFS_TEXT_LEN]);
int sysfs_read_fd(int fd, char text[SYSFS_TEXT_LEN]);
int sysfs_read_number(int dir, const char *path, __u64 *n);
int sysfs_read_name(int dir, const char *path, char name[SYSFS_TEXT_LEN]);
bool sysfs_has_latencies(int dir, const char *disk);
int sysfs_read_counts(int dir, const char *disk, enum op op, struct counts *counts);

bool parse_numbers(const char *text, __u64 *n, unsigned int nr);
void stat_counts(const __u64 stat[STAT_FIELDS], enum op op, struct counts *counts);
bool parse_joint(const char *text, struct counts *ops[NR_OPS]);

#endif /* DM_SYSFS_H */
