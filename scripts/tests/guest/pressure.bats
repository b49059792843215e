#!/usr/bin/env bats
# Memory pressure: swap on one volume, a file system on another, and little memory left, while
# the tables of both are reloaded, their files read, and other volumes made and removed.

bats_require_minimum_version 1.5.0
load ../guest
load ../storm

# seconds that the load lasts
storm=${DMP_STORM:-5}

setup_file()
{
	local program
	for program in hog suspend; do
		gcc -O1 -Wall -Wextra -o "$TMPDIR/$program" "$BATS_TEST_DIRNAME/../$program.c"
	done
}

teardown()
{
	rm -f "$TMPDIR/run"
	pkill -KILL -x hog || true
	# not killed, since it may have suspended the volume to swap to
	while pgrep -x suspend >/dev/null; do
		sleep 0.1
	done
	end_background
	! grep -q ^/dev/mapper/swap1 /proc/swaps || swapoff /dev/mapper/swap1
	guest_teardown
}

# memory_disk NAME MIB: print a new disk that has allocated all of its memory: a real disk does
# not allocate when the kernel swaps
memory_disk()
{
	local disk
	disk=$(null_blk "$1" size="$2" memory_backed=1 submit_queues=2 irqmode=1)
	dd if=/dev/zero of="$disk" bs=1M count="$2" oflag=direct status=none
	echo "$disk"
}

# dm ARGUMENT...: dmsetup, which must not hang
dm()
{
	timeout -s KILL 240 dmsetup "$@"
}

# load_tables NAME DEVICE: load tables with and without latency, for the program suspend to resume
load_tables()
{
	local feature
	for feature in "" "0 1 latency"; do
		dm load "$1" --table "0 $(blockdev --getsz "$2") dmp $2 $feature"
		sleep 0.1
	done
}

load_swap()
{
	load_tables swap1 "$swap"
}

load_disk()
{
	load_tables dmp1 "$disk"
}

# other_volume NAME: make and remove a volume of so many segments that memory is allocated for it
other_volume()
{
	seq 0 64 16383 | awk '{ print $1, 64, "dmp /dev/mapper/zero1", $1, "1 latency" }' |
		dm create "$1"
	dd if="/dev/mapper/$1" of=/dev/null bs=64k count=16 status=none
	dm remove --retry "$1"
}

other1()
{
	other_volume other1
}

other2()
{
	other_volume other2
}

# read_files: of the volumes that swap and that have the file system; in one mode of them there
# are files that the other has not
read_files()
{
	timeout -s KILL 240 cat {"$swap_dir","$fs_dir"}/{stat,*/*} /sys/module/dmp/stat/volumes \
		2>/dev/null || [ $? = 1 ]
	dm status swap1
	dm status dmp1
}

# write_a_file: and read it back from the device
write_a_file()
{
	head -c 8M /dev/urandom | tee /run/mnt/file | sha256sum >"$TMPDIR/written"
	sync /run/mnt/file
	dd if=/run/mnt/file iflag=direct bs=1M status=none | sha256sum | cmp "$TMPDIR/written"
}

# all that goes on besides swapping
loops=(load_swap load_disk other1 other2 read_files write_a_file)

# vmstat FIELD: a count of the kernel's
vmstat()
{
	awk -v field="$1" '$1 == field { print $2 }' /proc/vmstat
}

start_loops()
{
	local name
	begin "${loops[@]}"
	suspends=()
	for name in swap1 dmp1; do
		"$TMPDIR/suspend" $name "$TMPDIR/run" >"$TMPDIR/suspends.$name" &
		suspends+=($!)
	done
}

# end_loops: each had some rounds, and none failed
end_loops()
{
	local pid name
	end "${loops[@]}"
	for pid in "${suspends[@]}"; do
		wait "$pid"
	done
	echo "# suspends $(cat "$TMPDIR"/suspends.* | xargs)" >&3
	for name in "${loops[@]}"; do
		more_rounds "$name" 2
	done
	for name in swap1 dmp1; do
		[ "$(cat "$TMPDIR/suspends.$name")" -gt 5 ]
	done
}

# hogs MIB: two processes that need that much memory each, and verify what is in it
hogs()
{
	local n pids=()
	for n in 1 2; do
		timeout -s KILL $((storm + 600)) "$TMPDIR/hog" "$1" "$storm" &
		pids+=($!)
	done
	for n in "${pids[@]}"; do
		wait "$n"
	done
}

@test "no deadlock when the kernel swaps to a volume that is reloaded" {
	swap=$(memory_disk nullb0 128)
	disk=$(memory_disk nullb1 32)
	create swap1 "$swap" 0 1 latency
	create dmp1 "$disk"
	dmsetup create zero1 --table "0 16384 zero"
	swap_dir=$(sysfs swap1)/dmp
	fs_dir=$(sysfs dmp1)/dmp
	mkfs.ext4 -q /dev/mapper/dmp1
	mkdir -p /run/mnt
	mount /dev/mapper/dmp1 /run/mnt
	mkswap -q /dev/mapper/swap1
	swapon /dev/mapper/swap1
	# leave 100 MiB, whatever memory the guest has, and need 50 more
	memory_disk nullb2 $(($(awk '$1 == "MemAvailable:" { print $2 }' /proc/meminfo) / 1024 - 100))
	out=$(vmstat pswpout)
	in=$(vmstat pswpin)

	start_loops
	hogs 75
	end_loops
	out=$(($(vmstat pswpout) - out))
	in=$(($(vmstat pswpin) - in))
	echo "# $out pages swapped out, $in in" >&3
	[ $out -gt 5000 ]
	[ $in -gt 1000 ]
	equal "kills for lack of memory" "$(vmstat oom_kill)" 0

	timeout -s KILL 240 swapoff /dev/mapper/swap1
	umount /run/mnt
	is_clean ext4 /dev/mapper/dmp1
	for name in swap1 dmp1; do
		equal "errors of $name" "$(stat_file $name total errors)" 0
	done
}
