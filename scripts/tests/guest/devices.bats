#!/usr/bin/env bats
# dmp behaves as dm-linear, over and under each kind of device.
# shellcheck disable=SC2034 # transparent.bash uses above, as and options

bats_require_minimum_version 1.5.0
load ../guest
load ../transparent
load ../lvm

teardown()
{
	[ "${BATS_TEST_COMPLETED:-}" ] || tail -n 20 "$TMPDIR/linear" "$TMPDIR/dmp" || true
	lvm_stop
	guest_teardown && unmake
}

# disk: one with a write cache and discard
disk()
{
	null_blk nullb0 size=8 memory_backed=1 cache_size=4 discard=1
}

# second: print the device that a target needs beside the volume; one per disk
second()
{
	local file=$TMPDIR/second.img
	if [ ! -e "$file" ]; then
		truncate -s 8M "$file"
		losetup --find "$file"
	fi
	losetup --noheadings --output NAME --associated "$file"
}

key=$(printf '%0128d' 42)

@test "a loop device, and part of it" {
	like_linear "" loop 8M
	like_linear "8 8192" loop 8M
}

@test "a loop device without CAP_SYS_RAWIO, which passes ioctls on for a part as well" {
	as=(setpriv --bounding-set -sys_rawio)
	like_linear "" loop 8M
	like_linear "8 8192" loop 8M
}

@test "4 KiB sectors" {
	like_linear "" null_blk nullb0 size=8 memory_backed=1 blocksize=4096
}

@test "a write cache with FUA, discard, and a size limit" {
	like_linear "" null_blk nullb0 size=8 memory_backed=1 cache_size=4 discard=1 max_sectors=64 fua=1
}

@test "polled queues" {
	like_linear "" null_blk nullb0 size=8 memory_backed=1 submit_queues=2 poll_queues=2
}

@test "optimal I/O, physical blocks and an alignment offset" {
	like_linear "" scsi physblk_exp=3 lowest_aligned=1 opt_blks=128
	like_linear "8 8192" scsi physblk_exp=3 lowest_aligned=1 opt_blks=128
}

@test "UNMAP, WRITE SAME and thin provisioning" {
	like_linear "" scsi lbpu=1 lbpws=1 lbprz=1 unmap_granularity=8 unmap_alignment=0
}

@test "data integrity" {
	for dif in 1 3; do
		like_linear "" scsi dif=$dif dix=1
	done
}

@test "atomic writes" {
	like_linear "" scsi atomic_wr=1
}

read_only_loop()
{
	local dev
	dev=$(loop 8M)
	blockdev --setro "$dev"
	echo "$dev"
}

@test "a disk that is write-protected, and a read-only loop device" {
	options=(--readonly)
	like_linear "" scsi wp=1
	like_linear "" read_only_loop
}

@test "a disk that fails to read some sectors" {
	like_linear "" scsi opts=2
}

zoned()
{
	null_blk "$1" size=16 memory_backed=1 zoned=1 zone_size=1 "${@:2}"
}

@test "zones" {
	like_linear "" zoned nullb0 zone_nr_conv=2
}

# two_zoned ATTRIBUTE=VALUE -- ATTRIBUTE=VALUE: two zoned devices, each with an attribute
two_zoned()
{
	echo "$(zoned nullb0 "$1") $(zoned nullb1 "$2")"
}

@test "zones, joined from parts of one device and from two" {
	like_linear "16384 8192 4096 8192" zoned nullb0 zone_max_open=4 zone_max_active=5
	like_linear "4096 8192 0 32768" two_zoned zone_max_open=4 zone_max_active=9
	like_linear "4096 8192 0 32768" two_zoned zone_max_active=6 zone_nr_conv=2
}

@test "zone append" {
	module append
	for part in "" "4096 16384" "8192 8192 2048 4096"; do
		for target in linear dmp; do
			appends $target "$part" >"$TMPDIR/$target"
		done
		cat "$TMPDIR/dmp"
		diff "$TMPDIR/linear" "$TMPDIR/dmp"
		read -r reqs bytes errors <"$TMPDIR/counts"
		done=$(grep -c ': 0 ' "$TMPDIR/dmp")
		[ "$done" -gt 256 ]
		equal "zone appends and their bytes" "$((reqs - errors)) $bytes" "$done $((reqs * 4096))"
	done
	rmmod append
}

# refused PART COMMAND...: neither target maps such devices, for the same reason
refused()
{
	local target dev
	for target in linear dmp; do
		dev=$("${@:2}")
		[ "$dev" ]
		dmesg -C
		# shellcheck disable=SC2086 # words
		if volume $target "$dev" $1 2>"$TMPDIR/message"; then
			echo "$target maps it"
			return 1
		fi
		dmesg -t | grep device-mapper | cat "$TMPDIR/message" - | sed "s/$target/TARGET/g" >"$TMPDIR/$target"
		unmake
	done
	diff "$TMPDIR/linear" "$TMPDIR/dmp"
	cat "$TMPDIR/dmp"
}

zoned_and_conventional()
{
	echo "$(zoned nullb0) $(null_blk nullb1 size=16 memory_backed=1)"
}

two_zone_sizes()
{
	echo "$(zoned nullb0) $(zoned nullb1 zone_size=2)"
}

@test "zones that cannot be mapped: of two kinds or sizes, or in part" {
	refused "0 8192 0 8192" zoned_and_conventional
	refused "0 8192 0 8192" two_zone_sizes
	refused "8 8192" zoned nullb0
	refused "0 8184" zoned nullb0
}

linear_below()
{
	dmsetup create below --table "0 16384 linear $(loop 9M) 8"
	echo /dev/mapper/below
}

mirror_below()
{
	dmsetup create below --table "0 16384 mirror core 2 64 nosync 2 $(loop 8M) 0 $(loop 8M) 0"
	echo /dev/mapper/below
}

crypt_below()
{
	dmsetup create below --table "0 16384 crypt aes-xts-plain64 $key 0 $(disk) 0 1 allow_discards"
	echo /dev/mapper/below
}

thin_below()
{
	dmsetup create pool --table "0 16384 thin-pool $(loop 2M) $(disk) 128 0"
	dmsetup message pool 0 create_thin 0
	dmsetup create below --table "0 16384 thin /dev/mapper/pool 0"
	echo /dev/mapper/below
}

@test "on dm-linear, dm-mirror, dm-crypt and dm-thin" {
	like_linear "" linear_below
	like_linear "" mirror_below
	like_linear "8 8192" crypt_below
	like_linear "" thin_below
}

linear_above()
{
	dmsetup create above --table "0 8192 linear $1 8"
}

mirror_above()
{
	dmsetup create above --table "0 8192 mirror core 2 64 nosync 2 $1 0 $(second) 0"
}

crypt_above()
{
	dmsetup create above --table "0 16384 crypt aes-xts-plain64 $key 0 $1 0 1 allow_discards"
}

inlinecrypt_above()
{
	dmsetup create above --table "0 16384 inlinecrypt aes-xts-plain64 $key 0 $1 0 1 allow_discards"
}

# the volume has the data of a thin pool
thin_above()
{
	local is_new=
	[ -e "$TMPDIR/second.img" ] || is_new=yes
	dmsetup create middle --table "0 16384 thin-pool $(second) $1 128 0"
	[ ! "$is_new" ] || dmsetup message middle 0 create_thin 0
	dmsetup create above --table "0 32768 thin /dev/mapper/middle 0"
}

origin_above()
{
	dmsetup create above --table "0 16384 snapshot-origin $1"
}

# the volume has what the snapshot has copied
snapshot_above()
{
	dmsetup create above --table "0 16384 snapshot $(second) $1 P 8"
}

# under TARGET...: the volume is under each of these
under()
{
	for above; do
		like_linear "" disk
	done
}

@test "under dm-linear and dm-mirror" {
	under linear_above mirror_above
}

@test "under dm-crypt and dm-inlinecrypt" {
	under crypt_above inlinecrypt_above
}

@test "under dm-thin and dm-snapshot" {
	under thin_above origin_above snapshot_above
}

# appends TARGET PART: print what comes of zone append on such a volume: to each zone, to one until
# it is full, and where no zone begins; with its data and zones afterwards
appends()
{
	local part sector parameter=/sys/module/append/parameters/append
	read -ra part <<<"$2"
	volume "$1" "$(zoned nullb0 zone_nr_conv=1)" "${part[@]}"
	# shellcheck disable=SC2046 # words
	for sector in $(seq 0 2048 30720) $(printf '4096 %.0s' $(seq 256)) 2056 99999999; do
		echo "/dev/mapper/$1 $sector $((sector / 2048 + 1))" >$parameter
		echo "$sector: $(<$parameter)"
	done
	checksum "/dev/mapper/$1"
	blkzone report "/dev/mapper/$1"
	[ "$1" != dmp ] || counts dmp write >"$TMPDIR/counts"
	unmake
}

# memdisk: the disk of memdisk.c
memdisk()
{
	module memdisk
	echo /dev/memdisk
}

@test "secure erase and inline encryption by the disk" {
	like_linear "" memdisk
	like_linear "8 8192" memdisk
	grep -qx "BLKSECDISCARD 4 KiB: 0" "$TMPDIR/dmp"
	grep -q "^queue/crypto/modes/AES-256-XTS:" "$TMPDIR/dmp"
	above=inlinecrypt_above
	like_linear "" memdisk
}

# use NAME: a file system on a logical volume
use()
{
	mkfs.ext4 -q "/dev/vg/$1"
	mount "/dev/vg/$1" /run/mnt
	cp "$TMPDIR/operations" /run/mnt
	umount /run/mnt
	mount "/dev/vg/$1" /run/mnt
	cmp "$TMPDIR/operations" /run/mnt/operations
	umount /run/mnt
	is_clean ext4 "/dev/vg/$1"
}

# lvm_on TARGET: make logical volumes on two volumes with this target, use them, and remove them;
# prints what LVM says
lvm_on()
{
	local pv lv
	for pv in pv1 pv2; do
		# LVM would also find a label at the beginning of the loop device
		dmsetup create $pv --table "0 129024 $1 $(loop 64M) 2048"
		pvcreate /dev/mapper/$pv
	done
	vgcreate -s 1M vg /dev/mapper/pv1 /dev/mapper/pv2
	lvcreate -n mirror -L 8M --type mirror -m 1 --mirrorlog core --nosync vg
	lvcreate -n pool -L 16M --type thin-pool vg
	lvcreate -n linear -L 70M vg
	lvcreate -n thin -V 32M --thinpool vg/pool
	for lv in linear mirror thin; do
		use $lv
	done
	pvs -o pv_name,pv_attr,pv_size,pv_free,pe_start,pv_mda_size
	lvs -a -o lv_name,lv_attr,lv_size,segtype,seg_start,devices,discards,stripe_size vg
	for lv in vg-linear vg-mirror vg-pool_tdata; do
		attributes $lv
	done
	lvremove -y vg
	vgremove vg
	pvremove /dev/mapper/pv1 /dev/mapper/pv2
}

@test "LVM: physical volumes, and linear, mirrored and thin logical volumes" {
	lvm_configure
	for target in linear dmp; do
		lvm_on $target >"$TMPDIR/$target" 2>&1
		unmake
	done
	cat "$TMPDIR/dmp"
	diff "$TMPDIR/linear" "$TMPDIR/dmp"
}
