#!/usr/bin/env bats
# What the device below can do the volume can do: all is as with dm-linear.

bats_require_minimum_version 1.5.0
load ../guest

# describe TARGET DEVICE OFFSET LENGTH [OPTION...]: write the attributes and the zones of such a
# volume to $TMPDIR/TARGET and $TMPDIR/TARGET.zones
describe()
{
	dmsetup create "$1" "${@:5}" --table "0 $4 $1 $2 $3"
	attributes "$1" >"$TMPDIR/$1"
	blkzone report "/dev/mapper/$1" >"$TMPDIR/$1.zones" 2>"$TMPDIR/$1.no-zones" ||
		grep -q 'Inappropriate ioctl\|unable to determine zone size' "$TMPDIR/$1.no-zones"
	dmsetup remove "$1"
}

# like_linear DEVICE [OFFSET LENGTH [OPTION...]]: same limits over the same range
like_linear()
{
	local offset=${2:-0} length=${3:-$(blockdev --getsz "$1")} target
	for target in linear dmp; do
		describe $target "$1" "$offset" "$length" "${@:4}"
	done
	diff "$TMPDIR/linear" "$TMPDIR/dmp"
	diff "$TMPDIR/linear.zones" "$TMPDIR/dmp.zones"
	[ "$(grep -c ^queue/ "$TMPDIR/dmp")" -gt 30 ]
	grep -q ^ro: "$TMPDIR/dmp"
}

@test "limits over a loop device" {
	like_linear "$(loop 16M)"
	like_linear "$(loop 16M)" 8 16384
}

@test "limits over a device with 4 KiB sectors" {
	like_linear "$(null_blk nullb0 size=16 memory_backed=1 blocksize=4096)"
}

@test "limits over a device with a write cache, FUA, discard, and a size limit" {
	like_linear "$(null_blk nullb0 size=16 memory_backed=1 cache_size=4 discard=1 max_sectors=64)"
}

@test "limits over a polled device" {
	like_linear "$(null_blk nullb0 size=16 submit_queues=2 poll_queues=2)"
}

@test "limits over a rotational device" {
	skip_without_null_blk rotational
	like_linear "$(null_blk nullb0 size=16 rotational=1)"
}

@test "limits over a disk with data integrity, which is passed on" {
	dev=$(scsi_debug dev_size_mb=16 dif=1 dix=1)
	like_linear "$dev"
	create dmp1 "$dev"
	equal format "$(cat "$(sysfs dmp1)/integrity/format")" T10-DIF-TYPE1-CRC
	equal format "$(cat "$(sysfs dmp1)/integrity/format")" "$(cat "/sys/block/${dev#/dev/}/integrity/format")"
	# made on the way down and checked on the way up, by the disk as well
	dd if=/dev/urandom of=/dev/mapper/dmp1 bs=4k count=100 oflag=direct
	dd if=/dev/mapper/dmp1 of=/dev/null bs=4k count=100 iflag=direct
	equal write "$(counts dmp1 write)" "100 409600 0"
	equal read "$(counts dmp1 read)" "100 409600 0"
	dmsetup remove dmp1
}

@test "limits over a disk with atomic writes, which are passed on" {
	dev=$(scsi_debug dev_size_mb=16 atomic_wr=1)
	like_linear "$dev"
	[ -z "$DMP_STOCK" ] || grep -q '/atomic_write_max_bytes:[1-9]' "$TMPDIR/linear" ||
		skip "device-mapper of this kernel passes no atomic writes on"
	create dmp1 "$dev"
	[ "$(cat "$(sysfs dmp1)/queue/atomic_write_max_bytes")" -ge 4096 ]
	# RWF_ATOMIC is 0x40; the buffer has to be aligned for direct I/O
	python3 -c '
import mmap, os, sys
f = os.open(sys.argv[1], os.O_RDWR | os.O_DIRECT)
assert os.pwritev(f, [mmap.mmap(-1, 4096)], 8192, 0x40) == 4096' /dev/mapper/dmp1
	equal write "$(counts dmp1 write)" "1 4096 0"
	dmsetup remove dmp1
}

@test "limits over a disk with UNMAP and WRITE SAME" {
	dev=$(scsi_debug dev_size_mb=16 lbpu=1 lbpws=1 lbprz=1)
	like_linear "$dev"
	create dmp1 "$dev"
	blkdiscard -o 1M -l 1M /dev/mapper/dmp1
	blkdiscard -z -o 4M -l 1M /dev/mapper/dmp1
	equal "discard bytes and errors" "$(counts dmp1 discard | cut -d ' ' -f 2,3)" "1048576 0"
	equal "write_zeroes bytes and errors" "$(counts dmp1 write_zeroes | cut -d ' ' -f 2,3)" "1048576 0"
	dmsetup remove dmp1
}

@test "limits over a read-only device, which can be mapped read-only" {
	dev=$(loop 8M)
	blockdev --setro "$dev"
	like_linear "$dev" 0 16384 --readonly
	grep -qx ro:1 "$TMPDIR/dmp"
	dmsetup create dmp1 --readonly --table "0 16384 dmp $dev"
	equal ro "$(blockdev --getro /dev/mapper/dmp1)" 1
	run ! dd if=/dev/zero of=/dev/mapper/dmp1 bs=4k count=1 oflag=direct
	dd if=/dev/mapper/dmp1 of=/dev/null bs=4k count=2 iflag=direct
	equal read "$(counts dmp1 read)" "2 8192 0"
}

@test "a write-protected disk, which is opened as the table asks" {
	dev=$(scsi_debug dev_size_mb=16 wp=1)
	dmsetup create dmp1 --readonly --table "0 16384 dmp $dev"
	dd if=/dev/mapper/dmp1 of=/dev/null bs=4k count=2 iflag=direct
	equal read "$(counts dmp1 read)" "2 8192 0"
}

@test "limits and zones over a zoned device, whole and in part" {
	dev=$(null_blk nullb0 size=64 memory_backed=1 zoned=1 zone_size=4 zone_nr_conv=2)
	dd if=/dev/zero of="$dev" bs=4k seek=$((3 * 1024)) count=3 oflag=direct
	like_linear "$dev"
	[ "$(wc -l <"$TMPDIR/dmp.zones")" = 16 ]
	like_linear "$dev" 16384 65536
	[ "$(wc -l <"$TMPDIR/dmp.zones")" = 8 ]
	# the write pointer of the zone that was written
	grep -q 'start: 0x000002000.*wptr 0x000018' "$TMPDIR/dmp.zones"
}

@test "a file system on a zoned device finds it zoned" {
	create dmp1 "$(null_blk nullb0 size=64 memory_backed=1 zoned=1 zone_size=4)"
	equal zoned "$(cat "$(sysfs dmp1)/queue/zoned")" host-managed
	# a write that is not at the write pointer fails, as it must
	run ! dd if=/dev/zero of=/dev/mapper/dmp1 bs=4k seek=5 count=1 oflag=direct
	equal write "$(counts dmp1 write)" "1 4096 1"
}

@test "ioctls reach the device if the mapping covers all of it" {
	# What the volume does not know it passes on: LOOP_GET_STATUS64 is 0x4c05.
	# Who may do raw I/O may do so for a part of a device as well.
	dev=$(loop 8M)
	# shellcheck disable=SC2016 # it is Perl
	ask='open my $f, "<", shift; my $b = "\0" x 232; exit !ioctl $f, 0x4c05, $b'
	dmsetup create dmp1 --table "0 16384 dmp $dev"
	dmsetup create dmp2 --table "0 16383 dmp $dev 1"
	dmsetup create dmp3 --table "0 16383 dmp $dev"
	setpriv --bounding-set -sys_rawio perl -e "$ask" /dev/mapper/dmp1
	run ! setpriv --bounding-set -sys_rawio perl -e "$ask" /dev/mapper/dmp2
	run ! setpriv --bounding-set -sys_rawio perl -e "$ask" /dev/mapper/dmp3
}

@test "NOWAIT reads are let through" {
	create dmp1 "$(null_blk nullb0 size=16 memory_backed=1)"
	fio --name=job --filename=/dev/mapper/dmp1 --direct=1 --rw=read --bs=4k --size=1M \
		--ioengine=pvsync2 --nowait=1
	equal read "$(counts dmp1 read)" "256 1048576 0"
}

# what IMA measured of the table that was loaded last
measured()
{
	awk '$5 == "dm_table_load" { print $6 }' \
		/sys/kernel/security/ima/ascii_runtime_measurements | tail -n 1 |
		perl -ne 'chomp; print pack "H*", $_'
}

@test "IMA measures the table with its features" {
	dev=$(loop 8M)
	attributes="target_name=dmp,target_version=1.0.0,device_name=7:${dev#/dev/loop},start=384"
	dmsetup create dmp1 --table "0 16000 dmp $dev 384"
	measured
	[[ $(measured) == *"$attributes,latency=n;"* ]]
	dmsetup reload dmp1 --table "0 16000 dmp $dev 384 1 latency"
	[[ $(measured) == *"$attributes,latency=y;"* ]]
}

@test "status of a volume with many segments is not cut off" {
	dev=$(loop 64M)
	for i in $(seq 0 255); do
		echo "$((i * 8)) 8 dmp $dev $((i * 256))"
	done | dmsetup create dmp1
	dd if=/dev/zero of=/dev/mapper/dmp1 bs=1M count=1 oflag=direct
	equal segments "$(dmsetup status dmp1 | grep -c 'zone 0 0 0$')" 256
	equal write "$(counts dmp1 write)" "256 1048576 0"
}
