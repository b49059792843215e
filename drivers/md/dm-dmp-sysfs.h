/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Volumes of the dmp target, and their directories in sysfs.
 */

#ifndef DM_DMP_SYSFS_H
#define DM_DMP_SYSFS_H

#include <linux/completion.h>
#include <linux/kobject.h>
#include <linux/list.h>

#include "dm-dmp-stats.h"

struct mapped_device;

/**
 * struct dmp_volume - a mapped device, while one of its tables has dmp targets
 * @kobj: the directory dmp in sysfs, once it can be shown
 * @released: whether nobody uses @kobj any more
 * @md: the mapped device
 * @node: entry in the table of all volumes
 * @nr_targets: number of targets, those of tables that are not live included
 * @nr_latency: number of targets that are shown and measure latencies
 * @latency_shown: whether the files for latencies are in sysfs
 * @level: what its targets count together
 */
struct dmp_volume {
	struct kobject kobj;
	struct completion released;
	struct mapped_device *md;
	struct hlist_node node;
	unsigned int nr_targets;
	unsigned int nr_latency;
	bool latency_shown;
	struct dmp_level level;
};

struct dmp_volume *dmp_volume_get(struct mapped_device *md);
void dmp_volume_put(struct dmp_volume *volume);
bool dmp_volume_can_show(const struct dmp_volume *volume);
void dmp_volume_show(struct dmp_volume *volume, bool latency);
void dmp_volume_hide_latency(struct dmp_volume *volume);
bool dmp_volume_measures_latency(const struct dmp_volume *volume);
int dmp_sysfs_init(void);
void dmp_sysfs_exit(void);

#endif /* DM_DMP_SYSFS_H */
