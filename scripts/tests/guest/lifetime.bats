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
	fio_start fio_run --rw=randrw --bs=4k --ioengine=libaio --iodepth=8
	dir=$(sysfs dmp1)/dmp
	for feature in "1 latency" 0 "1 latency" "1 latency"; do
		growth "$dir/read/reqs"
		growth "$dir/write/reqs"
		dmsetup reload dmp1 --table "0 $(blockdev --getsz "$dev") dmp $dev 0 $feature"
		dmsetup resume dmp1
	done
	growth "$dir/read/latency_ns"
	growth "$dir/write/latency_ns"
	fio_stop
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
	timeout 60 dmsetup remove dmp1
	run ! cat <&"$a"
	run ! cat <&"$b"
	exec {a}<&- {b}<&-
	[ ! -e "$dir" ]
}

# read_always FILE: read a file until that fails, and make the file reads of how often it was
# read so far; fails if it could never be read
read_always()
{
	# shellcheck disable=SC2016 # it is Perl
	perl -e 'my ($file, $reads) = @ARGV;
		open my $f, "<", $file or die;
		while (sysseek($f, 0, 0) && sysread $f, my $b, 4096) {
			next if ++$n % 100;
			open my $r, ">", "$reads.new" or die;
			print $r $n;
			close $r;
			rename "$reads.new", $reads;
		}
		exit !$n' "$1" "$TMPDIR/reads"
}

@test "who reads a file all the time does not hold up removal" {
	dev=$(loop 8M)
	for _ in $(seq 10); do
		create dmp1 "$dev" 0 1 latency
		read_always "$(sysfs dmp1)/dmp/total/latency_hist" &
		eventually test -e "$TMPDIR/reads"
		growth "$TMPDIR/reads"
		timeout 60 dmsetup remove dmp1
		wait $!
		rm "$TMPDIR/reads"
	done
}

@test "volumes come and go while others read" {
	dev=$(loop 8M)
	create dmp2 "$(loop 8M)" 0 1 latency
	touch "$TMPDIR/run"
	(while [ -e "$TMPDIR/run" ]; do
		# files of the other volume may go meanwhile, the module's do not
		cat /sys/block/dm-*/dmp/*/* >/dev/null 2>&1 || true
		cat /sys/module/dmp/stat/volumes "$(sysfs dmp2)"/dmp/*/* >/dev/null || exit 1
		echo >>"$TMPDIR/reads"
	done) &
	reader=$!
	eventually test -e "$TMPDIR/reads"
	before=$(wc -l <"$TMPDIR/reads")
	for _ in $(seq 20); do
		create dmp1 "$dev" 0 1 latency
		dmsetup reload dmp1 --table "0 16384 dmp $dev"
		dmsetup resume dmp1
		timeout 60 dmsetup remove dmp1
	done
	[ "$(wc -l <"$TMPDIR/reads")" -gt "$before" ]
	rm "$TMPDIR/run"
	wait $reader
}

# end_delay: let the device slow carry out what it delays: a delay target flushes when it is
# suspended
end_delay()
{
	dmsetup suspend slow
	dmsetup resume slow
}

# reads_do_not_wait PID: while a process waits for dmp1, all files can be read
reads_do_not_wait()
{
	eventually waits_for_requests "$1"
	timeout 60 cat "$(sysfs dmp1)"/dmp/*/* "$(sysfs dmp2)"/dmp/*/* /sys/module/dmp/stat/volumes >"$TMPDIR/read"
	waits_for_requests "$1"
	[ "$(wc -l <"$TMPDIR/read")" -gt 80 ]
}

@test "who reads does not wait for a device that is reloaded or suspended" {
	dev=$(loop 8M)
	# longer than anything may take here
	dmsetup create slow --table "0 16384 delay $dev 0 0 $dev 0 600000"
	create dmp1 /dev/mapper/slow
	create dmp2 "$(loop 8M)"
	dir=$(sysfs dmp1)/dmp

	# with a request under way, a resume with a new table has to wait
	dd if=/dev/zero of=/dev/mapper/dmp1 bs=4k count=1 oflag=direct &
	request=$!
	eventually grep -qx 1 "$dir/write/reqs"
	dmsetup reload dmp1 --table "0 16384 dmp /dev/mapper/slow 0 1 latency"
	dmsetup resume dmp1 &
	resume=$!
	reads_do_not_wait $resume
	end_delay
	wait $request
	wait $resume
	equal write "$(stats dmp1 write)" "1 4096 0"

	# and so has a suspend
	dd if=/dev/zero of=/dev/mapper/dmp1 bs=4k count=1 oflag=direct &
	request=$!
	eventually grep -qx 2 "$dir/write/reqs"
	dmsetup suspend dmp1 &
	suspend=$!
	reads_do_not_wait $suspend
	end_delay
	wait $request
	wait $suspend
	dmsetup resume dmp1
}

@test "a device that was never resumed goes without trace" {
	for _ in 1 2 3; do
		dmsetup create dmp1 --notable
		dmsetup load dmp1 --table "0 16384 dmp $(loop 8M) 0 1 latency"
		dmsetup remove dmp1
	done
}
