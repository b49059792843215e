#!/usr/bin/env bats
# Every allocation of memory that an ioctl of device-mapper needs, or loading the module, fails once,
# and then also all later ones of that call. It succeeds or fails cleanly, and without a fault it
# succeeds.

bats_require_minimum_version 1.5.0
load ../guest

setup_file()
{
	local faults
	[ -e /sys/kernel/debug/failslab ] || return 0
	gcc -static -O1 -Wall -Wextra -o "$TMPDIR/failnth" "$BATS_TEST_DIRNAME/../failnth.c"
	# an ioctl waits for RCU several times
	echo 1 >/sys/kernel/rcu_expedited
	for faults in /sys/kernel/debug/{failslab,fail_page_alloc}; do
		# for tasks that ask for it, whatever they allocate
		echo Y >"$faults/task-filter"
		echo N >"$faults/ignore-gfp-wait"
		echo 100 >"$faults/probability"
		echo -1 >"$faults/times"
		echo 0 >"$faults/verbose"
	done
	echo N >"$faults/ignore-gfp-highmem"
	echo 0 >"$faults/min-order"
}

# not in setup_file, from which older versions of bats cannot skip
setup()
{
	clear_log
	[ -e /sys/kernel/debug/failslab ] || skip "this kernel has no fault injection"
}

# fail_each IOCTL ARGUMENT...: do an ioctl while its first allocation fails, then while its second
# one does, and so on until there are no more; the functions "before" and "after" of the test run
# before and after each
fail_each()
{
	local mode n reached outcome
	for mode in once on; do
		for ((n = 1; ; n++)); do
			before
			read -r reached outcome < <("$TMPDIR/failnth" $n $mode "$@")
			echo "$1, $mode $n: $reached $outcome"
			# device-mapper and the block layer make other errors of some
			[[ $outcome =~ ^(OK|ENOMEM|ENXIO|EINVAL)$ ]]
			after "$outcome"
			echo "$outcome" >>"$TMPDIR/outcomes.$mode"
			[ "$reached" = reached ] || break
		done
		equal "$1 without a fault" "$outcome" OK
		[ $n -gt 1 ]
		echo "# $1, $mode: $((n - 1)) allocations;" \
			"$(sort "$TMPDIR/outcomes.$mode" | uniq -c | xargs)" >&3
		rm "$TMPDIR/outcomes.$mode"
	done
	# with the errors that dmp and the allocator of per-CPU memory report
	dmesg |
		sed -nE 's/.*: dmp: (.* )?([Cc]annot .*)/\2/p; s/.*percpu: (alloc.* failed.*)/\1/p' |
		sort | uniq -c | sed 's/^/# /' >&3
}

# ok IOCTL ARGUMENT...: do an ioctl without a fault
ok()
{
	local outcome
	read -r _ outcome < <("$TMPDIR/failnth" 0 once "$@")
	equal "$*" "$outcome" OK
}

# the only mapped device, and its directory in sysfs
disk=/dev/dm-0
dir=/sys/block/dm-0/dmp

write_one()
{
	dd if=/dev/zero of=$disk bs=4k count=1 oflag=direct status=none
}

# the volume works, and counts
works()
{
	local before
	before=$(<$dir/write/reqs)
	write_one
	equal requests "$(<$dir/write/reqs)" $((before + 1))
}

# volume ARGUMENTS: a volume of one segment
volume()
{
	ok create dmp1
	ok load dmp1 1 "$1"
	ok resume dmp1
}

@test "module load" {
	[ -e "$DMP_BUILD/drivers/md/dmp.ko" ] || skip "dmp is built into this kernel"
	cp "$DMP_BUILD/drivers/md/dmp.ko" "$TMPDIR"
	[ ! -d /sys/module/dmp ] || rmmod dmp
	before() { :; }
	after()
	{
		[ "$1" != OK ] || rmmod dmp
		[ ! -e /sys/module/dmp ]
	}
	fail_each insmod "$TMPDIR/dmp.ko"
}

@test "create" {
	before() { :; }
	after()
	{
		[ "$1" != OK ] || ok remove dmp1
		[ ! -e $dir ]
	}
	fail_each create dmp1
}

# A volume that stays takes the per-CPU memory that is left of the one before, so that the next one
# needs new pages, which can fail.
@test "load of the first table" {
	dev=$(loop 1M)
	others=0
	before()
	{
		ok create dmp1
		others=$((others + 1))
		ok create other$others
		ok load other$others 1 "$dev 0 1 latency"
	}
	after()
	{
		if [ "$1" != OK ]; then
			# the block layer may fail all I/O of a disk that it could not add at once
			ok remove dmp1
			ok create dmp1
			ok load dmp1 1 "$dev 0 1 latency"
		fi
		ok resume dmp1
		works
		[ -e $dir/total/latency_hist ]
		ok remove dmp1
	}
	fail_each load dmp1 1 "$dev 0 1 latency"
}

@test "load of a later table, which adds files" {
	dev=$(loop 1M)
	volume "$dev"
	before() { :; }
	after()
	{
		works
		ok load dmp1 1 "$dev 0 1 latency"
		[ -e $dir/total/latency_hist ]
		ok clear dmp1
		[ ! -e $dir/total/latency_hist ]
	}
	fail_each load dmp1 1 "$dev 0 1 latency"
	works
}

@test "first resume, which adds the directory" {
	dev=$(loop 1M)
	before()
	{
		ok create dmp1
		ok load dmp1 1 "$dev 0 1 latency"
	}
	after()
	{
		ok load dmp1 1 "$dev 0 1 latency"
		ok resume dmp1
		works
		[ -e $dir/total/latency_hist ]
		ok remove dmp1
	}
	fail_each resume dmp1
}

@test "resume of a later table" {
	dev=$(loop 1M)
	volume "$dev"
	before() { ok load dmp1 1 "$dev 0 1 latency"; }
	after()
	{
		# a resume that fails may leave the volume suspended
		ok resume dmp1
		works
	}
	fail_each resume dmp1
	[ -e $dir/total/latency_hist ]
}

@test "message reset" {
	volume "$(loop 1M)"
	before() { works; }
	after()
	{
		if [ "$1" = OK ]; then
			equal requests "$(<$dir/write/reqs)" 0
		else
			[ "$(<$dir/write/reqs)" -gt 0 ]
		fi
	}
	fail_each message dmp1 reset
}

@test "message histogram" {
	volume "$(loop 1M) 0 1 latency"
	before() { :; }
	after() { works; }
	fail_each message dmp1 histogram
}

@test "rename" {
	volume "$(loop 1M)"
	before() { :; }
	after()
	{
		works
		[ "$1" = OK ] || ok rename dmp1 dmp2
		ok rename dmp2 dmp1
		works
	}
	fail_each rename dmp1 dmp2
}

@test "remove" {
	dev=$(loop 1M)
	before()
	{
		volume "$dev 0 1 latency"
	}
	after()
	{
		if [ "$1" != OK ]; then
			works
			ok remove dmp1
		fi
		[ ! -e $dir ]
	}
	fail_each remove dmp1
}
