#!/usr/bin/env bats
# dmp behaves as dm-linear: over each kind of device, each operation on a volume has the same
# outcome, each attribute in sysfs has the same value, and the device has the same data afterwards.

bats_require_minimum_version 1.5.0
load ../guest

setup_file()
{
	gcc -O1 -Wall -Wextra -Wno-missing-field-initializers -o "$TMPDIR/operations" \
		"$BATS_TEST_DIRNAME/../operations.c"
}

# volume TARGET DEVICE [OFFSET LENGTH]: a volume of that name, over all of the device or a part,
# with the options of dmsetup in the array options
volume()
{
	dmsetup create "$1" "${options[@]}" --table "0 ${4:-$(blockdev --getsz "$2")} $1 $2 ${3:-0}"
}

# outcomes TARGET PART DEVICE: write to $TMPDIR/TARGET what the attributes of such a volume are,
# what comes of all operations, and what data the device has then, through both targets. If
# $above is set, it makes the device "above" of the volume, whose outcomes these are. The array as
# is a command that runs the operations with less privilege.
outcomes()
{
	local part other top=$1
	read -ra part <<<"$2"
	{
		volume "$1" "$3" "${part[@]}"
		attributes "$1"
		if [ "${above:-}" ]; then
			$above "/dev/mapper/$1"
			top=above
			attributes above
		fi
		"${as[@]}" "$TMPDIR/operations" "/dev/mapper/$top"
		echo "attributes afterwards"
		attributes "$top"
		[ "$top" = "$1" ] || dmsetup remove above
		dmsetup remove "$1"
		for other in linear dmp; do
			volume $other "$3" "${part[@]}"
			dd if=/dev/mapper/$other bs=64k status=none 2>&1 | sha256sum
			dmsetup remove $other
		done
	} >"$TMPDIR/$1"
}

# like_linear "OFFSET LENGTH" COMMAND...: both targets have the same outcomes, each over a new
# device that COMMAND prints; "" is all of it
like_linear()
{
	local target dev
	for target in linear dmp; do
		dev=$("${@:2}")
		[ "$dev" ]
		outcomes $target "$1" "$dev"
		unmake "$dev"
	done
	diff "$TMPDIR/linear" "$TMPDIR/dmp"
	# and something was done
	[ "$(wc -l <"$TMPDIR/dmp")" -gt 500 ]
}

# unmake DEVICE
unmake()
{
	case $1 in
	/dev/mapper/below) dmsetup remove below && losetup -D ;;
	/dev/loop*) losetup -d "$1" ;;
	/dev/nullb*) rmdir "/sys/kernel/config/nullb/${1#/dev/}" ;;
	/dev/sd*) rmmod scsi_debug ;;
	esac
}

@test "a loop device, and part of it" {
	like_linear "" loop 16M
	like_linear "8 16384" loop 16M
}

@test "the same without CAP_SYS_RAWIO, which passes ioctls on for a part as well" {
	as=(setpriv --bounding-set -sys_rawio)
	like_linear "" loop 16M
	like_linear "8 16384" loop 16M
}

@test "4 KiB sectors" {
	like_linear "" null_blk nullb0 size=16 memory_backed=1 blocksize=4096
}

@test "a write cache with FUA, discard, and a size limit" {
	like_linear "" null_blk nullb0 size=16 memory_backed=1 cache_size=4 discard=1 max_sectors=64 fua=1
}

@test "polled queues" {
	like_linear "" null_blk nullb0 size=16 memory_backed=1 submit_queues=2 poll_queues=2
}

@test "zones, whole, in part, and with conventional ones" {
	like_linear "" null_blk nullb0 size=64 memory_backed=1 zoned=1 zone_size=4 zone_nr_conv=2
	like_linear "16384 65536" null_blk nullb0 size=64 memory_backed=1 zoned=1 zone_size=4 \
		zone_max_open=4 zone_max_active=5
}

@test "optimal I/O, physical blocks and an alignment offset" {
	like_linear "" scsi_debug dev_size_mb=16 physblk_exp=3 lowest_aligned=1 opt_blks=128
	like_linear "8 16384" scsi_debug dev_size_mb=16 physblk_exp=3 lowest_aligned=1 opt_blks=128
}

@test "UNMAP, WRITE SAME and thin provisioning" {
	like_linear "" scsi_debug dev_size_mb=16 lbpu=1 lbpws=1 lbprz=1 unmap_granularity=8 unmap_alignment=0
}

@test "data integrity" {
	for dif in 1 3; do
		like_linear "" scsi_debug dev_size_mb=16 dif=$dif dix=1
	done
}

@test "atomic writes" {
	like_linear "" scsi_debug dev_size_mb=16 atomic_wr=1
}

read_only_loop()
{
	local dev
	dev=$(loop 16M)
	blockdev --setro "$dev"
	echo "$dev"
}

@test "a disk that is write-protected, and a read-only loop device" {
	options=(--readonly)
	like_linear "" scsi_debug dev_size_mb=16 wp=1
	like_linear "" read_only_loop
}

@test "a disk that fails to read some sectors" {
	like_linear "" scsi_debug dev_size_mb=16 opts=2
}

linear_above()
{
	dmsetup create above --table "0 16384 linear $1 8"
}

mirror_above()
{
	dmsetup create above --table "0 16384 mirror core 2 64 nosync 2 $1 0 $(loop 8M) 0"
}

linear_below()
{
	dmsetup create below --table "0 32768 linear $(loop 17M) 8"
	echo /dev/mapper/below
}

mirror_below()
{
	dmsetup create below --table "0 32768 mirror core 2 64 nosync 2 $(loop 16M) 0 $(loop 16M) 0"
	echo /dev/mapper/below
}

@test "on and under dm-linear and dm-mirror" {
	like_linear "" linear_below
	like_linear "" mirror_below
	for above in linear_above mirror_above; do
		like_linear "" null_blk nullb0 size=16 memory_backed=1 cache_size=4 discard=1
		losetup -D
	done
}
