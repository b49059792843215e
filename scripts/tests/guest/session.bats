#!/usr/bin/env bats
# The session that people see first, with dmp as a module.

bats_require_minimum_version 1.5.0
load ../guest

setup()
{
	clear_log
	[ ! -e /sys/module/dmp ] || rmmod dmp
}

@test "the session counts what dd sent" {
	run -0 "$DMP_TOP/scripts/lib/play-session"
	echo "$output"
	# a buffered 4 KiB write is one request; a buffered read brings read-ahead
	[[ $output == *$'read:\n\treqs: '[1-9]* ]]
	[[ $output == *$'write:\n\treqs: 1\n\tavg size: 4096\ntotal:'* ]]
	[[ $output == *'1+0 records in'* ]]
	[ ! -e /sys/module/dmp ]
}

@test "the session again, with the counts from zero" {
	run -0 "$DMP_TOP/scripts/lib/play-session"
	run -0 "$DMP_TOP/scripts/lib/play-session"
	[[ $output == *$'write:\n\treqs: 1\n\tavg size: 4096\ntotal:'* ]]
}

@test "a step that fails ends it" {
	insmod "$DMP_BUILD/drivers/md/dmp.ko"
	run -1 "$DMP_TOP/scripts/lib/play-session"
	[[ $output == *"# insmod dmp.ko"*"File exists"* ]]
	[[ $output != *"# dmsetup create"* ]]
	rmmod dmp
}
