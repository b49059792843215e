// SPDX-License-Identifier: GPL-2.0-only
/*
 * Device Mapper Proxy: passes every request unchanged to one underlying
 * device and counts what went by.
 */

#include <linux/bio.h>
#include <linux/blkdev.h>
#include <linux/ctype.h>
#include <linux/dax.h>
#include <linux/device-mapper.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/timekeeping.h>

#include "dm-dmp-report.h"
#include "dm-dmp-sysfs.h"

#define DM_MSG_PREFIX "dmp"

/**
 * struct dmp_target - one segment of a volume
 * @dev: the underlying device
 * @start: where on @dev the segment begins, in 512-byte sectors
 * @volume: the volume
 * @shown: whether the volume shows that it is there
 * @level: what went by
 */
struct dmp_target {
	struct dm_dev *dev;
	sector_t start;
	struct dmp_volume *volume;
	bool shown;
	struct dmp_level level;
};

/*
 * What is remembered of a request until it ends, when its size is used up and its
 * flags may have changed: its size, which device-mapper makes whole sectors and
 * which leaves nine bits free, and there its operation and whether it is yet to be
 * counted. It is in bi_private, which the target of a bio is free to use: unlike
 * per-bio data it need not be looked for.
 */
#define DMP_IO_OP	GENMASK(2, 0)
#define DMP_IO_COUNT	BIT(3)
#define DMP_IO_BYTES	GENMASK(31, SECTOR_SHIFT)

static_assert(DMP_NONE <= DMP_IO_OP);

/**
 * struct dmp_timed_io - what bi_private points at if latencies are measured
 * @io: what would be there otherwise
 * @start_ns: when the request was mapped
 */
struct dmp_timed_io {
	unsigned long io;
	u64 start_ns;
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

static int dmp_parse_features(struct dm_arg_set *as, bool *latency, char **error)
{
	const char *arg = dm_shift_arg(as);
	unsigned int nr_args;

	if (*arg == '-') {
		*error = "Negative number of feature arguments";
		return -EINVAL;
	}
	if (!isdigit(*arg) || kstrtouint(arg, 10, &nr_args)) {
		*error = "Expected the number of feature arguments";
		return -EINVAL;
	}
	if (nr_args > as->argc) {
		*error = "Fewer feature arguments than their number says";
		return -EINVAL;
	}
	if (nr_args < as->argc) {
		*error = "More arguments than the number of feature arguments says";
		return -EINVAL;
	}

	while (as->argc) {
		if (strcmp(dm_shift_arg(as), "latency")) {
			*error = "Unknown feature, expected latency";
			return -EINVAL;
		}
		if (*latency) {
			*error = "Feature latency given twice";
			return -EINVAL;
		}
		*latency = true;
	}
	return 0;
}

static void dmp_show(struct dmp_target *dt)
{
	dmp_volume_show(dt->volume, dmp_measures_latency(&dt->level));
	dt->shown = true;
}

static int dmp_start_counting(struct dm_target *ti, struct dmp_target *dt,
			      bool latency)
{
	int r;

	dt->volume = dmp_volume_get(dm_table_get_md(ti->table));
	if (!dt->volume)
		return -ENOMEM;

	r = dmp_level_init_target(&dt->level, &dt->volume->level, latency);
	if (r) {
		dmp_volume_put(dt->volume);
		return r;
	}

	if (dmp_volume_can_show(dt->volume))
		dmp_show(dt);
	return 0;
}

/*
 * Construct a proxy: <dev_path> [<offset> [<#feature_args> [latency]]]
 */
static int dmp_ctr(struct dm_target *ti, unsigned int argc, char **argv)
{
	struct dm_arg_set as = { .argc = argc, .argv = argv };
	struct dmp_target *dt;
	bool latency = false;
	const char *path;
	int r;

	if (argc < 1) {
		ti->error = "Expected <dev_path> [<offset> [<#feature_args> [<feature>]...]]";
		return -EINVAL;
	}

	dt = kzalloc_obj(*dt);
	if (!dt) {
		ti->error = "Cannot allocate context";
		return -ENOMEM;
	}

	path = dm_shift_arg(&as);
	if (as.argc) {
		r = dmp_parse_offset(dm_shift_arg(&as), &dt->start, &ti->error);
		if (r)
			goto free_context;
	}
	if (as.argc) {
		r = dmp_parse_features(&as, &latency, &ti->error);
		if (r)
			goto free_context;
	}

	r = dmp_get_device(ti, path, &dt->dev);
	if (r)
		goto free_context;

	if (!dmp_fits_device(dt, ti->len)) {
		ti->error = "Offset plus length goes past the end of the device";
		r = -EINVAL;
		goto put_device;
	}

	r = dmp_start_counting(ti, dt, latency);
	if (r) {
		ti->error = "Cannot allocate counters";
		goto put_device;
	}

	/* No flush_bypasses_map as in dm-linear: flushes are counted. */
	ti->num_flush_bios = 1;
	ti->num_discard_bios = 1;
	ti->num_secure_erase_bios = 1;
	ti->num_write_zeroes_bios = 1;
	if (latency)
		ti->per_io_data_size = sizeof(struct dmp_timed_io);
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

	if (dt->shown && dmp_measures_latency(&dt->level))
		dmp_volume_hide_latency(dt->volume);
	dmp_level_exit(&dt->level);
	dmp_volume_put(dt->volume);
	dm_put_device(ti, dt->dev);
	kfree(dt);
}

/*
 * The first table of a device is loaded before sysfs has a directory for it: it
 * is shown here, when nothing relies on the device yet. Later, requests are held
 * up while it is resumed, and what sysfs does might come to wait for one of them
 * (memory reclaim): so other tables are shown when they are loaded.
 */
static int dmp_preresume(struct dm_target *ti)
{
	struct dmp_target *dt = ti->private;

	if (!dt->shown)
		dmp_show(dt);
	return 0;
}

static sector_t dmp_map_sector(struct dm_target *ti, sector_t sector)
{
	struct dmp_target *dt = ti->private;

	return dt->start + dm_target_offset(ti, sector);
}

/* Not inline, here and below: what it saves is no matter of other targets. */
static noinline void dmp_map_timed(struct bio *bio)
{
	struct dmp_timed_io *timed = dm_per_bio_data(bio, sizeof(*timed));

	timed->io = (unsigned long)bio->bi_private;
	bio->bi_private = timed;
	timed->start_ns = ktime_get_ns();
}

/*
 * The device below may bounce a request that must not block, or that is
 * polled for; the submitter then sends it again. Such a request is counted
 * when it ends, if it was carried out, because a counter never goes back.
 */
static int dmp_map(struct dm_target *ti, struct bio *bio)
{
	struct dmp_target *dt = ti->private;
	unsigned int bytes = bio->bi_iter.bi_size;
	enum dmp_op op = dmp_op(bio->bi_opf, bytes);
	unsigned long io = bytes | op;

	if (bio->bi_opf & (REQ_NOWAIT | REQ_POLLED))
		io |= DMP_IO_COUNT;
	else
		dmp_count(&dt->level, op, bytes);
	bio->bi_private = (void *)io;

	bio_set_dev(bio, dt->dev->bdev);
	bio->bi_iter.bi_sector = dmp_map_sector(ti, bio->bi_iter.bi_sector);
	if (unlikely(dmp_measures_latency(&dt->level)))
		dmp_map_timed(bio);
	return DM_MAPIO_REMAPPED;
}

/* Tells whether the request was carried out, be it with an error. */
static __always_inline bool dmp_end(struct dmp_target *dt, unsigned long io,
				    blk_status_t error)
{
	enum dmp_op op = io & DMP_IO_OP;

	if (unlikely(error)) {
		/* Not an error, but a signal to send the request again. */
		if (error == BLK_STS_AGAIN || error == BLK_STS_DM_REQUEUE)
			return false;
		dmp_count_error(&dt->level, op);
	}
	if (io & DMP_IO_COUNT)
		dmp_count(&dt->level, op, io & DMP_IO_BYTES);
	return true;
}

static noinline void dmp_end_timed(struct dmp_target *dt,
				   const struct dmp_timed_io *timed,
				   blk_status_t error)
{
	u64 now = ktime_get_ns();
	unsigned long io = timed->io;

	if (dmp_end(dt, io, error))
		dmp_count_latency(&dt->level, io & DMP_IO_OP, io & DMP_IO_BYTES,
				  now - timed->start_ns);
}

static int dmp_end_io(struct dm_target *ti, struct bio *bio,
		      blk_status_t *error)
{
	struct dmp_target *dt = ti->private;

	if (unlikely(dmp_measures_latency(&dt->level)))
		dmp_end_timed(dt, bio->bi_private, *error);
	else
		dmp_end(dt, (unsigned long)bio->bi_private, *error);
	return DM_ENDIO_DONE;
}

static void dmp_status(struct dm_target *ti, status_type_t type,
		       unsigned int status_flags, char *result,
		       unsigned int maxlen)
{
	struct dmp_target *dt = ti->private;
	bool latency = dmp_measures_latency(&dt->level);
	size_t sz = 0;

	switch (type) {
	case STATUSTYPE_INFO:
		dmp_emit_status(&dt->level, result, maxlen);
		break;
	case STATUSTYPE_TABLE:
		DMEMIT("%s %llu", dt->dev->name, dt->start);
		if (latency)
			DMEMIT(" 1 latency");
		break;
	case STATUSTYPE_IMA:
		DMEMIT_TARGET_NAME_VERSION(ti->type);
		DMEMIT(",device_name=%s,start=%llu,latency=%c;",
		       dt->dev->name, dt->start, latency ? 'y' : 'n');
		break;
	}
}

static int dmp_message_reset(struct dmp_volume *volume, unsigned int argc)
{
	if (argc > 1) {
		DMERR("%s: message reset takes no argument", dm_device_name(volume->md));
		return -EINVAL;
	}

	dmp_level_reset(&volume->level);
	return 0;
}

static int dmp_message_histogram(struct dmp_volume *volume, unsigned int argc,
				 char **argv, char *result, unsigned int maxlen)
{
	int first = 0, last = DMP_NR_OPS - 1;

	if (argc > 2) {
		DMERR("%s: message histogram takes one operation at most",
		      dm_device_name(volume->md));
		return -EINVAL;
	}
	if (argc == 2) {
		first = match_string(dmp_op_names, DMP_NR_OPS, argv[1]);
		last = first;
	}
	if (first < 0) {
		DMERR("%s: expected read, write, discard, write_zeroes, flush or zone, not %s",
		      dm_device_name(volume->md), argv[1]);
		return -EINVAL;
	}
	if (!dmp_volume_measures_latency(volume)) {
		DMERR("%s: message histogram needs a table with the feature latency",
		      dm_device_name(volume->md));
		return -EINVAL;
	}

	dmp_emit_histogram(&volume->level, first, last, result, maxlen);
	return 1;
}

static int dmp_message(struct dm_target *ti, unsigned int argc, char **argv,
		       char *result, unsigned int maxlen)
{
	struct dmp_target *dt = ti->private;

	if (!strcmp(argv[0], "reset"))
		return dmp_message_reset(dt->volume, argc);
	if (!strcmp(argv[0], "histogram"))
		return dmp_message_histogram(dt->volume, argc, argv, result, maxlen);

	DMERR("%s: unknown message %s, expected reset or histogram [<operation>]",
	      dm_device_name(dt->volume->md), argv[0]);
	return -EINVAL;
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
	.preresume		= dmp_preresume,
	.map			= dmp_map,
	.end_io			= dmp_end_io,
	.status			= dmp_status,
	.message		= dmp_message,
	.prepare_ioctl		= dmp_prepare_ioctl,
	.report_zones		= dmp_report_zones,
	.iterate_devices	= dmp_iterate_devices,
	.direct_access		= dmp_dax_direct_access,
	.dax_zero_page_range	= dmp_dax_zero_page_range,
	.dax_recovery_write	= dmp_dax_recovery_write,
};

static int __init dmp_init(void)
{
	int r;

	r = dmp_sysfs_init();
	if (r)
		return r;

	r = dm_register_target(&dmp_target_type);
	if (r)
		dmp_sysfs_exit();
	return r;
}

static void __exit dmp_exit(void)
{
	dm_unregister_target(&dmp_target_type);
	dmp_sysfs_exit();
}

module_init(dmp_init);
module_exit(dmp_exit);

MODULE_ALIAS("dm-dmp");
MODULE_DESCRIPTION(DM_NAME " proxy target that counts I/O");
MODULE_AUTHOR("The dm-dmp developers");
MODULE_LICENSE("GPL");
