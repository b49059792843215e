#!/usr/bin/env bats
# No request is lost in the counts of several jobs on two CPUs, also during reloads, resets and
# reads. DMP_REQUESTS is the number of requests in the first test.

bats_require_minimum_version 1.5.0
load ../guest
load ../storm

# flood OPTION...: requests of several jobs
flood()
{
	fio_json --filename=/dev/mapper/dmp1 --rw=randrw --bs=4k --norandommap \
		--iodepth=64 --iodepth_batch_submit=32 --iodepth_batch_complete_min=1 "$@"
}

# all_counts_agree: what fio sent is what was counted, at each level and in each histogram
all_counts_agree()
{
	local op reqs bytes
	for op in read write; do
		read -r reqs bytes < <(fio_counts "$TMPDIR/fio.json" $op)
		echo "# $op: fio $reqs $bytes, dmp $(stats dmp1 $op), dm-stats $(dm_stats dmp1 $op)," \
			"/sys/block $(block_counts dmp1 $op)" >&3
		counts_are_fios dmp1 $op
		equal "$op, sizes" "$(stat_file dmp1 $op size_hist)" "0 0 0 $reqs 0 0 0 0 0 0 0 0"
		equal "$op, latencies" "$(stat_file dmp1 $op latency_hist | sum)" "$reqs"
		equal "$op, module" $(($(volumes $op reqs) - before[$op])) "$reqs"
	done
}

# volume DEVICE: dmp1 with latencies over a device, and a region for dm-stats to count
volume()
{
	declare -gA before
	create dmp1 "$1" 0 1 latency
	dmsetup message dmp1 0 @stats_create - /1
	before=([read]=$(volumes read reqs) [write]=$(volumes write reqs))
}

@test "millions of requests that end in interrupts" {
	requests=${DMP_REQUESTS:-3000000}
	volume "$(null_blk nullb0 size=1024 memory_backed=0 submit_queues=2 irqmode=1)"
	flood --number_ios=$((requests / 4)) --io_size=10g --name=uring1 --ioengine=io_uring \
		--name=uring2 --ioengine=io_uring --name=aio --ioengine=libaio --name=sync --ioengine=psync
	all_counts_agree
	read -r reads _ < <(fio_counts "$TMPDIR/fio.json" read)
	read -r writes _ < <(fio_counts "$TMPDIR/fio.json" write)
	equal "all requests" $((reads + writes)) "$requests"
}

@test "requests that a timer ends, and a full queue bounces" {
	volume "$(null_blk nullb0 size=1024 memory_backed=0 submit_queues=1 irqmode=2 completion_nsec=10000)"
	flood --number_ios=40000 --name=uring1 --ioengine=io_uring --name=uring2 --ioengine=io_uring \
		--name=aio --ioengine=libaio
	all_counts_agree
}

@test "requests that other threads submit and end" {
	# dm-delay passes on from a thread of its own, a loop device carries out in workers
	dev=$(loop 64M)
	dmsetup create slow --table "0 131072 delay $dev 0 1"
	volume /dev/mapper/slow
	flood --number_ios=20000 --name=uring --ioengine=io_uring --name=aio --ioengine=libaio
	all_counts_agree
	dmsetup remove dmp1
	volume "$dev"
	flood --number_ios=50000 --name=uring --ioengine=io_uring --name=aio --ioengine=libaio
	all_counts_agree
}

# in one mode of the volume there are files and messages that the other does not have
read_files()
{
	cat "$dir"/*/* /sys/module/dmp/stat/volumes 2>/dev/null || grep -q . "$dir/read/reqs"
}

read_histogram()
{
	histogram dmp1 2>/dev/null || dmsetup status dmp1
}

reset()
{
	dmsetup message dmp1 0 reset
}

@test "reload, reset, messages and readers while I/O runs" {
	dev=$(null_blk nullb0 size=256 memory_backed=0 submit_queues=2 irqmode=1)
	volume "$dev"
	dir=$(sysfs dmp1)/dmp
	loops=(read_files read_histogram reset)
	fio_start flood --name=uring --ioengine=io_uring --name=aio --ioengine=libaio
	begin "${loops[@]}"
	reloads=0
	end=$((SECONDS + 20))
	while [ $SECONDS -lt $end ] || [ $reloads -le 10 ]; do
		feature=$((reloads % 3 ? 1 : 0))
		dmsetup reload dmp1 --table "0 524288 dmp $dev 0 $feature $([ $feature = 0 ] || echo latency)"
		dmsetup suspend dmp1
		dmsetup resume dmp1
		reloads=$((reloads + 1))
	done
	fio_stop
	end "${loops[@]}"
	echo "# $reloads reloads" >&3
	for name in "${loops[@]}"; do
		more_rounds "$name" 5
	done
	for op in read write; do
		equal "$op, module" $(($(volumes $op reqs) - before[$op])) \
			"$(fio_counts "$TMPDIR/fio.json" $op | cut -d ' ' -f 1)"
	done
	# and from the last reset on it is exact again
	dmsetup reload dmp1 --table "0 524288 dmp $dev 0 1 latency"
	dmsetup resume dmp1
	dmsetup message dmp1 0 reset
	before=([read]=$(volumes read reqs) [write]=$(volumes write reqs))
	flood --number_ios=5000 --name=aio --ioengine=libaio
	all_counts_agree
}
