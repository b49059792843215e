// SPDX-License-Identifier: GPL-2.0-only
/*
 * A disk in memory, /dev/memdisk, with two features that no other disk of the guest has: secure
 * erase, which leaves bytes of 0x5e, and inline encryption.
 */

#include <crypto/aes-xts.h>
#include <linux/bio.h>
#include <linux/blk-crypto-profile.h>
#include <linux/blkdev.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#define DISK_SIZE (8 << 20)

static u8 *disk_data;
static struct gendisk *disk;
/* Its lock is registered with lockdep, which takes no static object. */
static struct blk_crypto_profile *profile;

/* Serializes bios, which share @key. */
static DEFINE_MUTEX(lock);
static struct aes_xts_key key;

static void copy(u8 *stored, u8 *plain, unsigned int len, bool is_write)
{
	if (is_write)
		memcpy(stored, plain, len);
	else
		memcpy(plain, stored, len);
}

static void crypt(u8 *stored, u8 *plain, unsigned int len, bool is_write, u64 *dun)
{
	unsigned int done;

	for (done = 0; done < len; done += SECTOR_SIZE, (*dun)++) {
		__le64 tweak[2] = { cpu_to_le64(*dun) };

		if (is_write)
			aes_xts_encrypt(stored + done, plain + done, SECTOR_SIZE, (u8 *)tweak, &key, false);
		else
			aes_xts_decrypt(plain + done, stored + done, SECTOR_SIZE, (u8 *)tweak, &key, false);
	}
}

static blk_status_t transfer(struct bio *bio)
{
	struct bio_crypt_ctx *ctx = bio->bi_crypt_context;
	u8 *stored = disk_data + (bio->bi_iter.bi_sector << SECTOR_SHIFT);
	u64 dun = ctx ? ctx->bc_dun[0] : 0;
	struct bvec_iter iter;
	struct bio_vec bv;

	if (ctx && aes_xts_preparekey(&key, ctx->bc_key->bytes, ctx->bc_key->size, 0))
		return BLK_STS_IOERR;
	bio_for_each_segment(bv, bio, iter) {
		u8 *plain = bvec_kmap_local(&bv);

		if (ctx)
			crypt(stored, plain, bv.bv_len, op_is_write(bio->bi_opf), &dun);
		else
			copy(stored, plain, bv.bv_len, op_is_write(bio->bi_opf));
		kunmap_local(plain);
		stored += bv.bv_len;
	}
	return BLK_STS_OK;
}

static void submit(struct bio *bio)
{
	mutex_lock(&lock);
	if (bio_op(bio) == REQ_OP_SECURE_ERASE)
		memset(disk_data + (bio->bi_iter.bi_sector << SECTOR_SHIFT), 0x5e,
		       bio->bi_iter.bi_size);
	else
		bio->bi_status = transfer(bio);
	mutex_unlock(&lock);
	bio_endio(bio);
}

static const struct block_device_operations fops = {
	.owner = THIS_MODULE,
	.submit_bio = submit,
};

static int __init memdisk_init(void)
{
	struct queue_limits limits = {
		.max_secure_erase_sectors = 256,
		.discard_granularity = 4096,
	};
	int r = -ENOMEM;

	disk_data = vzalloc(DISK_SIZE);
	if (!disk_data)
		return r;
	profile = kzalloc_obj(*profile);
	if (!profile)
		goto free_data;
	r = blk_crypto_profile_init(profile, 0);
	if (r)
		goto free_profile;
	profile->max_dun_bytes_supported = 8;
	profile->key_types_supported = BLK_CRYPTO_KEY_TYPE_RAW;
	profile->modes_supported[BLK_ENCRYPTION_MODE_AES_256_XTS] = SECTOR_SIZE;
	disk = blk_alloc_disk(&limits, NUMA_NO_NODE);
	r = PTR_ERR_OR_ZERO(disk);
	if (r)
		goto destroy_profile;
	disk->fops = &fops;
	strscpy(disk->disk_name, "memdisk");
	set_capacity(disk, DISK_SIZE >> SECTOR_SHIFT);
	blk_crypto_register(profile, disk->queue);
	r = add_disk(disk);
	if (!r)
		return 0;
	put_disk(disk);
destroy_profile:
	blk_crypto_profile_destroy(profile);
free_profile:
	kfree(profile);
free_data:
	vfree(disk_data);
	return r;
}

static void __exit memdisk_exit(void)
{
	del_gendisk(disk);
	put_disk(disk);
	blk_crypto_profile_destroy(profile);
	kfree(profile);
	vfree(disk_data);
}

module_init(memdisk_init);
module_exit(memdisk_exit);

MODULE_DESCRIPTION("Disk in memory with secure erase and inline encryption");
MODULE_LICENSE("GPL");
