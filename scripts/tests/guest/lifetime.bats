#!/usr/bin/env bats
# The directory of a volume in sysfs: there while the volume is, with its counts.

bats_require_minimum_version 1.5.0
load ../guest
load ../volume

@test "the directory is there from the first resume until removal" {
	dmsetup create dmp1 --notable
	dir=$(sysfs dmp1)/dmp
	dmsetup load dmp1 --table "0 16384 dmp $(loop 8M)"
	[ ! -e "$dir" ]
	dmsetup resume dmp1
	equal directories "$(dirs dmp1)" "$(without_latency)"
	dmsetup suspend dmp1
	equal "directories while suspended" "$(dirs dmp1)" "$(without_latency)"
	dmsetup remove dmp1
	[ ! -e "$dir" ]
}

@test "the directory stays when the device is renamed" {
	create dmp1 "$(loop 8M)"
	write_4k dmp1 3
	dmsetup rename dmp1 dmp2
	write_4k dmp2 2
	equal write "$(stats dmp2 write)" "5 20480 0"
	dmsetup rename dmp2 dmp1
	equal directories "$(dirs dmp1)" "$(without_latency)"
}

@test "counts of a volume survive reloads, those of a segment begin with its table" {
	dev=$(loop 8M)
	create dmp1 "$dev"
	for i in 1 2 3; do
		write_4k dmp1 10
		equal volume "$(stats dmp1 write)" "$((10 * i)) $((40960 * i)) 0"
		equal segment "$(counts dmp1 write)" "10 40960 0"
		equal sizes "$(stat_file dmp1 write size_hist)" "0 0 0 $((10 * i)) 0 0 0 0 0 0 0 0"
		dmsetup reload dmp1 --table "0 16384 dmp $dev"
		dmsetup resume dmp1
	done
}

@test "a table that is loaded but not resumed changes no count" {
	dev=$(loop 8M)
	create dmp1 "$dev"
	write_4k dmp1 3
	dmsetup load dmp1 --table "0 16384 dmp $dev 0 1 latency"
	write_4k dmp1 3
	equal latencies "$(stat_file dmp1 write latency_hist | sum)" 0
	dmsetup clear dmp1
	write_4k dmp1 3
	equal write "$(stats dmp1 write)" "9 36864 0"
	equal directories "$(dirs dmp1)" "$(without_latency)"
}

@test "reload to and from other targets" {
	dev=$(loop 8M)
	dmsetup create dmp1 --table "0 16384 linear $dev 0"
	writes=$(volumes write reqs)
	dir=$(sysfs dmp1)/dmp
	for _ in 1 2 3; do
		[ ! -e "$dir" ]
		dmsetup reload dmp1 --table "0 16384 dmp $dev"
		equal "directories, before resume" "$(dirs dmp1)" "$(without_latency)"
		dmsetup resume dmp1
		equal directories "$(dirs dmp1)" "$(without_latency)"
		equal "a new volume" "$(stats dmp1 write)" "0 0 0"
		write_4k dmp1 3
		equal write "$(stats dmp1 write)" "3 12288 0"
		dmsetup reload dmp1 --table "0 16384 error"
		dmsetup resume dmp1
	done
	[ ! -e "$dir" ]
	equal "all writes" "$(volumes write reqs)" $((writes + 9))
}

@test "latency is switched on and off while the volume lives, and no count is lost" {
	dev=$(loop 8M)
	create dmp1 "$dev"
	write_4k dmp1 3
	for n in 3 6 9; do
		dmsetup reload dmp1 --table "0 16384 dmp $dev 0 1 latency"
		dmsetup resume dmp1
		equal "on" "$(dirs dmp1)" "$(with_latency)"
		write_4k dmp1 3
		equal "latencies" "$(stat_file dmp1 write latency_hist | sum)" $n
		dmsetup reload dmp1 --table "0 16384 dmp $dev"
		dmsetup resume dmp1
		equal "off" "$(dirs dmp1)" "$(without_latency)"
		write_4k dmp1 3
	done
	equal write "$(stats dmp1 write)" "21 86016 0"
}

@test "latency is switched on under I/O, and no count is lost" {
	dev=$(null_blk nullb0 size=256 memory_backed=0)
	create dmp1 "$dev"
	fio --name=job --filename=/dev/mapper/dmp1 --direct=1 --rw=randrw --bs=4k \
		--ioengine=libaio --iodepth=8 --time_based --runtime=600 \
		--output-format=json --output="$TMPDIR/fio.json" &
	fio=$!
	dir=$(sysfs dmp1)/dmp
	for feature in "1 latency" 0 "1 latency" "1 latency"; do
		growth "$dir/read/reqs"
		growth "$dir/write/reqs"
		dmsetup reload dmp1 --table "0 $(blockdev --getsz "$dev") dmp $dev 0 $feature"
		dmsetup resume dmp1
	done
	growth "$dir/read/latency_ns"
	growth "$dir/write/latency_ns"
	kill -INT $fio
	wait $fio || true
	for op in read write; do
		equal $op "$(stats dmp1 $op)" "$(fio_counts "$TMPDIR/fio.json" $op) 0"
		latencies=$(stat_file dmp1 $op latency_hist | sum)
		[ "$latencies" -gt 0 ]
		[ "$latencies" -lt "$(stat_file dmp1 $op reqs)" ]
	done
}

@test "who has a file open does not hold up removal" {
	create dmp1 "$(loop 8M)" 0 1 latency
	dir=$(sysfs dmp1)/dmp
	exec {a}<"$dir/read/reqs" {b}<"$dir/total/latency_hist"
	timeout 20 dmsetup remove dmp1
	run ! cat <&"$a"
	run ! cat <&"$b"
	exec {a}<&- {b}<&-
	[ ! -e "$dir" ]
}

@test "who reads a file all the time does not hold up removal" {
	dev=$(loop 8M)
	for _ in $(seq 10); do
		create dmp1 "$dev" 0 1 latency
		# shellcheck disable=SC2016 # it is Perl
		perl -e 'open my $f, "<", shift or die; open my $started, ">", shift or die;
			1 while sysseek($f, 0, 0) && sysread $f, my $b, 4096' \
			"$(sysfs dmp1)/dmp/total/latency_hist" "$TMPDIR/started" &
		until [ -e "$TMPDIR/started" ]; do sleep 0.1; done
		sleep 0.1
		rm "$TMPDIR/started"
		timeout 20 dmsetup remove dmp1
		wait
	done
}

@test "volumes come and go while others read" {
	dev=$(loop 8M)
	create dmp2 "$(loop 8M)" 0 1 latency
	touch "$TMPDIR/run"
	(while [ -e "$TMPDIR/run" ]; do
		cat /sys/block/dm-*/dmp/*/* /sys/module/dmp/stat/volumes
	done) >/dev/null 2>&1 &
	for _ in $(seq 20); do
		create dmp1 "$dev" 0 1 latency
		dmsetup reload dmp1 --table "0 16384 dmp $dev"
		dmsetup resume dmp1
		timeout 20 dmsetup remove dmp1
	done
	rm "$TMPDIR/run"
	wait
}

@test "who reads does not wait for a device that is reloaded or suspended" {
	dev=$(loop 8M)
	dmsetup create slow --table "0 16384 delay $dev 0 0 $dev 0 6000"
	create dmp1 /dev/mapper/slow
	create dmp2 "$(loop 8M)"
	dir=$(sysfs dmp1)/dmp

	# with a request under way, a resume with a new table has to wait
	dd if=/dev/zero of=/dev/mapper/dmp1 bs=4k count=1 oflag=direct &
	eventually grep -qx 1 "$dir/write/reqs"
	dmsetup reload dmp1 --table "0 16384 dmp /dev/mapper/slow 0 1 latency"
	dmsetup resume dmp1 &
	resume=$!
	sleep 0.3
	kill -0 $resume
	timeout 3 cat "$dir"/*/* "$(sysfs dmp2)"/dmp/*/* /sys/module/dmp/stat/volumes
	kill -0 $resume
	wait
	equal write "$(stats dmp1 write)" "1 4096 0"

	# and so has a suspend
	dd if=/dev/zero of=/dev/mapper/dmp1 bs=4k count=1 oflag=direct &
	eventually grep -qx 2 "$dir/write/reqs"
	dmsetup suspend dmp1 &
	suspend=$!
	sleep 0.3
	kill -0 $suspend
	timeout 3 cat "$dir"/*/* "$(sysfs dmp2)"/dmp/*/* /sys/module/dmp/stat/volumes
	kill -0 $suspend
	wait
	dmsetup resume dmp1
}

@test "a device that was never resumed goes without trace" {
	for _ in 1 2 3; do
		dmsetup create dmp1 --notable
		dmsetup load dmp1 --table "0 16384 dmp $(loop 8M) 0 1 latency"
		dmsetup remove dmp1
	done
}
