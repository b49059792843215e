#!/usr/bin/env bats
# Writes with a preflush, such as the commits of ext4's journal: the only device of a volume gets them
# whole, and after a flush that failed there is no write, as with dm-linear.

bats_require_minimum_version 1.5.0
load ../guest

setup_file()
{
	mkdir -p /run/mnt
}

# volume TARGET DEVICE...: the volume dmp1, with a segment on each device
volume()
{
	local target=$1 start=0 dev len
	shift
	for dev; do
		len=$(blockdev --getsz "$dev")
		echo "$start $len $target $dev 0"
		start=$((start + len))
	done | dmsetup create dmp1
}

# mount_new: a new ext4 in the first 64 MiB of the volume
mount_new()
{
	# ext4 would initialize the rest later, and flush then
	mkfs.ext4 -q -E lazy_itable_init=0,lazy_journal_init=0 /dev/mapper/dmp1 64M
	mount /dev/mapper/dmp1 /run/mnt
}

# store FILE: with a commit of the journal
store()
{
	dd if=/dev/urandom of="/run/mnt/$1" bs=4k count=1 conv=fsync status=none
}

# flushes_of COMMITS: print how many flushes so many commits are
flushes_of()
{
	local before n
	# bats ends no function in $(...) at an error
	store first || return
	before=$(stat_file dmp1 flush reqs)
	for n in $(seq "$1"); do
		store "$n" || return
	done
	echo $(($(stat_file dmp1 flush reqs) - before))
}

@test "the only device gets it whole, several devices get a flush first" {
	volume dmp "$(loop 64M)"
	mount_new
	n=$(flushes_of 5)
	equal "one device" "$n" 0
	umount /run/mnt
	dmsetup remove dmp1

	volume dmp "$(loop 64M)" "$(loop 8M)"
	mount_new
	n=$(flushes_of 5)
	echo "# $n flushes of two devices" >&3
	[ "$n" -ge 10 ]
	umount /run/mnt
}

@test "the error of the flush is that of the write" {
	for target in linear dmp; do
		bad=$(loop 8M)
		dmsetup create bad --table "0 16384 linear $bad 0"
		volume $target "$(loop 64M)" /dev/mapper/bad
		mount_new
		store before
		# which holds nothing of the file system
		dmsetup reload bad --table "0 16384 flakey $bad 0 0 3600 1 error_writes"
		dmsetup resume bad
		run ! store after
		[[ $output == *"Input/output error"* ]]
		umount /run/mnt
		dmsetup remove dmp1
		dmsetup remove bad
	done
}
