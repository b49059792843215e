// SPDX-License-Identifier: GPL-2.0-only
/*
 * Device Mapper Proxy: passes every bio unchanged to one underlying device and
 * counts it.
 */

#include <linux/bio.h>
#include <linux/blkdev.h>
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
 * struct dmp_target - a target: one segment of a volume
 * @dev: the underlying device
 * @start: start of the segment on @dev, in 512-byte sectors
 * @volume: the volume
 * @shown: true after dmp_volume_show() succeeded; the destructor then undoes it
 * @level: statistics of the target
 */
struct dmp_target {
	struct dm_dev *dev;
	sector_t start;
	struct dmp_volume *volume;
	bool shown;
	struct dmp_level level;
};

/*
 * Per-bio state, packed into bi_private. Device-mapper leaves the clone's bi_private
 * to the target, and reading it is cheaper than finding per-bio data. At completion
 * bi_size is 0 and bi_opf may have changed, so map saves size, operation and "not yet
 * counted" here. Sizes are multiples of 512: the low nine bits are free.
 */
#define DMP_IO_OP	GENMASK(2, 0)
#define DMP_IO_COUNT	BIT(3)
#define DMP_IO_BYTES	GENMASK(31, SECTOR_SHIFT)

static_assert(DMP_NR_OPS - 1 <= DMP_IO_OP);

/**
 * struct dmp_timed_io - per-bio data of a target that measures latencies
 * @io: state of the bio; bi_private points to this struct instead of holding it
 * @start_ns: time of the map, from ktime_get_ns()
 */
struct dmp_timed_io {
	unsigned int io;
	u64 start_ns;
};

static int dmp_parse_features(struct dm_arg_set *as, bool *latency, char **error)
{
	static const struct dm_arg args[] = {
		{ 0, 1, "Invalid number of feature arguments, expected 0 or 1" },
	};
	unsigned int nr_args;
	int r;

	r = dm_read_arg_group(args, as, &nr_args, error);
	if (r)
		return r;
	if (nr_args != as->argc) {
		*error = "Unexpected argument after the features";
		return -EINVAL;
	}

	if (nr_args && strcmp(dm_shift_arg(as), "latency")) {
		*error = "Unknown feature, expected latency";
		return -EINVAL;
	}
	*latency = nr_args;
	return 0;
}

static void dmp_show(struct dmp_target *dt)
{
	if (!dt->shown)
		dt->shown = dmp_volume_show(dt->volume, dmp_measures_latency(&dt->level));
}

static int dmp_start_counting(struct dm_target *ti, struct dmp_target *dt,
			      bool latency)
{
	int r;

	dt->volume = dmp_volume_get(dm_table_get_md(ti->table));
	if (!dt->volume)
		return -ENOMEM;

	r = dmp_level_init_target(&dt->level, dmp_volume_level(dt->volume), latency);
	if (r) {
		dmp_volume_put(dt->volume);
		return r;
	}

	dmp_show(dt);
	return 0;
}

/*
 * Construct a proxy: <dev_path> [<offset> [<#feature_args> [latency]]]
 */
static int dmp_ctr(struct dm_target *ti, unsigned int argc, char **argv)
{
	struct dm_arg_set as = { .argc = argc, .argv = argv };
	const char *path = dm_shift_arg(&as);
	struct dmp_target *dt;
	bool latency = false;
	int r;

	if (!path) {
		ti->error = "Expected <dev_path> [<offset> [<#feature_args> [<feature>]...]]";
		return -EINVAL;
	}

	dt = kzalloc_obj(*dt);
	if (!dt) {
		ti->error = "Cannot allocate context";
		return -ENOMEM;
	}

	if (as.argc) {
		r = kstrtou64(dm_shift_arg(&as), 10, &dt->start);
		if (r) {
			ti->error = "Invalid offset, expected a number of 512-byte sectors";
			goto free_context;
		}
	}
	if (as.argc) {
		r = dmp_parse_features(&as, &latency, &ti->error);
		if (r)
			goto free_context;
	}

	r = dm_get_device(ti, path, dm_table_get_mode(ti->table), &dt->dev);
	if (r) {
		ti->error = "Device lookup failed";
		goto free_context;
	}

	r = dmp_start_counting(ti, dt, latency);
	if (r) {
		ti->error = "Cannot allocate counters";
		goto put_device;
	}

	/*
	 * Unlike dm-linear, no flush_bypasses_map: only a flush that is mapped counts.
	 * DM_TARGET_PASSES_PREFLUSH keeps a write with REQ_PREFLUSH whole, as there.
	 */
	ti->num_flush_bios = 1;
	ti->num_discard_bios = 1;
	ti->num_secure_erase_bios = 1;
	ti->num_write_zeroes_bios = 1;
	/*
	 * The same size without latency: a reload that changes it makes device-mapper
	 * destroy a slab cache while I/O waits.
	 */
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

	if (dt->shown)
		dmp_volume_hide(dt->volume, dmp_measures_latency(&dt->level));
	dmp_level_exit(&dt->level);
	dmp_volume_put(dt->volume);
	dm_put_device(ti, dt->dev);
	kfree(dt);
}

/*
 * Show the targets of a volume's first table: their constructors run before the
 * gendisk is in sysfs, and nothing uses the volume yet. Targets of later tables are
 * shown by their constructors, because here the volume is suspended: adding files to
 * sysfs may wait for others, and these for I/O to the volume.
 */
static int dmp_preresume(struct dm_target *ti)
{
	dmp_show(ti->private);
	return 0;
}

static sector_t dmp_map_sector(const struct dm_target *ti,
			       const struct dmp_target *dt, sector_t sector)
{
	return dt->start + dm_target_offset(ti, sector);
}

/*
 * noinline, here and below, keeps the latency path's register saves out of targets
 * without latency.
 */
static noinline int dmp_map_timed(struct dm_target *ti, struct bio *bio,
				  unsigned int io)
{
	struct dmp_timed_io *timed = dm_per_bio_data(bio, ti->per_io_data_size);

	timed->io = io;
	bio->bi_private = timed;
	timed->start_ns = ktime_get_ns();
	return DM_MAPIO_REMAPPED;
}

/*
 * The device may complete a REQ_NOWAIT or polled bio with BLK_STS_AGAIN, and the
 * submitter may retry it. dmp counts such bios at completion, so only the attempt
 * that is carried out counts, and no counter ever decreases.
 */
static int dmp_map(struct dm_target *ti, struct bio *bio)
{
	struct dmp_target *dt = ti->private;
	unsigned int bytes = bio->bi_iter.bi_size;
	enum dmp_op op = dmp_op(bio->bi_opf, bytes);
	unsigned int io;

	if (!dmp_has_data(op))
		bytes = 0;
	io = bytes | op;
	if (bio->bi_opf & (REQ_NOWAIT | REQ_POLLED))
		io |= DMP_IO_COUNT;
	else
		dmp_count(&dt->level, op, bytes);

	bio_set_dev(bio, dt->dev->bdev);
	bio->bi_iter.bi_sector = dmp_map_sector(ti, dt, bio->bi_iter.bi_sector);
	if (unlikely(dmp_measures_latency(&dt->level)))
		return dmp_map_timed(ti, bio, io);
	bio->bi_private = (void *)(unsigned long)io;
	return DM_MAPIO_REMAPPED;
}

/*
 * Count an error, except BLK_STS_AGAIN of a REQ_NOWAIT or polled bio, and a failed
 * read-ahead: no application sees it. If the data is needed, a file system reads it
 * again, or from another mirror, as btrfs does. Drivers leave REQ_RAHEAD in bi_opf.
 *
 * Return: true if the device did not carry out the bio, which then does not count.
 */
static noinline bool dmp_fail(struct dmp_target *dt, const struct bio *bio,
			      unsigned int io, blk_status_t error)
{
	if (error == BLK_STS_AGAIN && (io & DMP_IO_COUNT))
		return true;
	if (!(bio->bi_opf & REQ_RAHEAD))
		dmp_count_error(&dt->level, io & DMP_IO_OP);
	return false;
}

static void dmp_count_end(struct dmp_target *dt, unsigned int io)
{
	if (io & DMP_IO_COUNT)
		dmp_count(&dt->level, io & DMP_IO_OP, io & DMP_IO_BYTES);
}

static noinline int dmp_end_failed(struct dmp_target *dt, const struct bio *bio,
				   blk_status_t error)
{
	unsigned int io = (unsigned long)bio->bi_private;

	if (!dmp_fail(dt, bio, io, error))
		dmp_count_end(dt, io);
	return DM_ENDIO_DONE;
}

static noinline int dmp_end_timed(struct dmp_target *dt, const struct bio *bio,
				  blk_status_t error)
{
	const struct dmp_timed_io *timed = bio->bi_private;
	s64 ns = ktime_get_ns() - timed->start_ns;
	unsigned int io = timed->io;
	unsigned int size;

	if (unlikely(error) && dmp_fail(dt, bio, io, error))
		return DM_ENDIO_DONE;
	/* Before dmp_count(), so that the compiler computes the bucket only once. */
	size = dmp_size_bucket(io & DMP_IO_BYTES);
	dmp_count_end(dt, io);
	dmp_count_latency(&dt->level, io & DMP_IO_OP, size, ns);
	return DM_ENDIO_DONE;
}

static int dmp_end_io(struct dm_target *ti, struct bio *bio,
		      blk_status_t *error)
{
	struct dmp_target *dt = ti->private;

	if (unlikely(dmp_measures_latency(&dt->level)))
		return dmp_end_timed(dt, bio, *error);
	if (unlikely(*error))
		return dmp_end_failed(dt, bio, *error);
	dmp_count_end(dt, (unsigned long)bio->bi_private);
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

static int dmp_message_reset(struct dmp_target *dt, unsigned int argc,
			     const char *name)
{
	if (argc > 1) {
		DMERR("%s: message reset takes no argument", name);
		return -EINVAL;
	}

	dmp_level_reset(dmp_volume_level(dt->volume));
	return 0;
}

static int dmp_message_histogram(struct dmp_target *dt, unsigned int argc, char **argv,
				 char *result, unsigned int maxlen, const char *name)
{
	unsigned long ops = GENMASK(DMP_OTHER - 1, 0);
	int op;

	if (argc > 2) {
		DMERR("%s: message histogram takes one operation at most", name);
		return -EINVAL;
	}
	if (argc == 2) {
		op = match_string(dmp_op_names, DMP_OTHER, argv[1]);
		ops = op < 0 ? 0 : BIT(op);
	}
	if (!ops) {
		DMERR("%s: expected read, write, discard, write_zeroes, flush or zone, not %s",
		      name, argv[1]);
		return -EINVAL;
	}
	if (!dmp_volume_measures_latency(dt->volume)) {
		DMERR("%s: message histogram needs a table with the feature latency", name);
		return -EINVAL;
	}

	dmp_emit_histogram(dmp_volume_level(dt->volume), ops, result, maxlen);
	return 1;
}

static int dmp_message(struct dm_target *ti, unsigned int argc, char **argv,
		       char *result, unsigned int maxlen)
{
	const char *name = dm_device_name(dm_table_get_md(ti->table));
	struct dmp_target *dt = ti->private;

	if (!strcmp(argv[0], "reset"))
		return dmp_message_reset(dt, argc, name);
	if (!strcmp(argv[0], "histogram"))
		return dmp_message_histogram(dt, argc, argv, result, maxlen, name);

	DMERR("%s: unknown message %s, expected reset or histogram [<operation>]",
	      name, argv[0]);
	return -EINVAL;
}

/*
 * An ioctl acts on the whole device, so a partial mapping returns 1: device-mapper
 * then requires CAP_SYS_RAWIO.
 */
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
			       dmp_map_sector(ti, dt, args->next_sector),
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
/* An access to pages that DAX has mapped is not a bio, so it is not counted. */
static struct dax_device *dmp_dax_pgoff(struct dm_target *ti, pgoff_t *pgoff)
{
	struct dmp_target *dt = ti->private;
	sector_t sector = dmp_map_sector(ti, dt, *pgoff << PAGE_SECTORS_SHIFT);

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
				  DM_TARGET_ATOMIC_WRITES |
				  DM_TARGET_PASSES_PREFLUSH,
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
