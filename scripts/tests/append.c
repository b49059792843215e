// SPDX-License-Identifier: GPL-2.0-only
/*
 * Zone append, which no system call offers. "DEVICE SECTOR BYTE" written to the parameter "append"
 * appends 4 KiB of such bytes to the zone that begins at the sector. The parameter then reads
 * "ERRNO SECTOR": where the device wrote them.
 */

#include <linux/bio.h>
#include <linux/blkdev.h>
#include <linux/gfp.h>
#include <linux/module.h>

static int last_error;
static u64 last_sector;

static void append_page(struct block_device *bdev, u64 sector, struct page *page)
{
	struct bio_vec bvec;
	struct bio bio;

	bio_init(&bio, bdev, &bvec, 1, REQ_OP_ZONE_APPEND | REQ_SYNC);
	bio.bi_iter.bi_sector = sector;
	__bio_add_page(&bio, page, PAGE_SIZE, 0);
	last_error = submit_bio_wait(&bio);
	last_sector = bio.bi_iter.bi_sector;
	bio_uninit(&bio);
}

static int append_set(const char *val, const struct kernel_param *kp)
{
	struct page *page;
	struct file *file;
	char path[64];
	u64 sector;
	u8 byte;

	if (sscanf(val, "%63s %llu %hhu", path, &sector, &byte) != 3)
		return -EINVAL;
	file = bdev_file_open_by_path(path, BLK_OPEN_READ | BLK_OPEN_WRITE, NULL, NULL);
	if (IS_ERR(file))
		return PTR_ERR(file);
	page = alloc_page(GFP_KERNEL);
	if (page) {
		memset(page_address(page), byte, PAGE_SIZE);
		append_page(file_bdev(file), sector, page);
		__free_page(page);
	}
	bdev_fput(file);
	return page ? 0 : -ENOMEM;
}

static int append_get(char *buffer, const struct kernel_param *kp)
{
	return sysfs_emit(buffer, "%d %llu\n", last_error, last_sector);
}

static const struct kernel_param_ops append_ops = {
	.set = append_set,
	.get = append_get,
};
module_param_cb(append, &append_ops, NULL, 0600);

MODULE_DESCRIPTION("Zone append from user space");
MODULE_LICENSE("GPL");
