#!/usr/bin/env bats
# The file stat of a volume: 25 numbers in one line, all taken at once.

bats_require_minimum_version 1.5.0
load ../guest
load ../volume

@test "25 numbers in one line, which are those of the other files" {
	create dmp1 "$(loop 64M)" 0 1 latency
	write_4k dmp1 10
	dd if=/dev/mapper/dmp1 of=/dev/null bs=512 count=7 iflag=direct
	blkdiscard -f -o 1M -l 3M /dev/mapper/dmp1
	perl -MIO::Handle -e 'open my $f, "+<", shift or die; $f->sync or die' /dev/mapper/dmp1
	stat=$(sysfs dmp1)/dmp/stat
	equal lines "$(wc -l <"$stat")" 1
	[[ $(cat "$stat") =~ ^[0-9]+(\ [0-9]+){24}$ ]]
	for op in read write discard write_zeroes flush zone; do
		equal $op "$(fields dmp1 $op)" "$(stats dmp1 $op) $(stat_file dmp1 $op latency_ns)"
	done
	equal write "$(fields dmp1 write | cut -d ' ' -f 1-3)" "10 40960 0"
	equal flush "$(fields dmp1 flush | cut -d ' ' -f 1-3)" "1 0 0"
}

@test "errors, and no latency where none is measured" {
	dmsetup create below --table "0 16384 error"
	create dmp1 /dev/mapper/below
	run ! dd if=/dev/zero of=/dev/mapper/dmp1 bs=4k count=1 oflag=direct
	equal write "$(fields dmp1 write)" "1 4096 1 0"
}

@test "the first number counts resets, for as long as the volume lives" {
	dev=$(loop 8M)
	create dmp1 "$dev"
	for n in 1 2 3; do
		write_4k dmp1 $n
		dmsetup message dmp1 0 reset
		equal resets "$(resets dmp1)" $n
		equal write "$(fields dmp1 write)" "0 0 0 0"
		dmsetup reload dmp1 --table "0 16384 dmp $dev"
		dmsetup resume dmp1
		equal "resets after a reload" "$(resets dmp1)" $n
	done
	run ! dmsetup message dmp1 0 reset now
	equal "resets after a message that was refused" "$(resets dmp1)" 3
	create dmp2 "$(loop 8M)"
	equal "resets of another volume" "$(resets dmp2)" 0
	dmsetup reload dmp1 --table "0 16384 linear $dev 0"
	dmsetup resume dmp1
	dmsetup reload dmp1 --table "0 16384 dmp $dev"
	dmsetup resume dmp1
	equal "resets of a new volume" "$(resets dmp1)" 0
}

# watch FILE SECONDS BYTES: read a file stat as fast as possible, for so many seconds and
# until it was reset 21 times; all requests have so many bytes. Prints how often it was read, how often it was seen reset, by how many requests'
# bytes it was off at most, and how often by more than 4; fails if a number fell without a
# reset.
watch()
{
	# shellcheck disable=SC2016 # it is Perl
	perl -MTime::HiRes=time -e '
		my ($file, $seconds, $size) = @ARGV;
		open my $f, "<", $file or die;
		my ($end, $reads, $resets, $most, $often, @last) = (time + $seconds, 0, 0, 0, 0, (0) x 25);
		while (time < $end || $resets <= 20) {
			sysseek $f, 0, 0;
			sysread $f, my $line, 4096 or die "$file: $!";
			my @n = split / /, $line;
			$reads++;
			$resets++ if $n[0] != $last[0];
			for my $i (1 .. 24) {
				die "number $i fell from $last[$i] to $n[$i]" if $n[0] == $last[0] && $n[$i] < $last[$i];
			}
			for my $op (1, 5) {
				my $off = abs($n[$op] * $size - $n[$op + 1]) / $size;
				$most = $off if $off > $most;
				$often++ if $off > 4;
			}
			@last = @n;
		}
		print "$reads $resets $most $often\n"' "$@"
}

@test "no reader sees requests without their bytes, across resets and reloads" {
	dev=$(null_blk nullb0 size=256 memory_backed=0 submit_queues=2 irqmode=1)
	create dmp1 "$dev" 0 1 latency
	fio_start fio_run --rw=randrw --bs=4k --norandommap --ioengine=libaio --iodepth=16
	watch "$(sysfs dmp1)/dmp/stat" 14 4096 >"$TMPDIR/seen" &
	watcher=$!
	rounds=0
	while kill -0 $watcher 2>/dev/null; do
		dmsetup message dmp1 0 reset
		if [ $((rounds++ % 8)) = 0 ]; then
			dmsetup reload dmp1 --table "0 524288 dmp $dev 0 1 latency"
			dmsetup resume dmp1
		fi
	done
	wait $watcher
	fio_stop
	read -r reads resets most often <"$TMPDIR/seen"
	echo "# $reads reads, $resets resets seen of $(resets dmp1), $rounds rounds, off by $most requests, by more than 4 $often times" >&3
	[ "$reads" -gt 1000 ]
	# A request that one of the two CPUs was counting at a reset, and at the read. A
	# hypervisor that takes the CPU from the reader for some milliseconds makes it more,
	# but seldom; statistics that do not belong together stay off until the next reset.
	[ "$often" -le $((reads / 100)) ]
	[ "$most" -le 1000 ]
}
