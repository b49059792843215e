// SPDX-License-Identifier: GPL-2.0-only
/*
 * Device Mapper Proxy: passes every request unchanged to one underlying
 * device and counts what went by.
 *
 * Every target counts into per-CPU counters of its own. When it goes away its
 * counts fold into the module's totals, so these never go backwards.
 */

#include <linux/bio.h>
#include <linux/blkdev.h>
#include <linux/ctype.h>
#include <linux/dax.h>
#include <linux/device-mapper.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/sysfs.h>

#include "dm-dmp-stats.h"

#define DM_MSG_PREFIX "dmp"

/**
 * struct dmp_target - one segment of a volume
 * @dev: the underlying device
 * @start: where on @dev the segment begins, in 512-byte sectors
 * @counters: what went by
 */
struct dmp_target {
	struct dm_dev *dev;
	sector_t start;
	struct dmp_counters counters;
};

/**
 * struct dmp_io - what is remembered of a request until it ends
 * @bytes: its size (bi_size is used up by then)
 * @op: its operation (an empty flush does not show by then)
 * @counted: whether it has been counted already
 */
struct dmp_io {
	unsigned int bytes;
	u8 op;
	bool counted;
};

static struct dmp_totals dmp_module_totals = {
	.lock = __MUTEX_INITIALIZER(dmp_module_totals.lock),
	.live = LIST_HEAD_INIT(dmp_module_totals.live),
};

/*
 * Unlike sscanf(), which wraps silently, this refuses a number that is too
 * large. It is user input: say what is wrong with it.
 */
static int dmp_parse_offset(const char *arg, sector_t *offset, char **error)
{
	int r;

	if (*arg == '-') {
		*error = "Negative offset, expected a number of 512-byte sectors";
		return -EINVAL;
	}
	if (!isdigit(*arg)) {
		*error = "Offset is not a number, expected a number of 512-byte sectors";
		return -EINVAL;
	}

	r = kstrtou64(arg, 10, offset);
	if (r == -ERANGE)
		*error = "Offset does not fit a sector number";
	else if (r)
		*error = "Trailing junk after offset, expected a number of 512-byte sectors";
	return r;
}

static int dmp_get_device(struct dm_target *ti, const char *path,
			  struct dm_dev **dev)
{
	struct mapped_device *md = dm_table_get_md(ti->table);
	dev_t devt;
	int r;

	r = dm_devt_from_path(path, &devt);
	if (r) {
		ti->error = r == -ENOTBLK ? "Not a block device" : "No such device";
		return r;
	}
	if (devt == disk_devt(dm_disk(md))) {
		ti->error = "A device cannot be mapped onto itself";
		return -EINVAL;
	}

	r = dm_get_device(ti, path, dm_table_get_mode(ti->table), dev);
	if (r)
		ti->error = "Cannot open device";
	return r;
}

/*
 * The core checks this as well, but late (a reloaded table only at resume),
 * and leaves a device without a size alone: it may get one.
 */
static bool dmp_fits_device(const struct dmp_target *dt, sector_t len)
{
	sector_t size = bdev_nr_sectors(dt->dev->bdev);

	return !size || (dt->start <= size && len <= size - dt->start);
}

/*
 * Construct a proxy: <dev_path> [<offset>]
 */
static int dmp_ctr(struct dm_target *ti, unsigned int argc, char **argv)
{
	struct dmp_target *dt;
	int r;

	if (argc < 1) {
		ti->error = "No device, expected <dev_path> [<offset>]";
		return -EINVAL;
	}
	if (argc > 2) {
		ti->error = "Too many arguments, expected <dev_path> [<offset>]";
		return -EINVAL;
	}

	dt = kzalloc_obj(*dt);
	if (!dt) {
		ti->error = "Cannot allocate context";
		return -ENOMEM;
	}

	if (argc > 1) {
		r = dmp_parse_offset(argv[1], &dt->start, &ti->error);
		if (r)
			goto free_context;
	}

	r = dmp_get_device(ti, argv[0], &dt->dev);
	if (r)
		goto free_context;

	if (!dmp_fits_device(dt, ti->len)) {
		ti->error = "Offset plus length goes past the end of the device";
		r = -EINVAL;
		goto put_device;
	}

	r = dmp_counters_init(&dt->counters, &dmp_module_totals);
	if (r) {
		ti->error = "Cannot allocate counters";
		goto put_device;
	}

	/* No flush_bypasses_map as in dm-linear: flushes are counted. */
	ti->num_flush_bios = 1;
	ti->num_discard_bios = 1;
	ti->num_secure_erase_bios = 1;
	ti->num_write_zeroes_bios = 1;
	ti->per_io_data_size = sizeof(struct dmp_io);
	ti->private = dt;
	return 0;

put_device:
	dm_put_device(ti, dt->dev);
free_context:
	kfree(dt);
	return r;
}

static void dmp_dtr(struct dm_target *ti)
{
	struct dmp_target *dt = ti->private;

	dmp_counters_exit(&dt->counters, &dmp_module_totals);
	dm_put_device(ti, dt->dev);
	kfree(dt);
}

static sector_t dmp_map_sector(struct dm_target *ti, sector_t sector)
{
	struct dmp_target *dt = ti->private;

	return dt->start + dm_target_offset(ti, sector);
}

/*
 * The device below may bounce a request that must not block, or that is
 * polled for; the submitter then sends it again. Such a request is counted
 * when it ends, if it was carried out, because a counter never goes back.
 */
static int dmp_map(struct dm_target *ti, struct bio *bio)
{
	struct dmp_target *dt = ti->private;
	struct dmp_io *io = dm_per_bio_data(bio, sizeof(*io));

	io->bytes = bio->bi_iter.bi_size;
	io->op = dmp_op(bio->bi_opf, io->bytes);
	io->counted = !(bio->bi_opf & (REQ_NOWAIT | REQ_POLLED));
	if (io->counted)
		dmp_count(&dt->counters, io->op, io->bytes);

	bio_set_dev(bio, dt->dev->bdev);
	bio->bi_iter.bi_sector = dmp_map_sector(ti, bio->bi_iter.bi_sector);
	return DM_MAPIO_REMAPPED;
}

static int dmp_end_io(struct dm_target *ti, struct bio *bio,
		      blk_status_t *error)
{
	struct dmp_target *dt = ti->private;
	struct dmp_io *io = dm_per_bio_data(bio, sizeof(*io));

	if (likely(io->counted && !*error))
		return DM_ENDIO_DONE;

	/* Not an error, but a signal to send the request again. */
	if (*error == BLK_STS_AGAIN || *error == BLK_STS_DM_REQUEUE)
		return DM_ENDIO_DONE;

	if (!io->counted)
		dmp_count(&dt->counters, io->op, io->bytes);
	if (*error)
		dmp_count_error(&dt->counters, io->op);
	return DM_ENDIO_DONE;
}

static void dmp_status_info(struct dm_target *ti, char *result,
			    unsigned int maxlen)
{
	struct dmp_target *dt = ti->private;
	struct dmp_stats stats;
	size_t sz = 0;
	int i;

	dmp_counters_read(&dt->counters, &stats);
	for (i = 0; i < DMP_NR_OPS; i++)
		DMEMIT("%s%s %llu %llu %llu", i ? " " : "", dmp_op_names[i],
		       stats.op[i].reqs, stats.op[i].bytes, stats.op[i].errors);
}

static void dmp_status(struct dm_target *ti, status_type_t type,
		       unsigned int status_flags, char *result,
		       unsigned int maxlen)
{
	struct dmp_target *dt = ti->private;
	size_t sz = 0;

	switch (type) {
	case STATUSTYPE_INFO:
		dmp_status_info(ti, result, maxlen);
		break;
	case STATUSTYPE_TABLE:
		DMEMIT("%s %llu", dt->dev->name, dt->start);
		break;
	case STATUSTYPE_IMA:
		DMEMIT_TARGET_NAME_VERSION(ti->type);
		DMEMIT(",device_name=%s,start=%llu;", dt->dev->name, dt->start);
		break;
	}
}

/* An ioctl is about the whole device: only a whole mapping passes it on. */
static int dmp_prepare_ioctl(struct dm_target *ti, struct block_device **bdev,
			     unsigned int cmd, unsigned long arg, bool *forward)
{
	struct dmp_target *dt = ti->private;

	*bdev = dt->dev->bdev;
	return dt->start || ti->len != bdev_nr_sectors(*bdev);
}

#ifdef CONFIG_BLK_DEV_ZONED
static int dmp_report_zones(struct dm_target *ti,
			    struct dm_report_zones_args *args,
			    unsigned int nr_zones)
{
	struct dmp_target *dt = ti->private;

	return dm_report_zones(dt->dev->bdev, dt->start,
			       dmp_map_sector(ti, args->next_sector),
			       args, nr_zones);
}
#else
#define dmp_report_zones NULL
#endif

static int dmp_iterate_devices(struct dm_target *ti,
			       iterate_devices_callout_fn fn, void *data)
{
	struct dmp_target *dt = ti->private;

	return fn(ti, dt->dev, dt->start, ti->len, data);
}

#if IS_ENABLED(CONFIG_FS_DAX)
/* Pages mapped by DAX are used without a request: there is nothing to count. */
static struct dax_device *dmp_dax_pgoff(struct dm_target *ti, pgoff_t *pgoff)
{
	struct dmp_target *dt = ti->private;
	sector_t sector = dmp_map_sector(ti, *pgoff << PAGE_SECTORS_SHIFT);

	*pgoff = (get_start_sect(dt->dev->bdev) + sector) >> PAGE_SECTORS_SHIFT;
	return dt->dev->dax_dev;
}

static long dmp_dax_direct_access(struct dm_target *ti, pgoff_t pgoff,
				  long nr_pages, enum dax_access_mode mode,
				  void **kaddr, unsigned long *pfn)
{
	struct dax_device *dax_dev = dmp_dax_pgoff(ti, &pgoff);

	return dax_direct_access(dax_dev, pgoff, nr_pages, mode, kaddr, pfn);
}

static int dmp_dax_zero_page_range(struct dm_target *ti, pgoff_t pgoff,
				   size_t nr_pages)
{
	struct dax_device *dax_dev = dmp_dax_pgoff(ti, &pgoff);

	return dax_zero_page_range(dax_dev, pgoff, nr_pages);
}

static size_t dmp_dax_recovery_write(struct dm_target *ti, pgoff_t pgoff,
				     void *addr, size_t bytes,
				     struct iov_iter *i)
{
	struct dax_device *dax_dev = dmp_dax_pgoff(ti, &pgoff);

	return dax_recovery_write(dax_dev, pgoff, addr, bytes, i);
}
#else
#define dmp_dax_direct_access NULL
#define dmp_dax_zero_page_range NULL
#define dmp_dax_recovery_write NULL
#endif

static struct target_type dmp_target_type = {
	.name			= "dmp",
	.version		= {1, 0, 0},
	.features		= DM_TARGET_PASSES_INTEGRITY | DM_TARGET_NOWAIT |
				  DM_TARGET_ZONED_HM | DM_TARGET_PASSES_CRYPTO |
				  DM_TARGET_ATOMIC_WRITES,
	.module			= THIS_MODULE,
	.ctr			= dmp_ctr,
	.dtr			= dmp_dtr,
	.map			= dmp_map,
	.end_io			= dmp_end_io,
	.status			= dmp_status,
	.prepare_ioctl		= dmp_prepare_ioctl,
	.report_zones		= dmp_report_zones,
	.iterate_devices	= dmp_iterate_devices,
	.direct_access		= dmp_dax_direct_access,
	.dax_zero_page_range	= dmp_dax_zero_page_range,
	.dax_recovery_write	= dmp_dax_recovery_write,
};

static ssize_t volumes_show(const struct module_attribute *attr,
			    struct module_kobject *mk, char *page)
{
	struct dmp_stats stats;

	dmp_totals_read(&dmp_module_totals, &stats);
	return dmp_emit_volumes(&stats, page);
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

static int __init dmp_init(void)
{
	int r;

	r = dmp_find_module_kobj();
	if (r)
		return r;

	r = sysfs_create_group(dmp_module_kobj, &dmp_stat_group);
	if (r)
		return r;

	r = dm_register_target(&dmp_target_type);
	if (r)
		sysfs_remove_group(dmp_module_kobj, &dmp_stat_group);
	return r;
}

static void __exit dmp_exit(void)
{
	dm_unregister_target(&dmp_target_type);
	sysfs_remove_group(dmp_module_kobj, &dmp_stat_group);
}

module_init(dmp_init);
module_exit(dmp_exit);

MODULE_ALIAS("dm-dmp");
MODULE_DESCRIPTION(DM_NAME " proxy target that counts I/O");
MODULE_AUTHOR("The dm-dmp developers");
MODULE_LICENSE("GPL");
