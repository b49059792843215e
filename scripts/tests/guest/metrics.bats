#!/usr/bin/env bats
# dmpstat -M: the text that Prometheus scrapes, checked by promtool.

bats_require_minimum_version 1.5.0
load ../guest
load ../volume
load ../dmpstat

# metrics OPTION...: metrics that promtool has nothing to say about, in $TMPDIR/metrics
metrics()
{
	dmpstat -M "$@" >"$TMPDIR/metrics"
	promtool check metrics <"$TMPDIR/metrics"
}

# value SAMPLE: its value
value()
{
	awk -v sample="$1" 'substr($0, 1, length(sample) + 1) == sample " " { print substr($0, length(sample) + 2) }' \
		"$TMPDIR/metrics"
}

@test "counts, sums and buckets are those of sysfs" {
	zero
	create dmp1 /dev/mapper/zero1 0 1 latency
	read_4k dmp1 7
	dd if=/dev/mapper/dmp1 of=/dev/null bs=64k count=2 iflag=direct status=none
	metrics
	labels='volume="dmp1",op="read"'
	equal info "$(value "dmp_volume_info{volume=\"dmp1\",device=\"$(basename "$(sysfs dmp1)")\",uuid=\"\"}")" 1
	equal errors "$(value "dmp_request_errors_total{$labels}")" 0
	equal count "$(value "dmp_request_size_bytes_count{$labels}")" 9
	equal sum "$(value "dmp_request_size_bytes_sum{$labels}")" $((7 * 4096 + 2 * 65536))
	# le includes its bound, and a bucket of the kernel ends before the next one
	equal "up to 4095" "$(value "dmp_request_size_bytes_bucket{$labels,le=\"4095\"}")" 0
	equal "up to 8191" "$(value "dmp_request_size_bytes_bucket{$labels,le=\"8191\"}")" 7
	equal "up to 131071" "$(value "dmp_request_size_bytes_bucket{$labels,le=\"131071\"}")" 9
	equal "all sizes" "$(value "dmp_request_size_bytes_bucket{$labels,le=\"+Inf\"}")" 9
	equal timed "$(value "dmp_request_duration_seconds_count{$labels}")" 9
	equal seconds "$(value "dmp_request_duration_seconds_sum{$labels}" | tr -d .)" \
		"$(printf '%010d' "$(stat_file dmp1 read latency_ns)")"
	# buckets of an octave are cumulative sums of two of the kernel's
	equal latencies "$(grep "^dmp_request_duration_seconds_bucket{$labels" "$TMPDIR/metrics" | sed 's/.* //' | xargs)" \
		"$(stat_file dmp1 read latency_hist | awk '{ for (i = 1; i <= 52; i++) { n += $i; if (i % 2 || i == 52) printf "%s%d", (i > 1 ? " " : ""), n } }')"
	# idle reads and writes are there, other operations after the first request
	equal writes "$(value 'dmp_request_size_bytes_count{volume="dmp1",op="write"}')" 0
	run ! grep -qE 'op="(total|flush|discard|zone|write_zeroes)"' "$TMPDIR/metrics"
	create dmp2 "$(loop 1M)"
	blkdiscard /dev/mapper/dmp2
	metrics
	equal "discards" "$(value 'dmp_request_size_bytes_count{volume="dmp2",op="discard"}')" 1
}

@test "the number of series, by --le and without latency" {
	zero
	create dmp1 /dev/mapper/zero1 0 1 latency
	create dmp2 /dev/mapper/zero1
	for le in octave:44 half:69 none:7; do
		metrics --le="${le%:*}"
		equal "$le" "$(grep -c 'volume="dmp1",op="read"' "$TMPDIR/metrics")" "${le#*:}"
		run ! grep -q 'duration.*dmp2' "$TMPDIR/metrics"
		equal "half of the series are writes" "$(grep -c 'dmp1.*op="write"' "$TMPDIR/metrics")" "${le#*:}"
	done
	# half has all bounds of the kernel
	metrics --le=half dmp1
	equal "bounds" "$(grep 'duration_seconds_bucket.*read' "$TMPDIR/metrics" | sed 's/.*le="\([^"]*\)".*/\1/' | head -n 4 | xargs)" \
		"0.000000512 0.000000768 0.000001024 0.000001536"
	run ! grep -q dmp2 "$TMPDIR/metrics"
}

@test "errors, and no volume at all" {
	metrics
	run ! grep -q '^[^#]' "$TMPDIR/metrics"
	skip_without flakey
	zero
	dmsetup create bad --table "0 2097152 flakey /dev/mapper/zero1 0 0 600 1 error_writes"
	create dmp1 /dev/mapper/bad
	run ! write_4k dmp1 1
	metrics
	equal errors "$(value 'dmp_request_errors_total{volume="dmp1",op="write"}')" 1
}

@test "names of all sorts" {
	zero
	names=('a"b\c' 'x<y>&z' $'new\nline' ü)
	for name in "${names[@]}"; do
		dmsetup --manglename none create "$name" --table "0 8 dmp /dev/mapper/zero1"
	done
	metrics
	equal names "$(sed -n 's/^dmp_volume_info{volume="\(.*\)",device.*/\1/p' "$TMPDIR/metrics" | sort | xargs -d '\n')" \
		'\\xc3\\xbc a\"b\\c new\\x0aline x<y>&z'
	for name in "${names[@]}"; do
		dmsetup --manglename none remove "$name"
	done
}

@test "the joint histogram, for the volumes that are named" {
	zero
	create dmp1 /dev/mapper/zero1 0 1 latency
	create dmp2 /dev/mapper/zero1 0 1 latency
	read_4k dmp1 3
	read_4k dmp2 3
	metrics --joint dmp1
	equal cells "$(sed -n 's/^dmp_request_size_duration_total{volume="dmp1",op="\(.*\)",size="\(.*\)",duration="0\.0*\(.*\)"}/\1 \2 \3/p' "$TMPDIR/metrics")" \
		"$(histogram dmp1)"
	run ! grep -q 'size_duration_total{volume="dmp2"' "$TMPDIR/metrics"
	run -1 as_nobody "$DMP_TOOLS/dmpstat" -M --joint dmp1
	equal "not root" "$output" "dmpstat: --joint needs root"
	as_nobody "$DMP_TOOLS/dmpstat" -M | grep -q dmp1
}

@test "a file for the textfile collector: replaced at once, each interval" {
	zero
	create dmp1 /dev/mapper/zero1
	"$DMP_TOOLS/dmpstat" -M --out "$TMPDIR/metrics" 0.2 &
	reporter=$!
	eventually test -e "$TMPDIR/metrics"
	equal "mode" "$(stat -c %a "$TMPDIR/metrics")" 644
	first=$(stat -c %i "$TMPDIR/metrics")
	read_4k dmp1 5
	eventually grep -q 'size_bytes_count{volume="dmp1",op="read"} 5' "$TMPDIR/metrics"
	[ "$(stat -c %i "$TMPDIR/metrics")" != "$first" ]
	kill -TERM "$reporter"
	wait "$reporter"
	promtool check metrics <"$TMPDIR/metrics"
	run ! compgen -G "$TMPDIR/metrics.*"
	# a full disk leaves the old file
	mkdir -p /run/mnt
	mount -t tmpfs -o size=4k tmpfs /run/mnt
	echo old >/run/mnt/metrics
	run -1 dmpstat -M --le=half --out /run/mnt/metrics
	equal "a full disk" "$output" "dmpstat: cannot write /run/mnt/metrics: No space left on device"
	equal "old" "$(cat /run/mnt/metrics)" old
	equal "files" "$(ls -A /run/mnt)" metrics
	umount /run/mnt
}

@test "HTTP" {
	zero
	create dmp1 /dev/mapper/zero1
	printf 'GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n' | dmpstat -M --http >"$TMPDIR/answer"
	sed '1,/^\r$/d' "$TMPDIR/answer" >"$TMPDIR/metrics"
	promtool check metrics <"$TMPDIR/metrics"
	equal "as without HTTP" "$(cat "$TMPDIR/metrics")" "$(dmpstat -M)"
	equal "status" "$(head -n 1 "$TMPDIR/answer")" $'HTTP/1.0 200 OK\r'
	for request in 'HEAD /metrics HTTP/1.1:200' 'POST /metrics HTTP/1.1:405' 'GET / HTTP/1.0:404' 'GET /metrics?x=y HTTP/1.0:200' 'x:400' ':400'; do
		status=$(printf '%s\r\n\r\n' "${request%:*}" | dmpstat -M --http | head -n 1 | cut -d ' ' -f 2)
		equal "$request" "$status" "${request##*:}"
	done
	head -c 100000 /dev/zero | dmpstat -M --http | grep -q '400 Bad Request'
	# a scraper that sends nothing is not waited for
	run -142 "$DMP_TOOLS/dmpstat" -M --http < <(exec sleep 15)
}
