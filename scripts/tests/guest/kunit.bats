#!/usr/bin/env bats
# The KUnit suite in a guest, which looks for leaks at its end, as KUnit's own kernel
# does not: that one halts when the tests are done.

bats_require_minimum_version 1.5.0
load ../guest

@test "the suite dm_dmp passes, again and again" {
	suite=/sys/kernel/debug/kunit/dm_dmp
	grep -q '^CONFIG_DM_DMP_KUNIT_TEST=[my]' "$DMP_BUILD/.config" || skip "this kernel has no KUnit"
	[ -d $suite ] || modprobe dm_dmp_kunit
	for _ in 1 2 3; do
		echo run >$suite/run
		cat $suite/results
		grep -q '^# dm_dmp: pass:[1-9][0-9]* fail:0 skip:0 ' $suite/results
		grep -q '^ok [0-9]* dm_dmp$' $suite/results
	done
	[ ! -e /sys/module/dm_dmp_kunit/refcnt ] || rmmod dm_dmp_kunit
}
