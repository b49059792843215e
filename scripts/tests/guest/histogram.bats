#!/usr/bin/env bats
# Sizes and latencies: each request is in the bucket where it belongs.

bats_require_minimum_version 1.5.0
load ../guest

# fio_sizes FILE read|write: a size histogram from fio's log, where each request that it
# sent has a line: time, latency, read or write, size
fio_sizes()
{
	cat "$1"_lat*.log | awk -F ', *' -v op="$2" '
		$3 == (op == "read" ? 0 : 1) {
			for (i = 0; i < 11 && $4 >= 1024 * 2 ^ i; i++)
				;
			n[i]++
		}
		END {
			for (i = 0; i < 12; i++)
				printf "%d%s", n[i], i < 11 ? " " : "\n"
		}'
}

# sizes_of_cells NAME OPERATION: the size histogram that the joint one adds up to
sizes_of_cells()
{
	histogram "$1" "$2" | awk '
		NF == 4 { n[$2] += $4 }
		END {
			for (i = 0; i < 12; i++)
				printf "%d%s", n[512 * 2 ^ i], i < 11 ? " " : "\n"
		}'
}

# latencies_of_cells NAME OPERATION: "floor count" for each latency there is
latencies_of_cells()
{
	histogram "$1" "$2" | awk '
		NF == 4 { n[$3] += $4 }
		END { for (i in n) printf "%.0f %.0f\n", i, n[i] }' | sort -n
}

# latency_hist NAME OPERATION: the same, from sysfs
latency_hist()
{
	stat_file "$1" "$2" latency_hist | awk '
		{
			for (i = 1; i <= NF; i++) {
				k = i - 2
				floor = i == 1 ? 0 : (2 + k % 2) * 2 ^ (8 + int(k / 2))
				if ($i)
					printf "%.0f %.0f\n", floor, $i
			}
		}'
}

fio_run()
{
	fio --name=job --filename=/dev/mapper/dmp1 --direct=1 --randrepeat=1 \
		--output-format=json --output="$TMPDIR/fio.json" "$@"
}

@test "the size histogram is that of the requests fio sent" {
	create dmp1 "$(null_blk nullb0 size=256 memory_backed=0 max_sectors=8192)"
	fio_run --rw=randrw --ioengine=libaio --iodepth=8 --number_ios=6000 \
		--bssplit=512/10:1k/9:1536/9:2k/9:4k/9:8k/9:12k/9:32k/9:64k/9:128k/9:256k/3:512k/3:1m/3 \
		--write_lat_log="$TMPDIR/log" --numjobs=2 --per_job_logs=1
	for op in read write; do
		equal "$op, dmp and fio" "$(stats dmp1 $op)" "$(fio_counts "$TMPDIR/fio.json" $op) 0"
		equal "$op" "$(stat_file dmp1 $op size_hist)" \
			"$(fio_sizes "$TMPDIR/log" $op)"
		[[ ! $(stat_file dmp1 $op size_hist) =~ (^| )0( |$) ]]
	done
	rm "$TMPDIR"/log*
}

@test "the joint histogram adds up to that of sizes and that of latencies" {
	create dmp1 "$(null_blk nullb0 size=256 memory_backed=0 max_sectors=8192)" 0 1 latency
	fio_run --rw=randrw --ioengine=libaio --iodepth=8 --number_ios=6000 --numjobs=2 \
		--bssplit=512/10:1k/9:2k/9:4k/9:8k/9:16k/9:32k/9:64k/9:128k/9:256k/9:512k/5:1m/4
	for op in read write; do
		equal "$op, dmp and fio" "$(stats dmp1 $op)" "$(fio_counts "$TMPDIR/fio.json" $op) 0"
		equal "sizes, $op" "$(sizes_of_cells dmp1 $op)" "$(stat_file dmp1 $op size_hist)"
		equal "latencies, $op" "$(latencies_of_cells dmp1 $op)" "$(latency_hist dmp1 $op)"
		equal "number, $op" "$(stat_file dmp1 $op latency_hist | sum)" "$(stat_file dmp1 $op reqs)"
	done
	equal "number, total" "$(stat_file dmp1 total latency_hist | sum)" "$(stat_file dmp1 total reqs)"
	equal "all operations" "$(histogram dmp1)" "$(histogram dmp1 read; histogram dmp1 write)"
}

@test "the time that requests take is counted, and no more than fio's" {
	create dmp1 "$(null_blk nullb0 size=256 memory_backed=0)" 0 1 latency
	fio_run --rw=randread --bs=4k --ioengine=libaio --iodepth=4 --number_ios=3000
	total=$(stat_file dmp1 read latency_ns)
	fio_total=$(perl -MJSON::PP -e '
		local $/;
		open my $f, "<", shift;
		my $lat = decode_json(<$f>)->{jobs}[0]{read}{lat_ns};
		printf "%.0f\n", $lat->{mean} * $lat->{N}' "$TMPDIR/fio.json")
	echo "dmp: $total ns, fio: $fio_total ns"
	[ "$total" -gt 0 ]
	[ "$total" -le "$fio_total" ]
	# and what the histogram says it is at least
	least=$(latency_hist dmp1 read | awk '{ n += $1 * $2 } END { printf "%.0f\n", n }')
	[ "$least" -le "$total" ]
}

# between NAME OPERATION N FLOOR NEXT: N requests, all in one bucket
in_bucket()
{
	equal "latencies, $2" "$(latency_hist "$1" "$2")" "$4 $3"
	ns=$(stat_file "$1" "$2" latency_ns)
	[ "$ns" -ge $(($3 * $4)) ]
	[ "$ns" -lt $(($3 * $5)) ]
}

@test "each operation is in the bucket of its delay" {
	skip_emulated
	# 650 ms to read, 1300 to write and discard, 2600 to flush, each in the middle of a bucket
	dev=$(null_blk nullb0 size=64 memory_backed=1 cache_size=8 discard=1)
	len=$(blockdev --getsz "$dev")
	dmsetup create slow --table "0 $len delay $dev 0 650 $dev 0 1300 $dev 0 2600"
	create dmp1 /dev/mapper/slow 0 1 latency
	fio_run --rw=randread --bs=4k --ioengine=libaio --iodepth=8 --number_ios=8 --size=8M
	in_bucket dmp1 read 8 536870912 805306368
	fio_run --rw=randwrite --bs=64k --ioengine=libaio --iodepth=8 --number_ios=8 --size=8M
	in_bucket dmp1 write 8 1073741824 1610612736
	blkdiscard -f -o 16M -l 32M /dev/mapper/dmp1
	in_bucket dmp1 discard 1 1073741824 1610612736
	perl -MIO::Handle -e 'open my $f, "+<", shift or die; $f->sync or die' /dev/mapper/dmp1
	in_bucket dmp1 flush 1 2147483648 3221225472
	equal histogram "$(histogram dmp1)" "read 4096 536870912 8
write 65536 1073741824 8
discard 1048576 1073741824 1
flush 0 2147483648 1"
}

@test "zone management and write zeroes are in the bucket of their delay" {
	skip_emulated
	dev=$(null_blk nullb0 size=64 memory_backed=1 zoned=1 zone_size=4)
	dmsetup create slow --table "0 $(blockdev --getsz "$dev") delay $dev 0 0 $dev 0 1300"
	create dmp1 /dev/mapper/slow 0 1 latency
	blkzone reset -o 0 -c 1 /dev/mapper/dmp1
	equal histogram "$(histogram dmp1)" "zone 0 1073741824 1"

	# dm-delay cannot write zeroes, this disk can
	dev=$(scsi_debug dev_size_mb=16 lbpws=1 ndelay=1300000000)
	create dmp2 "$dev" 0 1 latency
	blkdiscard -z -f -o 8M -l 256k /dev/mapper/dmp2
	equal histogram "$(histogram dmp2 write_zeroes)" "write_zeroes 262144 1073741824 1"
	dmsetup remove dmp2
}

@test "small requests and large ones keep their own latencies" {
	a=$(null_blk nullb0 size=64 memory_backed=1)
	b=$(null_blk nullb1 size=64 memory_backed=1)
	dmsetup create slow --table "0 65536 delay $a 0 650
65536 65536 delay $b 0 1300"
	create dmp1 /dev/mapper/slow 0 1 latency
	fio_run --rw=randread --bs=4k --ioengine=libaio --iodepth=5 --number_ios=5 --size=32M &
	fio --name=job --filename=/dev/mapper/dmp1 --direct=1 --rw=randread --bs=64k --ioengine=libaio \
		--iodepth=3 --number_ios=3 --offset=32M --size=32M
	wait
	equal histogram "$(histogram dmp1)" "read 4096 536870912 5
read 65536 1073741824 3"
}

@test "a request that fails has a latency, too" {
	dmsetup create below --table "0 16384 error"
	create dmp1 /dev/mapper/below 0 1 latency
	for _ in 1 2 3; do
		run ! dd if=/dev/zero of=/dev/mapper/dmp1 bs=4k count=1 oflag=direct
	done
	equal write "$(stats dmp1 write)" "3 12288 3"
	equal latencies "$(stat_file dmp1 write latency_hist | sum)" 3
}

@test "a request that the device bounces counts once, with its latency" {
	dev=$(null_blk nullb0 size=256 memory_backed=0)
	echo 127 >"/sys/block/${dev#/dev/}/queue/max_sectors_kb"
	create dmp1 "$dev" 0 1 latency
	dmsetup message dmp1 0 @stats_create - /1
	touch "$TMPDIR/run"
	# a counter never goes back
	dir=$(sysfs dmp1)/dmp/read
	(while [ -e "$TMPDIR/run" ]; do
		paste -d ' ' "$dir/reqs" "$dir/bytes" "$dir/errors"
	done | awk '
		$1 < reqs || $2 < bytes || $3 < errors { bad = 1 }
		{ reqs = $1; bytes = $2; errors = $3 }
		END { exit bad || NR < 5 }') &
	reader=$!
	fio_run --rw=randrw --bs=128k --ioengine=io_uring --iodepth=16 --number_ios=4000
	rm "$TMPDIR/run"
	wait $reader
	for op in read write; do
		read -r reqs bytes < <(fio_counts "$TMPDIR/fio.json" $op)
		equal "$op, dmp and fio" "$(stats dmp1 $op)" "$reqs $bytes 0"
		equal "sizes, $op" "$(stat_file dmp1 $op size_hist)" "0 0 0 0 0 0 0 0 $reqs 0 0 0"
		equal "latencies, $op" "$(stat_file dmp1 $op latency_hist | sum)" "$reqs"
		# which the others count twice
		echo "# $op: fio $reqs $bytes, dmp $(stats dmp1 $op), /sys/block $(block_counts dmp1 $op)," \
			"dm-stats $(dm_stats dmp1 $op)" >&3
		equal "$op, block layer" "$(block_counts dmp1 $op)" "$((2 * reqs)) $((2 * bytes))"
		equal "$op, dm-stats" "$(dm_stats dmp1 $op)" "$((2 * reqs)) $((2 * bytes))"
	done
}
