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

@test "the size histogram is that of the requests fio sent" {
	create dmp1 "$(null_blk nullb0 size=256 memory_backed=0 max_sectors=8192)"
	fio_run --rw=randrw --ioengine=libaio --iodepth=8 --number_ios=6000 \
		--bssplit=512/10:1k/9:1536/9:2k/9:4k/9:8k/9:12k/9:32k/9:64k/9:128k/9:256k/3:512k/3:1m/3 \
		--write_lat_log="$TMPDIR/log" --numjobs=2 --per_job_logs=1
	for op in read write; do
		counts_are_fios dmp1 $op
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
		counts_are_fios dmp1 $op
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

# timed COMMAND...: set $elapsed to the nanoseconds that a command takes
timed()
{
	local start=${EPOCHREALTIME/./}
	"$@"
	elapsed=$(((${EPOCHREALTIME/./} - start) * 1000))
}

# took NAME OPERATION SIZE N MS: that many requests, of this bucket of sizes, took MS
# milliseconds at least, and no longer than the command that sent them, $elapsed; and each is
# in a bucket of latencies that says so. A busy machine makes it more, so no fixed time is
# the upper limit.
took()
{
	histogram "$1" "$2" | awk -v size="$3" -v n="$4" -v ms="$5" -v most="$elapsed" '
		# the floor of the next bucket: they are powers of two, and these and a half
		function next_floor(floor, p) {
			for (p = 1; 2 * p <= floor; p *= 2)
				;
			return floor == p ? 1.5 * p : 2 * p
		}
		{ print "histogram:", $0 }
		$2 == size {
			seen += $4
			# a timer may be early by a tick
			if (next_floor($3) <= (ms - 20) * 1e6) { print "too short"; bad = 1 }
			if ($3 > most) { print "longer than the command, which took", most; bad = 1 }
		}
		END {
			if (seen != n) { print n, "requests were sent"; bad = 1 }
			exit bad
		}'
}

# one_took NAME OPERATION SIZE MS: the same for one request, whose time is known to the
# nanosecond, and is in its bucket
one_took()
{
	local ns
	took "$1" "$2" "$3" 1 "$4" || return
	ns=$(stat_file "$1" "$2" latency_ns)
	echo "$2: $ns ns"
	[ "$ns" -ge $((($4 - 20) * 1000000)) ] || return
	[ "$ns" -le "$elapsed" ] || return
	equal bucket "$(latency_hist "$1" "$2")" "$(awk -v ns="$ns" '
		BEGIN {
			for (p = 1; 2 * p <= ns; p *= 2)
				;
			printf "%.0f 1\n", (ns >= 1.5 * p ? 1.5 * p : p)
		}')"
}

sync_volume()
{
	perl -MIO::Handle -e 'open my $f, "+<", shift or die; $f->sync or die' "/dev/mapper/$1"
}

@test "each operation is in the bucket of its delay" {
	dev=$(null_blk nullb0 size=64 memory_backed=1 cache_size=8 discard=1)
	len=$(blockdev --getsz "$dev")
	dmsetup create slow --table "0 $len delay $dev 0 650 $dev 0 1300 $dev 0 2600"
	create dmp1 /dev/mapper/slow 0 1 latency
	timed fio_run --rw=randread --bs=4k --ioengine=libaio --iodepth=8 --number_ios=8 --size=8M
	took dmp1 read 4096 8 650
	timed fio_run --rw=randwrite --bs=64k --ioengine=libaio --iodepth=8 --number_ios=8 --size=8M
	took dmp1 write 65536 8 1300
	timed blkdiscard -f -o 16M -l 32M /dev/mapper/dmp1
	one_took dmp1 discard 1048576 1300
	timed sync_volume dmp1
	one_took dmp1 flush 0 2600
	dmsetup message dmp1 0 reset
	timed dd if=/dev/mapper/dmp1 of=/dev/null bs=512 count=1 iflag=direct
	one_took dmp1 read 512 650
	timed dd if=/dev/zero of=/dev/mapper/dmp1 bs=8k count=1 oflag=direct
	one_took dmp1 write 8192 1300
}

@test "zone management is in the bucket of its delay" {
	dev=$(null_blk nullb0 size=64 memory_backed=1 zoned=1 zone_size=4)
	dmsetup create slow --table "0 $(blockdev --getsz "$dev") delay $dev 0 0 $dev 0 1300"
	create dmp1 /dev/mapper/slow 0 1 latency
	timed blkzone reset -o 0 -c 1 /dev/mapper/dmp1
	one_took dmp1 zone 0 1300
}

@test "write zeroes are in the bucket of their delay" {
	# dm-delay cannot write zeroes, this disk can
	dev=$(scsi_debug dev_size_mb=16 lbpws=1 ndelay=650000000)
	create dmp1 "$dev" 0 1 latency
	timed blkdiscard -z -f -o 8M -l 256k /dev/mapper/dmp1
	one_took dmp1 write_zeroes 262144 650
}

@test "small requests and large ones keep their own latencies" {
	a=$(null_blk nullb0 size=64 memory_backed=1)
	b=$(null_blk nullb1 size=64 memory_backed=1)
	dmsetup create slow --table "0 65536 delay $a 0 650
65536 65536 delay $b 0 1300"
	create dmp1 /dev/mapper/slow 0 1 latency
	timed fio_json --filename=/dev/mapper/dmp1 --rw=randread --ioengine=libaio --size=32M \
		--name=small --bs=4k --iodepth=5 --number_ios=5 \
		--name=large --bs=64k --iodepth=3 --number_ios=3 --offset=32M
	counts_are_fios dmp1 read
	took dmp1 read 4096 5 650
	took dmp1 read 65536 3 1300
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
	# a counter never goes back; read it as long as fio runs, and five times at least
	dir=$(sysfs dmp1)/dmp/read
	fio_run --rw=randrw --bs=128k --ioengine=io_uring --iodepth=16 --number_ios=4000 &
	fio=$!
	while kill -0 $fio 2>/dev/null; do
		paste -d ' ' "$dir/reqs" "$dir/bytes" "$dir/errors"
	done >"$TMPDIR/reads"
	wait $fio
	awk '
		$1 < reqs || $2 < bytes || $3 < errors { print "after " reqs, bytes, errors ": " $0; bad = 1 }
		$1 > 0 { counted++ }
		{ reqs = $1; bytes = $2; errors = $3 }
		END { exit bad || counted < 5 }' "$TMPDIR/reads"
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
