#!/usr/bin/env bats
# The session that people see first, with dmp built into the kernel.

bats_require_minimum_version 1.5.0
load ../guest

@test "dmp is built in" {
	[ ! -e "$DMP_BUILD/drivers/md/dmp.ko" ]
	run -0 dmsetup targets
	[[ $output == *dmp* ]]
}

# what is built in counts since boot, so the tests here are one
@test "the session counts what dd sent, and the counts stay when the volume is gone" {
	equal mode "$(stat -c %a /sys/module/dmp/stat/volumes)" 444
	equal "before any volume is" "$(cat /sys/module/dmp/stat/volumes)" \
		$'read:\n\treqs: 0\n\tavg size: 0\nwrite:\n\treqs: 0\n\tavg size: 0\ntotal:\n\treqs: 0\n\tavg size: 0'
	run -0 "$DMP_TOP/scripts/lib/play-session"
	[[ $output == *$'read:\n\treqs: '[1-9]* ]]
	[[ $output == *$'write:\n\treqs: 1\n\tavg size: 4096\ntotal:'* ]]
	equal write "$(volumes write reqs)" 1
}
