#!/usr/bin/env bats
# dmp behaves as dm-linear over three devices that have most features. guest/devices has each kind
# of device by itself.

bats_require_minimum_version 1.5.0
load ../guest
load ../transparent

@test "part of a disk with polled queues, a write cache, FUA, discard and a size limit" {
	like_linear "8 8192" null_blk nullb0 size=8 memory_backed=1 cache_size=4 discard=1 max_sectors=64 \
		fua=1 submit_queues=2 poll_queues=2
}

@test "part of a SCSI disk with data integrity, UNMAP, atomic writes and large physical blocks" {
	like_linear "8 8192" scsi dif=1 dix=1 lbpu=1 atomic_wr=1 physblk_exp=3 \
		lowest_aligned=1 opt_blks=128
}

@test "zones, in part" {
	like_linear "4096 16384" null_blk nullb0 size=16 memory_backed=1 zoned=1 zone_size=1 \
		zone_max_open=4 zone_max_active=5
}
