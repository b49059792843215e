#!/usr/bin/env bats
# The examples in the documentation are what really happens.

bats_require_minimum_version 1.5.0
load ../guest

# example SECTION: the first literal block of a section that has commands
example()
{
	awk -v section="$1" '
		$0 == section { here = 1; next }
		here && /^    # / { block = 1 }
		block && /^[^ ]/ { exit }
		block && /^    / { print substr($0, 5) }
	' "$DMP_TOP/Documentation/admin-guide/device-mapper/dm-dmp.rst"
}

# play an example: its commands, each with what it printed, but for dd's report
play()
{
	local line
	while IFS= read -r line; do
		[[ $line == '# '* ]] || continue
		printf '%s\n' "$line"
		eval "${line#\# }" 2>&1 || true
	done | grep -vE '^[0-9+]+ records|bytes .*copied' | expand
}

# time that was measured is never the same, but of the same length; device-mapper has
# another major number on each machine
mask()
{
	sed -E '/^# cat .*latency_ns$/{n;s/[0-9]/N/g}; s/\b25[0-9]:/major:/'
}

same_as_written()
{
	example "$1" >"$TMPDIR/written"
	[ -s "$TMPDIR/written" ]
	play <"$TMPDIR/written" >"$TMPDIR/played"
	diff <(mask <"$TMPDIR/written") <(mask <"$TMPDIR/played")
}

zero1()
{
	dmsetup create zero1 --table "0 2097152 zero"
}

@test "the example" {
	same_as_written Example
}

@test "the files of a volume" {
	zero1
	# shellcheck disable=SC2016 # it is the heading
	same_as_written '``/sys/block/dm-<num>/dmp/``'
}

# as_written_in_time SECTION: the same for an example of times, in three tries: a busy
# machine may keep a request longer than its delay by half
as_written_in_time()
{
	for _ in 1 2 3; do
		dmsetup remove_all
		zero1
		! same_as_written "$1" || return 0
	done
	return 1
}

@test "the messages" {
	as_written_in_time Messages
}

@test "the percentiles" {
	zero1
	example Messages | sed '/reset$/,$d' | play
	# the script is written out in the example, as cat shows it
	cd "$TMPDIR"
	example Percentiles | sed '1d; /^# /,$d' >percentile
	grep -q awk percentile
	same_as_written Percentiles
}

@test "bad tables" {
	zero1
	same_as_written "Bad tables"
}

@test "bad messages" {
	zero1
	same_as_written "Bad messages"
}

@test "every file of sysfs is described" {
	zero1
	create dmp1 /dev/mapper/zero1 0 1 latency
	abi=$DMP_TOP/Documentation/ABI/testing/sysfs-block-dm-dmp
	page=$DMP_TOP/Documentation/admin-guide/device-mapper/dm-dmp.rst
	for file in "$(sysfs dmp1)"/dmp/read/*; do
		grep -qxP "What:\t\t/sys/block/dm-<num>/dmp/<operation>/${file##*/}" "$abi"
		grep -q "^${file##*/}  " "$page"
	done
	for op in "$(sysfs dmp1)"/dmp/*; do
		grep -q "\<${op##*/}\>" "$abi"
		grep -q "\<${op##*/}\>" "$page"
	done
}
