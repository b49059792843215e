#!/usr/bin/env bats
# DAX through dmp is as through dm-linear, on the persistent memory that a guest in QEMU has.

bats_require_minimum_version 1.5.0
load ../guest

setup_file()
{
	modprobe -qa nd_e820 nd_pmem || true
	[ -b /dev/pmem0 ] || return 0
	mkdir -p /run/mnt
	gcc -O1 -Wall -Wextra -o "$TMPDIR/mapped" "$BATS_TEST_DIRNAME/../mapped.c"
	dd if=/dev/urandom of="$TMPDIR/data" bs=64k count=32 status=none
	dd if=/dev/urandom of="$TMPDIR/data2" bs=64k count=32 status=none
}

# not in setup_file, from which older versions of bats cannot skip
setup()
{
	clear_log
	if [ ! -b /dev/pmem0 ]; then
		grep 'User Mode Linux' /proc/cpuinfo
		skip "user-mode Linux has no persistent memory"
	fi
}

# volume TARGET [OFFSET [FEATURE...]]: a volume of that name over 48 MiB of the memory
volume()
{
	dmsetup create "$1" --table "0 98304 $1 /dev/pmem0 ${2:-0} ${*:3}"
}

# reads_back TARGET OFFSET FILE: the volume has a file system with this content, read by bios and
# by DAX
reads_back()
{
	local how
	volume "$1" "$2"
	for how in never always; do
		mount -o ro,dax=$how "/dev/mapper/$1" /run/mnt
		cmp "$3" /run/mnt/file
		umount /run/mnt
	done
	dmsetup remove "$1"
}

# dax_file_system TARGET: make an ext4 on the volume, and mount it. mkfs writes the inode tables: else the
# kernel does it some seconds after the mount, and dmp counts these writes.
dax_file_system()
{
	mkfs.ext4 -q -F -b 4096 -E lazy_itable_init=0 "/dev/mapper/$1"
	mount -o dax=always "/dev/mapper/$1" /run/mnt
}

@test "the queue of a volume says DAX" {
	equal "of the device" "$(cat /sys/block/pmem0/queue/dax)" 1
	for target in linear dmp; do
		volume $target
		attributes $target >"$TMPDIR/$target"
	done
	diff "$TMPDIR/linear" "$TMPDIR/dmp"
	grep -qx queue/dax:1 "$TMPDIR/dmp"
}

# store TARGET OFFSET [FEATURE...]: data that a mapping stores through the target reads back through
# it and the other
store()
{
	volume "$@"
	dax_file_system "$1"
	"$TMPDIR/mapped" /run/mnt/file <"$TMPDIR/data"
	cmp "$TMPDIR/data" /run/mnt/file
	umount /run/mnt
	dmsetup remove "$1"
	reads_back linear "$2" "$TMPDIR/data"
	reads_back dmp "$2" "$TMPDIR/data"
}

@test "a file that is mapped through one target reads back through the other" {
	store linear 0
	store dmp 0
	store linear 8
	store dmp 8
	store dmp 4096 1 latency
}

@test "stores and loads of mapped pages are no bios, so they do not count" {
	for feature in "" "1 latency"; do
		# shellcheck disable=SC2086 # words
		volume dmp 8 $feature
		dax_file_system dmp
		"$TMPDIR/mapped" /run/mnt/file <"$TMPDIR/data"
		sync
		dmsetup message dmp 0 reset
		"$TMPDIR/mapped" /run/mnt/file <"$TMPDIR/data2"
		cmp "$TMPDIR/data2" /run/mnt/file
		equal writes "$(counts dmp write | cut -d ' ' -f 2)" "0"
		equal reads "$(counts dmp read)" "0 0 0"
		umount /run/mnt
		dmsetup remove dmp
		reads_back linear 8 "$TMPDIR/data2"
	done
}

# segments TARGET...: a volume "mixed" over two parts of the memory, the second one first
segments()
{
	dmsetup create mixed <<-END
		0 32768 $1 /dev/pmem0 65536
		32768 65536 $2 /dev/pmem0 0
	END
}

@test "two segments" {
	segments linear linear
	attributes mixed >"$TMPDIR/linear"
	dmsetup remove mixed
	segments dmp dmp
	attributes mixed >"$TMPDIR/dmp"
	diff "$TMPDIR/linear" "$TMPDIR/dmp"
	dax_file_system mixed
	for i in $(seq 8); do
		"$TMPDIR/mapped" "/run/mnt/$i" <"$TMPDIR/data"
	done
	umount /run/mnt
	dmsetup remove mixed
	segments linear linear
	mount -o dax=never /dev/mapper/mixed /run/mnt
	for i in $(seq 8); do
		cmp "$TMPDIR/data" "/run/mnt/$i"
	done
	umount /run/mnt
}

# the page with a sector is mapped, wherever in it the sector is
@test "a volume that is not aligned to pages" {
	for target in linear dmp; do
		volume $target 1
		attributes $target >"$TMPDIR/$target"
		dax_file_system $target
		"$TMPDIR/mapped" /run/mnt/file <"$TMPDIR/data"
		umount /run/mnt
		mount -o dax=never /dev/mapper/$target /run/mnt
		sha256sum </run/mnt/file >>"$TMPDIR/$target"
		umount /run/mnt
		dmsetup remove $target
	done
	diff "$TMPDIR/linear" "$TMPDIR/dmp"
}
