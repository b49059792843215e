#!/usr/bin/env bats
# Polled requests: over null_blk and over another dm device, of one segment and across
# the border of two, with dm-linear as with dmp.

bats_require_minimum_version 1.5.0
load ../guest

# table TARGET DEVICE SEGMENTS [FEATURE...]: of 64 MiB
table()
{
	local i len=$((131072 / $3))
	for i in $(seq 0 $(($3 - 1))); do
		echo "$((i * len)) $len $1 $2 $((i * len))${*:4}"
	done
}

# poll TARGET [FEATURE...]: 8 KiB reads and writes, aligned to 4 KiB, around the border
poll()
{
	local below segments nullb
	# without memory, for which null_blk would sleep under the RCU lock of whoever polls
	nullb=$(null_blk nullb0 size=64 memory_backed=0 submit_queues=2 poll_queues=1)
	table linear "$nullb" 1 | dmsetup create lower
	for below in "$nullb" /dev/mapper/lower; do
		for segments in 1 2; do
			table "$1" "$below" $segments "${@:2}" | dmsetup create upper
			equal polled "$(cat "$(sysfs upper)/queue/io_poll")" 1
			fio_json --name=job --filename=/dev/mapper/upper --ioengine=io_uring --hipri \
				--rw=randrw --bs=8k --ba=4k --offset=32736k --size=64k \
				--iodepth=8 --number_ios=2000 --io_size=1g --norandommap
			[ "$1" = linear ] || polled_counts_agree $segments
			dmsetup remove upper
			kernel_is_content
		done
	done
}

# polled_counts_agree SEGMENTS: to the byte; a request across the border counts twice
polled_counts_agree()
{
	local op reqs bytes counted
	for op in read write; do
		read -r reqs bytes < <(fio_counts "$TMPDIR/fio.json" $op)
		read -r counted _ < <(stats upper $op)
		equal "$op bytes and errors" "$(stats upper $op | cut -d ' ' -f 2-)" "$bytes 0"
		if [ "$1" = 1 ]; then
			equal "$op reqs" "$counted" "$reqs"
		else
			[ "$counted" -gt "$reqs" ]
		fi
		[ ! -e "$(sysfs upper)/dmp/$op/latency_hist" ] ||
			equal "$op latencies" "$(stat_file upper $op latency_hist | sum)" "$counted"
	done
}

@test "dm-linear" {
	poll linear
}

@test "dmp" {
	poll dmp
}

@test "dmp with latency" {
	poll dmp " 1 latency"
}
