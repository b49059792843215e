#!/usr/bin/env bats
# Data: what is written through a volume is read back, through it and from the devices below, and
# file systems on it stay whole, while reloads switch latency on and off.

bats_require_minimum_version 1.5.0
load ../guest

# seconds that a load lasts
storm=${DMP_STORM:-5}

teardown()
{
	end_background
	pkill -KILL stress-ng || true
	guest_teardown
}

# reload_until_end PID TABLE-COMMAND: reload dmp1, with latency and without, until a process ends
reload_until_end()
{
	local n=0 features=("" "1 latency")
	while [ -e "/proc/$1" ]; do
		dmsetup reload dmp1 --table "$("$2" "${features[n % 2]}")"
		dmsetup resume dmp1
		n=$((n + 1))
		sleep 0.1
	done
	echo "# $n reloads" >&3
}

# fails_with FILE: print what a command said that failed
fails_with()
{
	cat "$1"
	return 1
}

# two_segments FEATURES: print a table with parts of two devices
two_segments()
{
	echo "0 28672 dmp $dev1 2048 $1
28672 36864 dmp $dev2 4096 $1"
}

# write_and_verify SEED: write blocks of many sizes at random and read them back, by four engines
# on both CPUs. The second job writes across the border of the segments.
write_and_verify()
{
	fio --filename=/dev/mapper/dmp1 --rw=randwrite --size=8M \
		--direct=1 --bssplit=512/20:4k/50:12k/10:64k/15:1m/5 --iodepth=16 --randseed="$1" \
		--verify=crc32c --verify_backlog=256 --verify_fatal=1 --verify_state_save=0 \
		--group_reporting --output="$TMPDIR/fio" \
		--name=uring --ioengine=io_uring --cpus_allowed=0 --offset=0 \
		--name=aio --ioengine=libaio --cpus_allowed=1 --offset=8M \
		--name=sync --ioengine=psync --cpus_allowed=0 --offset=16M \
		--name=pvsync --ioengine=pvsync2 --cpus_allowed=1 --offset=24M
}

# rounds_of_fio: run it with one seed after the other while the load shall last
rounds_of_fio()
{
	local n=0 end=$((SECONDS + storm))
	while [ $n -lt 2 ] || [ $SECONDS -lt $end ]; do
		n=$((n + 1))
		write_and_verify $n
	done
	echo "# $n rounds of fio" >&3
}

below()
{
	dd if="$dev1" bs=1M skip=1 count=14 iflag=direct status=none
	dd if="$dev2" bs=1M skip=2 count=18 iflag=direct status=none
}

@test "fio verifies what two CPUs write, and it is below at its offset" {
	dev1=$(null_blk nullb0 size=16 memory_backed=1 submit_queues=2 irqmode=1)
	dev2=$(null_blk nullb1 size=24 memory_backed=1 submit_queues=1 irqmode=0)
	dmsetup create dmp1 --table "$(two_segments "")"
	rounds_of_fio &
	rounds=$!
	reload_until_end $rounds two_segments
	wait $rounds || fails_with "$TMPDIR/fio"
	blockdev --flushbufs /dev/mapper/dmp1
	below | cmp - <(dd if=/dev/mapper/dmp1 bs=1M iflag=direct status=none)
	# and it is not zeroes
	[ "$(below | tr -d '\0' | wc -c)" -gt 30000000 ]
	for op in read write; do
		[ "$(stat_file dmp1 $op reqs)" -gt 1000 ]
		[ "$(stat_file dmp1 $op errors)" = 0 ]
	done
}

whole_device()
{
	echo "0 614400 dmp $dev 0 $1"
}

# the stressors of stress-ng that change files, directories and attributes; some need a limit
# to end in time, or to share the space
stressors=(aio chmod chown dentry dir dirdeep dirmany fallocate fiemap file-ioctl filename
	fpunch fsize hdd io link open readahead rename seek symlink sync-file touch utime xattr)
limits=(--dentries 256 --dir-dirs 256 --fallocate-bytes 8M --hdd-bytes 8M
	--readahead-bytes 8M --seek-size 8M --sync-file-bytes 8M)

# stays_whole FS: a file system is clean after all stressors ran on it at once
stays_whole()
{
	mkdir -p /run/mnt
	dev=$(loop 300M)
	create dmp1 "$dev"
	"mkfs.$1" -q /dev/mapper/dmp1
	mount /dev/mapper/dmp1 /run/mnt
	# shellcheck disable=SC2046 # words
	stress-ng --timeout "$storm" --verify --temp-path /run/mnt "${limits[@]}" \
		$(printf -- '--%s 1 ' "${stressors[@]}") >"$TMPDIR/stress" 2>&1 &
	stress=$!
	reload_until_end $stress whole_device
	wait $stress || fails_with "$TMPDIR/stress"
	umount /run/mnt
	is_clean "$1" /dev/mapper/dmp1
	echo "# $(stat_file dmp1 write reqs) writes" >&3
	[ "$(stat_file dmp1 write reqs)" -gt 100 ]
	[ "$(stat_file dmp1 total errors)" = 0 ]
}

@test "ext4 stays whole under stress-ng" {
	stays_whole ext4
}

@test "xfs stays whole under stress-ng" {
	stays_whole xfs
}
