/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Locks that are held while the table of a volume is exchanged.
 */

#ifndef DM_LOCK_H
#define DM_LOCK_H

#include <limits.h>
#include <stdbool.h>

#include "volume.h"

/**
 * struct lock - locks of a volume
 * @run_fd: file that excludes other runs of dmpctl
 * @vg_fd: file of the volume group's lock, -1 if the volume is not LVM's
 * @vg_path: path of the volume group's lock
 */
struct lock {
	int run_fd;
	int vg_fd;
	char vg_path[PATH_MAX + DM_NAME_LEN];
};

bool lock_volume(struct lock *lock, const struct volume *volume);
void unlock_volume(struct lock *lock);

#endif /* DM_LOCK_H */
