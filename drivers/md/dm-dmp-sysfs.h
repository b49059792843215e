/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Volumes of the dmp target, and their directories in sysfs.
 */

#ifndef DM_DMP_SYSFS_H
#define DM_DMP_SYSFS_H

#include "dm-dmp-stats.h"

struct dmp_volume;
struct mapped_device;

struct dmp_volume *dmp_volume_get(struct mapped_device *md);
void dmp_volume_put(struct dmp_volume *volume);
struct dmp_level *dmp_volume_level(struct dmp_volume *volume);
bool dmp_volume_show(struct dmp_volume *volume, bool latency);
void dmp_volume_hide(struct dmp_volume *volume, bool latency);
bool dmp_volume_measures_latency(const struct dmp_volume *volume);
int dmp_sysfs_init(void);
void dmp_sysfs_exit(void);

#endif /* DM_DMP_SYSFS_H */
