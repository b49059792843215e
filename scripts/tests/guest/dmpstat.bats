#!/usr/bin/env bats
# dmpstat: its numbers are those of sysfs, of fio and of the message histogram.

# shellcheck disable=SC2034,SC2154 # seen is dmpstat.bash's, bats sets stderr
# shellcheck disable=SC2016 # programs of bash and jq
bats_require_minimum_version 1.5.0
load ../guest
load ../volume
load ../dmpstat

@test "without an interval it shows the counts since the volume began" {
	zero
	create dmp1 /dev/mapper/zero1 0 1 latency
	read_4k dmp1 7
	write_4k dmp1 3
	run -0 --separate-stderr dmpstat -Hp -o volume,dev,op,reqs,bytes,avg_size,errors,timed,reqs_sec,queue
	equal table "$output" "dmp1	$(basename "$(sysfs dmp1)")	read	7	28672	4096	0	7	-	-
dmp1	$(basename "$(sysfs dmp1)")	write	3	12288	4096	0	3	-	-"
	equal uuid "$(dmpstat -J | jq -r '.volumes[].uuid')" ""
	equal interval "$(dmpstat -J | jq '.interval_ns')" null
	dmsetup message dmp1 0 reset
	equal "after reset" "$(dmpstat)" "1 idle volume not shown"
	equal "-a" "$(dmpstat -a -Hp -o op,reqs)" "read	0
write	0"
	equal "-a -e total" "$(dmpstat -a -Hp -e total -o op,reqs)" "total	0"
}

@test "the reports add up to the counts of sysfs and of fio" {
	create dmp1 "$(null_blk nullb0 size=64 memory_backed=0 irqmode=2 completion_nsec=200000)" 0 1 latency
	dmpstat_start 0.2
	fio_start fio_run --rw=randrw --bssplit=4k/50:64k/30:512k/20 --ioengine=libaio --iodepth=8
	growth "$(sysfs dmp1)/dmp/read/reqs"
	next_report
	next_report
	next_report
	fio_stop
	dmpstat_stop
	deltas_are_counts dmp1 read
	deltas_are_counts dmp1 write
	for op in read write; do
		equal "fio's $op" "$(sums dmp1 "$op" | cut -d ' ' -f 1,2)" "$(fio_counts "$TMPDIR/fio.json" "$op")"
	done
	equal "intervals with reads, at least" "$(query 'map(select(.volumes[0].ops.read.reqs > 0)) | length >= 3')" true
	equal "events" "$(query '[.[].volumes[].event] | unique')" '[null]'
}

@test "errors" {
	skip_without flakey
	zero
	dmsetup create bad --table "0 2097152 flakey /dev/mapper/zero1 0 0 600 1 error_writes"
	create dmp1 /dev/mapper/bad
	dmpstat_start 0.2
	run ! write_4k dmp1 1
	read_4k dmp1 2
	dmpstat_stop TERM
	equal write "$(sums dmp1 write)" "1 4096 1 0"
	equal read "$(sums dmp1 read)" "2 8192 0 0"
}

@test "a volume's life within intervals" {
	zero
	dmpstat_start 'dmp*' 0.2
	create dmp1 /dev/mapper/zero1
	read_4k dmp1 3
	next_report
	equal "new" "$(sums dmp1 read)" "3 12288 0 0"
	equal "new" "$(query '[.[].volumes[].event] | map(select(.)) | unique')" '["new"]'

	mark
	dmsetup remove dmp1
	create dmp1 /dev/mapper/zero1
	read_4k dmp1 2
	next_report
	equal "another of the same name" "$(sums dmp1 read)" "2 8192 0 0"
	equal "gone" "$(query '[.[].gone[]]')" '["dmp1"]'

	mark
	dmsetup rename dmp1 other
	read_4k other 4
	next_report
	equal "renamed" "$(sums other read)" "4 16384 0 0"
	equal "gone" "$(query '[.[].gone[]]')" '[]'
	dmsetup rename other dmp1

	mark
	dmsetup reload dmp1 --table "0 2097152 dmp /dev/mapper/zero1 0 1 latency"
	dmsetup resume dmp1
	read_4k dmp1 5
	next_report
	equal "with latency" "$(sums dmp1 read | cut -d ' ' -f 1)" 5
	equal "timed" "$(histogram_sums dmp1 read latency_hist | awk '{ n += $2 } END { print n }')" 5

	mark
	dmsetup reload dmp1 --table "0 2097152 dmp /dev/mapper/zero1"
	dmsetup resume dmp1
	read_4k dmp1 2
	next_report
	equal "without latency" "$(sums dmp1 read)" "2 8192 0 0"
	equal "timed" "$(histogram_sums dmp1 read latency_hist)" ""

	mark
	dmsetup reload dmp1 --table "0 2097152 dmp /dev/mapper/zero1 0 1 latency"
	dmsetup resume dmp1
	read_4k dmp1 1
	next_report
	equal "timed again" "$(histogram_sums dmp1 read latency_hist | awk '{ n += $2 } END { print n }')" 1

	mark
	dmsetup message dmp1 0 reset
	next_report
	read_4k dmp1 6
	dmsetup message dmp1 0 reset
	dmsetup message dmp1 0 reset
	read_4k dmp1 2
	next_report
	equal "resets, in any order of reports" "$(query '[.[].volumes[].event] | map(select(.)) | unique')" '["reset"]'
	equal "last report" "$(dmpstat -Hp -o reqs)" 2

	mark
	dmsetup reload dmp1 --table "0 2097152 linear /dev/mapper/zero1 0"
	dmsetup resume dmp1
	next_report
	equal "linear" "$(query '[.[].gone[]]')" '["dmp1"]'
	mark
	dmsetup reload dmp1 --table "0 2097152 dmp /dev/mapper/zero1"
	dmsetup resume dmp1
	read_4k dmp1 1
	next_report
	equal "and dmp again" "$(sums dmp1 read)" "1 4096 0 0"

	# more than before the reset: no count falls
	mark
	kill -STOP "$reporter"
	dmsetup message dmp1 0 reset
	read_4k dmp1 9
	kill -CONT "$reporter"
	next_report
	equal "more than before" "$(sums dmp1 read | cut -d ' ' -f 1)" 9
	dmpstat_stop
}

@test "latencies that were measured before the start are not reported" {
	zero
	create dmp1 /dev/mapper/zero1 0 1 latency
	read_4k dmp1 9
	dmsetup reload dmp1 --table "0 2097152 dmp /dev/mapper/zero1"
	dmsetup resume dmp1
	dmpstat_start 0.2
	dmsetup reload dmp1 --table "0 2097152 dmp /dev/mapper/zero1 0 1 latency"
	dmsetup resume dmp1
	read_4k dmp1 1
	next_report
	read_4k dmp1 2
	next_report
	dmpstat_stop
	equal reads "$(sums dmp1 read | cut -d ' ' -f 1)" 3
	# those of the report that found the files are their baseline
	timed=$(histogram_sums dmp1 read latency_hist | awk '{ n += $2 } END { print n + 0 }')
	[ "$timed" = 2 ]
}

@test "average and queue of a delay" {
	skip_without delay
	zero
	dmsetup create slow --table "0 2097152 delay /dev/mapper/zero1 0 500"
	create dmp1 /dev/mapper/slow 0 1 latency
	dmpstat_start 0.2
	fio_run --rw=randread --bs=4k --ioengine=libaio --iodepth=4 --number_ios=16
	dmpstat_stop
	query '[.[].volumes[].ops.read // empty] | (map(.latency_ns) | add) / 16e6' |
		awk '{ print "average", $1, "ms"; exit !($1 >= 500 && $1 < 525) }'
	# 16 requests of half a second each, 4 at a time
	jq -c . "$TMPDIR/reports" >"$TMPDIR/record"
	queue=$(dmpstat --replay "$TMPDIR/record" -Hp -o queue 1000)
	seconds=$(query '(map(.interval_ns) | add) / 1e9')
	awk -v q="$queue" -v s="$seconds" 'BEGIN { print "queue", q, "in", s, "s"; exit !(q * s / 1000 >= 8 && q * s / 1000 < 8.4) }'
}

@test "percentiles are those of fio, in the same bucket or the next" {
	create dmp1 "$(null_blk nullb0 size=64 memory_backed=0 irqmode=2 completion_nsec=3000000)" 0 1 latency
	fio_run --rw=randread --bs=4k --number_ios=400 --ioengine=libaio --iodepth=4 --lat_percentiles=1
	for percentile in 50 90; do
		jq -n --slurpfile f <(sed -n '/^{/,$p' "$TMPDIR/fio.json") --slurpfile d <(dmpstat -J) \
			--arg p "$percentile" -e '
			($f[0].jobs[0].read.lat_ns.percentile[$p + ".000000"]) as $fio |
			$d[0].volumes[0].ops.read["p" + $p + "_ns"] as $dmp |
			[$fio, $dmp], ($fio >= $dmp[0] / 1.5 and $fio <= $dmp[1] * 1.5)'
	done
}

@test "-x has the cells of the message histogram" {
	create dmp1 "$(null_blk nullb0 size=64 memory_backed=0 irqmode=2 completion_nsec=200000)" 0 1 latency
	# latencies of the first requests are in no report
	read_4k dmp1 1
	dmsetup message dmp1 0 reset
	dmpstat_start -x 0.2
	fio_run --rw=randrw --bssplit=4k/50:64k/30:512k/20 --ioengine=libaio --iodepth=8 --number_ios=500
	dmpstat_stop
	query '[.[].volumes[].ops | to_entries[] | .key as $op | .value.joint // [] | .[] | [$op] + .] |
		group_by(.[:3]) | map(.[0][:3] + [map(.[3]) | add] | join(" ")) | .[]' -r | sort >"$TMPDIR/cells"
	equal cells "$(cat "$TMPDIR/cells")" "$(histogram dmp1 | sort)"
	equal "since the start" "$(dmpstat -x -H | tr '\t' ' ' | cut -d ' ' -f 2- | sort)" "$(histogram dmp1 | sort)"
	dmpstat -x -e read | grep -q '^dmp1 read: .* requests by size and latency$'
	# the first segment need not be one of dmp
	dmsetup create mixed --table "0 8 zero
8 64 dmp /dev/nullb0 0 1 latency"
	dd if=/dev/mapper/mixed of=/dev/null bs=4k skip=1 count=3 iflag=direct status=none
	equal "second segment" "$(dmpstat -x -H mixed | tr '\t' ' ' | cut -d ' ' -f 2- | sort)" \
		"$(dmsetup message mixed 8 histogram | sort)"
}

@test "-x of a volume that is renamed, and of one that stops to measure" {
	zero
	create dmp1 /dev/mapper/zero1 0 1 latency
	read_4k dmp1 9
	dmpstat_start -x 0.2
	dmsetup rename dmp1 other
	read_4k other 4
	next_report
	equal "renamed" "$(sums other read | cut -d ' ' -f 1)" 4
	dmsetup reload other --table "0 2097152 dmp /dev/mapper/zero1"
	dmsetup resume other
	read_4k other 2
	next_report
	dmpstat_stop
	equal "without latency" "$(sums other read | cut -d ' ' -f 1)" 6
	equal "gone" "$(query '[.[].gone[]]')" '[]'
	equal "cells" "$(query '[.[].volumes[].ops.read.joint // [] | .[] | .[2]] | add')" 4
}

@test "a volume that takes the place of another, or gets its path later" {
	zero
	dmsetup create first -u UUID-first --table "0 8 dmp /dev/mapper/zero1"
	dmpstat_start UUID-second /run/late 1 2>/dev/null
	dmsetup remove first
	dmsetup create second -u UUID-second --table "0 2097152 dmp /dev/mapper/zero1"
	read_4k second 3
	create third /dev/mapper/zero1
	next_report
	ln -s /dev/mapper/third /run/late
	next_report
	read_4k third 2
	next_report
	dmpstat_stop
	rm /run/late
	equal "by UUID" "$(sums second read)" "3 12288 0 0"
	equal "by path" "$(sums third read)" "2 8192 0 0"
}

@test "everything but -x works without privilege" {
	zero
	create dmp1 /dev/mapper/zero1 0 1 latency
	read_4k dmp1 2
	user=(as_nobody "$DMP_TOOLS/dmpstat")
	equal reads "$("${user[@]}" -Hp -o reqs)" 2
	"${user[@]}" -w | grep -q 'dmp1 read: 2 requests by latency'
	run ! "${user[@]}" -x
	[[ $output == *"-x needs root; -r and -w show sizes and latencies to everybody"* ]]
	chmod 0700 "$(sysfs dmp1)/dmp"
	run -1 "${user[@]}"
	equal "EACCES" "$output" "dmpstat: $(basename "$(sysfs dmp1)"): cannot read the statistics: Permission denied"
}

@test "names of all sorts" {
	zero
	names=('a"b\c' 'a b' 'x<y>&z' $'new\nline' $'\e[31m' ü 5)
	for name in "${names[@]}"; do
		dmsetup --manglename none create "$name" --table "0 8 dmp /dev/mapper/zero1"
	done
	run -0 dmpstat -a -J
	equal names "$(jq -r '[.volumes[].name] | sort | join("|")' <<<"$output")" \
		'5|\x1b[31m|\xc3\xbc|a b|a"b\c|new\x0aline|x<y>&z'
	equal "a name" "$(dmpstat -a -H -o volume -e read 'a"b\c')" 'a"b\c'
	equal "a name with a newline" "$(dmpstat -a -H -o volume -e read $'new\nline')" 'new\x0aline'
	equal "a volume called 5" "$(dmpstat -a -H -o volume -e read /dev/mapper/5)" 5
	equal "by dm-N" "$(dmpstat -a -H -o volume -e read "$(basename "$(sysfs 5)")")" 5
	equal "by device number" "$(dmpstat -a -H -o volume -e read "$(cat "$(sysfs 5)/dev")")" 5
	equal "a pattern" "$(dmpstat -a -H -o volume -e read 'a*')" 'a b
a"b\c'
	for name in "${names[@]}"; do
		dmsetup --manglename none remove "$name"
	done
}

@test "no volume, and waiting for one" {
	zero
	run -1 dmpstat
	equal "none" "$output" "dmpstat: no volume has dmp segments; dmpctl attach puts dmp under a volume"
	run -1 dmpstat zero1
	equal "another target" "$output" "dmpstat: zero1: no volume with dmp segments"
	dmpstat_start dmp1 0.2 2>"$TMPDIR/errors"
	create dmp1 /dev/mapper/zero1
	read_4k dmp1 1
	next_report
	dmpstat_stop
	equal "it came" "$(sums dmp1 read)" "1 4096 0 0"
	equal "message" "$(cat "$TMPDIR/errors")" "dmpstat: dmp1: no volume with dmp segments yet"
}

@test "the module comes and goes" {
	rmmod dmp 2>/dev/null || true
	dmpstat_start 0.2 2>/dev/null
	zero
	create dmp1 /dev/mapper/zero1
	read_4k dmp1 3
	dmsetup remove dmp1
	rmmod dmp
	next_report
	mark
	create dmp1 /dev/mapper/zero1
	read_4k dmp1 2
	next_report
	dmpstat_stop
	equal "after the second load" "$(sums dmp1 read)" "2 8192 0 0"
}

# come_and_go COUNT: create and remove dmp2 that number of times
come_and_go()
{
	local i
	for ((i = 0; i < $1; i++)); do
		create dmp2 /dev/mapper/zero1 && dmsetup remove dmp2 || return
	done
}

@test "a volume that is removed meanwhile is no error" {
	zero
	create dmp1 /dev/mapper/zero1
	come_and_go 50 &
	other=$!
	while kill -0 "$other" 2>/dev/null; do
		equal "a message" "$(dmpstat -a -J 2>&1 >/dev/null || echo "failed with $?")" ""
	done
	wait "$other"
}

@test "more volumes than descriptors" {
	zero
	for i in $(seq 20); do
		create "dmp$i" /dev/mapper/zero1
	done
	# 32 are not for volumes
	seen=0
	: >"$TMPDIR/reports"
	(ulimit -Sn 44 && ulimit -Hn 44 && exec "$DMP_TOOLS/dmpstat" -J 0.3 >>"$TMPDIR/reports") &
	reporter=$!
	next_report
	eventually keeps_descriptors 12
	for i in $(seq 20); do
		read_4k "dmp$i" "$i"
	done
	next_report
	for i in $(seq 20); do
		equal "dmp$i" "$(sums "dmp$i" read | cut -d ' ' -f 1)" "$i"
	done
	mark
	dmsetup remove dmp20
	create dmp20 /dev/mapper/zero1
	read_4k dmp20 7
	next_report
	dmpstat_stop
	equal "the new dmp20" "$(sums dmp20 read | cut -d ' ' -f 1)" 7
}

@test "a full disk ends it, and the record keeps whole reports" {
	zero
	create dmp1 /dev/mapper/zero1
	mkdir -p /run/mnt
	mount -t tmpfs -o size=8k tmpfs /run/mnt
	run -1 timeout 60 "$DMP_TOOLS/dmpstat" -a --record /run/mnt/record -H 0.1
	umount_after=$(cp /run/mnt/record "$TMPDIR/record" && echo copied)
	umount /run/mnt
	equal record "$umount_after" copied
	[[ $output == *"dmpstat: cannot write /run/mnt/record: No space left on device"* ]]
	dmpstat --replay "$TMPDIR/record" -J >"$TMPDIR/replay"
	jq -e . "$TMPDIR/replay" >/dev/null
	run -1 bash -c '"$DMP_TOOLS/dmpstat" -a >/dev/full'
	equal "output" "$output" "dmpstat: cannot write the report: No space left on device"
}

@test "it ends well by a signal, a count and a pipe that closes" {
	zero
	create dmp1 /dev/mapper/zero1
	for signal in INT TERM HUP; do
		"$DMP_TOOLS/dmpstat" -a -J 100 >"$TMPDIR/reports" &
		reporter=$!
		eventually reads_volumes
		dmpstat_stop "$signal"
		equal "report of the time so far" "$(jq -s length "$TMPDIR/reports")" 1
	done
	# nohup
	(trap '' HUP; exec "$DMP_TOOLS/dmpstat" -a -J 0.2 >"$TMPDIR/reports") &
	reporter=$!
	eventually reads_volumes
	kill -HUP "$reporter"
	next_report
	dmpstat_stop TERM
	equal count "$(dmpstat -a -J 0.1 3 | jq -s length)" 3
	run -0 --separate-stderr bash -c '"$DMP_TOOLS/dmpstat" -a -J 0.1 | head -n 2'
	equal "two reports" "$(jq -s length <<<"$output")" 2
	equal "quiet" "$stderr" ""
}
