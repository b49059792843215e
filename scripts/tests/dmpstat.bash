# shellcheck shell=bash
# What the tests of dmpstat share.

dmpstat()
{
	"$DMP_TOOLS/dmpstat" "$@"
}

# query FILTER [jq OPTION...]: look at the reports that came since mark, as an array
query()
{
	tail -n "+$((seen + 1))" "$TMPDIR/reports" | jq -c -s "${@:2}" "$1"
}

# nr_reports: the number of reports so far
nr_reports()
{
	wc -l <"$TMPDIR/reports"
}

# mark: query looks at reports from now on
mark()
{
	seen=$(nr_reports)
}

# dmpstat_start OPTION...: report in the background to $TMPDIR/reports, until dmpstat_stop
dmpstat_start()
{
	seen=0
	: >"$TMPDIR/reports"
	"$DMP_TOOLS/dmpstat" -J "$@" >>"$TMPDIR/reports" &
	reporter=$!
	next_report
}

# has_reports NUMBER: whether there are so many
has_reports()
{
	[ "$(nr_reports)" -ge "$1" ]
}

# next_report: wait for a report whose interval began after now
next_report()
{
	eventually has_reports $(($(nr_reports) + 2))
}

# reads_volumes: whether dmpstat has begun to read volumes
reads_volumes()
{
	! keeps_descriptors 0
}

# keeps_descriptors NUMBER: whether dmpstat has so many volumes open
keeps_descriptors()
{
	[ "$(find "/proc/$reporter/fd" -lname '*/dmp/stat' | wc -l)" = "$1" ]
}

# dmpstat_stop [SIGNAL]: end it, which leaves the report of the time since the last one
dmpstat_stop()
{
	kill "-${1:-INT}" "$reporter"
	wait "$reporter"
	reporter=
	jq -e -s 'length > 0' "$TMPDIR/reports" >/dev/null
}

# sums VOLUME OPERATION: requests, bytes, errors and latencies of all reports since mark
sums()
{
	# shellcheck disable=SC2016 # variables of jq
	query '[.[].volumes[] | select(.name == $v) | .ops[$op] // empty] |
		[(map(.reqs) | add), (map(.bytes) | add), (map(.errors) | add), (map(.latency_ns // 0) | add)] |
		map(. // 0) | join(" ")' -r --arg v "$1" --arg op "$2"
}

# histogram_sums VOLUME OPERATION size_hist|latency_hist: "floor count" of all reports since mark
histogram_sums()
{
	# shellcheck disable=SC2016 # variables of jq
	query '[.[].volumes[] | select(.name == $v) | .ops[$op][$h] // [] | .[]] |
		group_by(.[0]) | map("\(.[0][0]) \(map(.[1]) | add)") | .[]' -r \
		--arg v "$1" --arg op "$2" --arg h "$3"
}

# sysfs_histogram VOLUME OPERATION size_hist|latency_hist: the same, from sysfs
sysfs_histogram()
{
	stat_file "$1" "$2" "$3" | awk -v kind="$3" '
		{
			for (i = 1; i <= NF; i++) {
				k = i - 2
				floor = i == 1 ? 0 : (2 + k % 2) * 2 ^ (8 + int(k / 2))
				if (kind == "size_hist")
					floor = 512 * 2 ^ (i - 1)
				if ($i)
					printf "%.0f %.0f\n", floor, $i
			}
		}'
}

# deltas_are_counts VOLUME OPERATION: all reports add up to what sysfs has
deltas_are_counts()
{
	local kind
	equal "$2" "$(sums "$1" "$2")" "$(fields "$1" "$2")" || return
	for kind in size_hist latency_hist; do
		[ -e "$(sysfs "$1")/dmp/$2/$kind" ] || continue
		equal "$2 $kind" "$(histogram_sums "$1" "$2" "$kind")" "$(sysfs_histogram "$1" "$2" "$kind")" || return
	done
}
