// SPDX-License-Identifier: GPL-2.0-only
/*
 * Volumes of the dmp target, and the sysfs files of volumes and of the module.
 *
 * Device-mapper has no place for target data that outlives a table. So dmp has a hash
 * table of volumes, keyed by mapped device: the first target of a volume creates it,
 * the last target frees it.
 */

#include <linux/blkdev.h>
#include <linux/device-mapper.h>
#include <linux/hashtable.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/sysfs.h>

#include "dm-core.h"	/* for struct dm_kobject_holder only */
#include "dm-dmp-report.h"
#include "dm-dmp-sysfs.h"

#define DM_MSG_PREFIX "dmp"

static struct dmp_level dmp_module_level;

/* Protects dmp_volumes and &dmp_volume.nr_targets. The holder allocates nothing. */
static DEFINE_MUTEX(dmp_volumes_lock);
static DEFINE_HASHTABLE(dmp_volumes, 8);

/**
 * struct dmp_volume - a mapped device that has dmp targets in any of its tables
 * @dir: kobject of the sysfs directory dmp, and the completion that the core's
 *	dm_kobject_release() completes. A release function in this module could be
 *	unloaded before it returns
 * @md: the mapped device
 * @node: entry in dmp_volumes
 * @nr_targets: number of targets
 * @dir_lock: serializes adding and removing files, and protects the next three fields.
 *	Removal waits for show(), so show() must not take this lock
 * @nr_shown: number of targets that are shown
 * @nr_latency: number of targets that are shown and measure latencies
 * @latency_shown: true while the latency files are in the directory
 * @level: statistics of the volume
 */
struct dmp_volume {
	struct dm_kobject_holder dir;
	struct mapped_device *md;
	struct hlist_node node;
	unsigned int nr_targets;
	struct mutex dir_lock;	/* protects the next three fields */
	unsigned int nr_shown;
	unsigned int nr_latency;
	bool latency_shown;
	struct dmp_level level;
};

/**
 * struct dmp_attribute - a file in the directory of a set of operations
 * @attr: name and mode
 * @ops: bitmap of operations
 * @file: the value in the file
 */
struct dmp_attribute {
	struct attribute attr;
	unsigned long ops;
	enum dmp_file file;
};

/**
 * struct dmp_directory - directory of a set of operations
 * @files: the files, by &enum dmp_file
 * @attrs: two NULL-terminated lists: the files that need no feature, then the files
 *	that need the feature latency
 * @group: the first list
 * @latency_group: the second list
 */
struct dmp_directory {
	struct dmp_attribute files[DMP_NR_FILES];
	struct attribute *attrs[DMP_NR_FILES + 2];
	struct attribute_group group;
	struct attribute_group latency_group;
};

/* A directory for each operation, and one for the total. */
static struct dmp_directory dmp_directories[DMP_OTHER + 1] __ro_after_init;

static struct attribute dmp_stat_attr = { .name = "stat", .mode = 0444 };
static struct attribute *dmp_volume_attrs[] = { &dmp_stat_attr, NULL };
static const struct attribute_group dmp_volume_group = { .attrs = dmp_volume_attrs };

static const struct attribute_group *dmp_groups[ARRAY_SIZE(dmp_directories) + 2] __ro_after_init;

static ssize_t dmp_file_show(struct kobject *kobj, struct attribute *attr,
			     char *page)
{
	struct dmp_volume *volume = container_of(kobj, struct dmp_volume, dir.kobj);
	struct dmp_attribute *a = container_of(attr, struct dmp_attribute, attr);

	if (attr == &dmp_stat_attr)
		return dmp_emit_stat(&volume->level, page);
	return dmp_emit_file(&volume->level, a->ops, a->file, page);
}

static const struct sysfs_ops dmp_sysfs_ops = {
	.show = dmp_file_show,
};

static const struct kobj_type dmp_volume_ktype = {
	.sysfs_ops	= &dmp_sysfs_ops,
	.default_groups	= dmp_groups,
	.release	= dm_kobject_release,
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
	kobject_init(&volume->dir.kobj, &dmp_volume_ktype);
	init_completion(&volume->dir.completion);
	mutex_init(&volume->dir_lock);
	dmp_level_init(&volume->level, &dmp_module_level);
	hash_add(dmp_volumes, &volume->node, (unsigned long)md);
}

/**
 * dmp_volume_get() - find or create the volume of a new target
 * @md: mapped device of the target
 *
 * Return: the volume, or NULL if out of memory.
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
 * dmp_volume_put() - drop a target of a volume, and free the volume with the last one
 * @volume: the volume, after dmp_volume_hide() and dmp_level_exit() for the target
 */
void dmp_volume_put(struct dmp_volume *volume)
{
	bool last;

	mutex_lock(&dmp_volumes_lock);
	last = !--volume->nr_targets;
	if (last)
		hash_del(&volume->node);
	mutex_unlock(&dmp_volumes_lock);
	if (!last)
		return;

	dmp_level_exit(&volume->level);
	kobject_put(&volume->dir.kobj);
	wait_for_completion(&volume->dir.completion);
	kfree(volume);
}

/**
 * dmp_volume_level() - get the statistics of a volume
 * @volume: the volume
 *
 * Return: level of the volume, the parent of its targets' levels.
 */
struct dmp_level *dmp_volume_level(struct dmp_volume *volume)
{
	return &volume->level;
}

static void dmp_remove_latency_files(struct kobject *dir)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(dmp_directories); i++)
		sysfs_unmerge_group(dir, &dmp_directories[i].latency_group);
}

static int dmp_add_latency_files(struct kobject *dir)
{
	int i, r;

	for (i = 0; i < ARRAY_SIZE(dmp_directories); i++) {
		r = sysfs_merge_group(dir, &dmp_directories[i].latency_group);
		if (r) {
			dmp_remove_latency_files(dir);
			return r;
		}
	}
	return 0;
}

/*
 * Add the directory and its latency files, if they are needed and not there. A device
 * above or below may be suspended, and reclaim must not wait for I/O to it.
 */
static void dmp_add_files(struct dmp_volume *volume)
{
	struct kobject *disk = &disk_to_dev(dm_disk(volume->md))->kobj;
	struct kobject *dir = &volume->dir.kobj;
	unsigned int noio = memalloc_noio_save();
	int r = 0;

	lockdep_assert_held(&volume->dir_lock);

	if (!dir->state_in_sysfs)
		r = kobject_add(dir, disk, "dmp");
	if (!r && volume->nr_latency && !volume->latency_shown) {
		r = dmp_add_latency_files(dir);
		volume->latency_shown = !r;
	}
	memalloc_noio_restore(noio);

	if (r)
		DMWARN("%s: cannot show statistics in sysfs: %d",
		       dm_device_name(volume->md), r);
}

/* Remove the directory and its latency files, if they are there and not needed. */
static void dmp_remove_files(struct dmp_volume *volume)
{
	struct kobject *dir = &volume->dir.kobj;

	lockdep_assert_held(&volume->dir_lock);

	if (!volume->nr_latency && volume->latency_shown) {
		dmp_remove_latency_files(dir);
		volume->latency_shown = false;
	}
	if (!volume->nr_shown && dir->state_in_sysfs)
		kobject_del(dir);
}

/**
 * dmp_volume_show() - add the sysfs files that a target needs to its volume's directory
 * @volume: the volume; a failure to add files is only logged
 * @latency: true if the target measures latencies
 *
 * Context: May sleep. sysfs may wait for allocations of others, and these for I/O, so
 * the volume must not be suspended, unless nothing uses it yet.
 * Return: false if the gendisk is not in sysfs yet.
 */
bool dmp_volume_show(struct dmp_volume *volume, bool latency)
{
	if (!device_is_registered(disk_to_dev(dm_disk(volume->md))))
		return false;

	mutex_lock(&volume->dir_lock);
	volume->nr_shown++;
	WRITE_ONCE(volume->nr_latency, volume->nr_latency + latency);
	dmp_add_files(volume);
	mutex_unlock(&volume->dir_lock);
	return true;
}

/**
 * dmp_volume_hide() - undo dmp_volume_show()
 * @volume: the volume
 * @latency: as passed to dmp_volume_show()
 *
 * Context: May sleep. Waits for show() of the files that it removes.
 */
void dmp_volume_hide(struct dmp_volume *volume, bool latency)
{
	mutex_lock(&volume->dir_lock);
	volume->nr_shown--;
	WRITE_ONCE(volume->nr_latency, volume->nr_latency - latency);
	dmp_remove_files(volume);
	mutex_unlock(&volume->dir_lock);
}

/**
 * dmp_volume_measures_latency() - tell whether a volume measures latencies
 * @volume: the volume
 *
 * Return: true if a target that is shown has the feature latency.
 */
bool dmp_volume_measures_latency(const struct dmp_volume *volume)
{
	return READ_ONCE(volume->nr_latency);
}

static void __init dmp_directory_init(struct dmp_directory *dir, const char *name,
				      unsigned long ops)
{
	struct attribute **attr = dir->attrs;
	enum dmp_file file;

	dir->group = (struct attribute_group) { .name = name, .attrs = attr };
	for (file = 0; file < DMP_NR_FILES; file++) {
		if (file == DMP_FILE_LATENCY_NS)
			dir->latency_group = (struct attribute_group) {
				.name = name, .attrs = ++attr,
			};
		dir->files[file] = (struct dmp_attribute) {
			.attr = { .name = dmp_file_names[file], .mode = 0444 },
			.ops = ops,
			.file = file,
		};
		*attr++ = &dir->files[file].attr;
	}
}

static void __init dmp_directories_init(void)
{
	int i;

	for (i = 0; i < DMP_OTHER; i++)
		dmp_directory_init(&dmp_directories[i], dmp_op_names[i], BIT(i));
	dmp_directory_init(&dmp_directories[DMP_OTHER], "total", DMP_TOTAL);

	dmp_groups[0] = &dmp_volume_group;
	for (i = 0; i < ARRAY_SIZE(dmp_directories); i++)
		dmp_groups[i + 1] = &dmp_directories[i].group;
}

static ssize_t volumes_show(const struct module_attribute *attr,
			    struct module_kobject *mk, char *page)
{
	return dmp_emit_volumes(&dmp_module_level, page);
}

static struct module_attribute dmp_volumes_attr = __ATTR_RO(volumes);
static struct attribute *dmp_stat_attrs[] = { &dmp_volumes_attr.attr, NULL };
static const struct attribute_group dmp_stat_group = {
	.name	= "stat",
	.attrs	= dmp_stat_attrs,
};

/* Kobject of /sys/module/dmp: without a struct module, built-in code looks it up. */
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
 * dmp_sysfs_init() - add the module's sysfs file, set up the attributes of volumes
 *
 * Return: 0 or a negative error.
 */
int __init dmp_sysfs_init(void)
{
	int r;

	dmp_level_init(&dmp_module_level, NULL);
	dmp_directories_init();
	r = dmp_find_module_kobj();
	if (r)
		return r;
	return sysfs_create_group(dmp_module_kobj, &dmp_stat_group);
}

/**
 * dmp_sysfs_exit() - remove the module's sysfs file
 */
void dmp_sysfs_exit(void)
{
	sysfs_remove_group(dmp_module_kobj, &dmp_stat_group);
	/* no table uses the module, so no target is left */
	WARN_ON(!hash_empty(dmp_volumes));
}
