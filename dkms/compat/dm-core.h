/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Distributions do not ship drivers/md/dm-core.h. dmp uses only this struct of it, and
 * dm_kobject_release(), which the kernel exports.
 */

#ifndef DMP_COMPAT_DM_CORE_H
#define DMP_COMPAT_DM_CORE_H

#include <linux/completion.h>
#include <linux/kobject.h>

struct dm_kobject_holder {
	struct kobject kobj;
	struct completion completion;
};

void dm_kobject_release(struct kobject *kobj);

#endif /* DMP_COMPAT_DM_CORE_H */
