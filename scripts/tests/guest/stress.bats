#!/usr/bin/env bats
# Nothing is lost: millions of requests, two CPUs, whatever is done meanwhile.

bats_require_minimum_version 1.5.0
load ../guest

fio_run()
{
	fio --filename=/dev/mapper/dmp1 --direct=1 --rw=randrw --bs=4k --norandommap --randrepeat=1 \
		--iodepth=64 --iodepth_batch_submit=32 --iodepth_batch_complete_min=1 \
		--output-format=json --output="$TMPDIR/fio.json" "$@"
}

# counts_agree: what fio sent is what was counted, at each level and in each histogram
counts_agree()
{
	local op reqs bytes
	for op in read write; do
		read -r reqs bytes < <(fio_counts "$TMPDIR/fio.json" $op)
		echo "# $op: fio $reqs $bytes, dmp $(stats dmp1 $op), dm-stats $(dm_stats dmp1 $op)," \
			"/sys/block $(block_counts dmp1 $op)" >&3
		equal "$op" "$(stats dmp1 $op)" "$reqs $bytes 0"
		equal "$op, status" "$(counts dmp1 $op)" "$reqs $bytes 0"
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

@test "three million requests that end in interrupts" {
	volume "$(null_blk nullb0 size=1024 memory_backed=0 submit_queues=2 irqmode=1)"
	fio_run --number_ios=750000 --io_size=10g --name=uring1 --ioengine=io_uring --name=uring2 --ioengine=io_uring \
		--name=aio --ioengine=libaio --name=sync --ioengine=psync
	counts_agree
	read -r reads _ < <(fio_counts "$TMPDIR/fio.json" read)
	read -r writes _ < <(fio_counts "$TMPDIR/fio.json" write)
	equal "all requests" $((reads + writes)) 3000000
}

@test "requests that a timer ends, and a full queue bounces" {
	volume "$(null_blk nullb0 size=1024 memory_backed=0 submit_queues=1 irqmode=2 completion_nsec=10000)"
	fio_run --number_ios=40000 --name=uring1 --ioengine=io_uring --name=uring2 --ioengine=io_uring \
		--name=aio --ioengine=libaio
	counts_agree
}

@test "requests that other threads submit and end" {
	# dm-delay passes on from a thread of its own, a loop device carries out in workers
	dev=$(loop 64M)
	dmsetup create slow --table "0 131072 delay $dev 0 1"
	volume /dev/mapper/slow
	fio_run --number_ios=20000 --name=uring --ioengine=io_uring --name=aio --ioengine=libaio
	counts_agree
	dmsetup remove dmp1
	volume "$dev"
	fio_run --number_ios=50000 --name=uring --ioengine=io_uring --name=aio --ioengine=libaio
	counts_agree
}

@test "reload, reset, messages and readers while I/O runs" {
	dev=$(null_blk nullb0 size=256 memory_backed=0 submit_queues=2 irqmode=1)
	volume "$dev"
	dir=$(sysfs dmp1)/dmp
	fio_run --time_based --runtime=600 --name=uring --ioengine=io_uring --name=aio --ioengine=libaio &
	fio=$!
	(while kill -0 $fio; do
		cat "$dir"/*/* /sys/module/dmp/stat/volumes
	done) >/dev/null 2>&1 &
	(while kill -0 $fio; do
		histogram dmp1
		dmsetup status dmp1
	done) >/dev/null 2>&1 &
	(while kill -0 $fio; do
		dmsetup message dmp1 0 reset
	done) >/dev/null 2>&1 &
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
	wait
	echo "# $reloads reloads" >&3
	for op in read write; do
		equal "$op, module" $(($(volumes $op reqs) - before[$op])) \
			"$(fio_counts "$TMPDIR/fio.json" $op | cut -d ' ' -f 1)"
	done
	# and from the last reset on it is exact again
	dmsetup reload dmp1 --table "0 524288 dmp $dev 0 1 latency"
	dmsetup resume dmp1
	dmsetup message dmp1 0 reset
	before=([read]=$(volumes read reqs) [write]=$(volumes write reqs))
	fio_run --number_ios=5000 --name=aio --ioengine=libaio
	counts_agree
}
