// SPDX-License-Identifier: GPL-2.0-only
/*
 * Volumes of the dmp target, and what sysfs shows of them and of the module.
 *
 * A device-mapper target has no place for what outlives a table. So targets
 * look up their volume by the mapped device: the first one creates it, and the
 * last one removes it.
 */

#include <linux/blkdev.h>
#include <linux/device-mapper.h>
#include <linux/hashtable.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/sysfs.h>

#include "dm-dmp-report.h"
#include "dm-dmp-sysfs.h"

#define DM_MSG_PREFIX "dmp"

static struct dmp_level dmp_module_level;

/*
 * Held while directories come and go, which may wait for those who read them:
 * what reads never takes it.
 */
static DEFINE_MUTEX(dmp_volumes_lock);
static DEFINE_HASHTABLE(dmp_volumes, 8);

/**
 * struct dmp_attribute - a file in the directory of a volume
 * @attr: name and mode
 * @op: operation, or DMP_TOTAL
 * @file: what it shows
 */
struct dmp_attribute {
	struct attribute attr;
	enum dmp_op op;
	enum dmp_file file;
};

/**
 * struct dmp_directory - an operation's directory in that of a volume
 * @group: what is always there
 * @latency_group: what is there while latencies are measured
 * @files: all files
 * @attrs: list of those in @group
 * @latency_attrs: list of those in @latency_group
 */
struct dmp_directory {
	struct attribute_group group;
	struct attribute_group latency_group;
	struct dmp_attribute files[DMP_NR_FILES];
	struct attribute *attrs[DMP_NR_FILES + 1];
	struct attribute *latency_attrs[DMP_NR_FILES + 1];
};

static struct dmp_directory dmp_directories[DMP_TOTAL + 1] __ro_after_init;
static const struct attribute_group *dmp_groups[DMP_TOTAL + 2] __ro_after_init;

static ssize_t dmp_file_show(struct kobject *kobj, struct attribute *attr,
			     char *page)
{
	struct dmp_volume *volume = container_of(kobj, struct dmp_volume, kobj);
	struct dmp_attribute *a = container_of(attr, struct dmp_attribute, attr);

	return dmp_emit_file(&volume->level, a->op, a->file, page);
}

static const struct sysfs_ops dmp_sysfs_ops = {
	.show = dmp_file_show,
};

static void dmp_volume_release(struct kobject *kobj)
{
	complete(&container_of(kobj, struct dmp_volume, kobj)->released);
}

static const struct kobj_type dmp_volume_ktype = {
	.sysfs_ops	= &dmp_sysfs_ops,
	.default_groups	= dmp_groups,
	.release	= dmp_volume_release,
};

static struct dmp_volume *dmp_volume_find(struct mapped_device *md)
{
	struct dmp_volume *volume;

	hash_for_each_possible(dmp_volumes, volume, node, (unsigned long)md)
		if (volume->md == md)
			return volume;
	return NULL;
}

static void dmp_volume_add(struct dmp_volume *volume, struct mapped_device *md)
{
	volume->md = md;
	kobject_init(&volume->kobj, &dmp_volume_ktype);
	init_completion(&volume->released);
	dmp_level_init(&volume->level, &dmp_module_level);
	hash_add(dmp_volumes, &volume->node, (unsigned long)md);
}

/**
 * dmp_volume_get() - find or create the volume that a new target belongs to
 * @md: mapped device of the target
 *
 * Return: the volume, NULL if there is no memory for it.
 */
struct dmp_volume *dmp_volume_get(struct mapped_device *md)
{
	struct dmp_volume *new = kzalloc_obj(*new);
	struct dmp_volume *volume;

	if (!new)
		return NULL;

	mutex_lock(&dmp_volumes_lock);
	volume = dmp_volume_find(md);
	if (!volume) {
		volume = new;
		new = NULL;
		dmp_volume_add(volume, md);
	}
	volume->nr_targets++;
	mutex_unlock(&dmp_volumes_lock);

	kfree(new);
	return volume;
}

/**
 * dmp_volume_put() - remove a volume if this was its last target
 * @volume: the volume, in which the target's counts are folded already
 *
 * Waits for whoever reads the volume's files.
 */
void dmp_volume_put(struct dmp_volume *volume)
{
	bool last;

	/* until the directory is gone the next volume cannot have the name */
	mutex_lock(&dmp_volumes_lock);
	last = !--volume->nr_targets;
	if (last) {
		hash_del(&volume->node);
		if (volume->kobj.state_in_sysfs)
			kobject_del(&volume->kobj);
	}
	mutex_unlock(&dmp_volumes_lock);
	if (!last)
		return;

	dmp_level_exit(&volume->level);
	kobject_put(&volume->kobj);
	wait_for_completion(&volume->released);
	kfree(volume);
}

static void dmp_remove_latency_files(struct dmp_volume *volume)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(dmp_directories); i++)
		sysfs_unmerge_group(&volume->kobj, &dmp_directories[i].latency_group);
}

static int dmp_add_latency_files(struct dmp_volume *volume)
{
	int i, r;

	for (i = 0; i < ARRAY_SIZE(dmp_directories); i++) {
		r = sysfs_merge_group(&volume->kobj, &dmp_directories[i].latency_group);
		if (r) {
			dmp_remove_latency_files(volume);
			return r;
		}
	}
	return 0;
}

/**
 * dmp_volume_can_show() - tell whether the disk has a directory in sysfs
 * @volume: the volume
 *
 * Return: false while its first table is being loaded.
 */
bool dmp_volume_can_show(const struct dmp_volume *volume)
{
	return device_is_registered(disk_to_dev(dm_disk(volume->md)));
}

/**
 * dmp_volume_show() - show a volume in sysfs, if it is not yet
 * @volume: volume of a target that is new
 * @latency: whether the target measures latencies
 *
 * A volume that cannot be shown works all the same.
 *
 * Context: May sleep, and wait for I/O: no request may be held up by the volume.
 */
void dmp_volume_show(struct dmp_volume *volume, bool latency)
{
	struct kobject *disk = &disk_to_dev(dm_disk(volume->md))->kobj;
	int r = 0;

	mutex_lock(&dmp_volumes_lock);
	if (latency)
		WRITE_ONCE(volume->nr_latency, volume->nr_latency + 1);
	if (!volume->kobj.state_in_sysfs)
		r = kobject_add(&volume->kobj, disk, "dmp");
	if (!r && volume->nr_latency && !volume->latency_shown) {
		r = dmp_add_latency_files(volume);
		volume->latency_shown = !r;
	}
	mutex_unlock(&dmp_volumes_lock);

	if (r)
		DMWARN("%s: cannot show statistics in sysfs: %d",
		       dm_device_name(volume->md), r);
}

/**
 * dmp_volume_hide_latency() - hide latencies if this was the last to have any
 * @volume: volume of a target that was given to dmp_volume_show() with latency,
 *	and is about to go
 *
 * Waits for whoever reads the volume's files.
 */
void dmp_volume_hide_latency(struct dmp_volume *volume)
{
	mutex_lock(&dmp_volumes_lock);
	WRITE_ONCE(volume->nr_latency, volume->nr_latency - 1);
	if (!volume->nr_latency && volume->latency_shown) {
		dmp_remove_latency_files(volume);
		volume->latency_shown = false;
	}
	mutex_unlock(&dmp_volumes_lock);
}

/**
 * dmp_volume_measures_latency() - tell whether any of a volume's targets does
 * @volume: the volume
 *
 * Return: true if one that is shown does.
 */
bool dmp_volume_measures_latency(const struct dmp_volume *volume)
{
	return READ_ONCE(volume->nr_latency);
}

static void __init dmp_directory_init(struct dmp_directory *dir, enum dmp_op op)
{
	struct attribute **attr = dir->attrs;
	struct attribute **latency_attr = dir->latency_attrs;
	enum dmp_file file;

	for (file = 0; file < DMP_NR_FILES; file++) {
		struct dmp_attribute *a = &dir->files[file];

		a->attr.name = dmp_file_names[file];
		a->attr.mode = 0444;
		a->op = op;
		a->file = file;
		if (dmp_file_needs_latency(file))
			*latency_attr++ = &a->attr;
		else
			*attr++ = &a->attr;
	}

	dir->group.name = dmp_op_names[op];
	dir->group.attrs = dir->attrs;
	dir->latency_group.name = dmp_op_names[op];
	dir->latency_group.attrs = dir->latency_attrs;
}

static ssize_t volumes_show(const struct module_attribute *attr,
			    struct module_kobject *mk, char *page)
{
	return dmp_emit_volumes(&dmp_module_level, page);
}

static const struct module_attribute dmp_volumes_attr = __ATTR_RO(volumes);

static const struct attribute *const dmp_stat_attrs[] = {
	&dmp_volumes_attr.attr,
	NULL,
};

static const struct attribute_group dmp_stat_group = {
	.name		= "stat",
	.attrs_const	= dmp_stat_attrs,
};

/* The directory under /sys/module, which a built-in has to ask for. */
static struct kobject *dmp_module_kobj;

static int __init dmp_find_module_kobj(void)
{
#ifdef MODULE
	dmp_module_kobj = &THIS_MODULE->mkobj.kobj;
#else
	struct module_kobject *mk = lookup_or_create_module_kobject(KBUILD_MODNAME);

	if (!mk)
		return -ENOMEM;
	dmp_module_kobj = &mk->kobj;
#endif
	return 0;
}

/**
 * dmp_sysfs_init() - show the module's statistics, get ready for volumes
 *
 * Return: 0 or a negative error.
 */
int __init dmp_sysfs_init(void)
{
	int op, r;

	dmp_level_init(&dmp_module_level, NULL);
	for (op = 0; op <= DMP_TOTAL; op++) {
		dmp_directory_init(&dmp_directories[op], op);
		dmp_groups[op] = &dmp_directories[op].group;
	}

	r = dmp_find_module_kobj();
	if (r)
		return r;
	return sysfs_create_group(dmp_module_kobj, &dmp_stat_group);
}

/**
 * dmp_sysfs_exit() - take the module's statistics away
 */
void dmp_sysfs_exit(void)
{
	sysfs_remove_group(dmp_module_kobj, &dmp_stat_group);
}
