#!/usr/bin/env bats
# The module comes when it is needed, stays while it is, and leaves nothing.

bats_require_minimum_version 1.5.0
load ../guest

setup()
{
	clear_log
	[ ! -e /sys/module/dmp ] || rmmod dmp
}

@test "a table that names dmp loads the module" {
	[ ! -e /sys/module/dmp ]
	create dmp1 "$(loop 8M)"
	lsmod | grep -q '^dmp '
}

@test "volumes is a file that anyone may read and nobody write" {
	modprobe dmp
	equal mode "$(stat -c %a /sys/module/dmp/stat/volumes)" 444
	run ! sh -c 'echo 0 >/sys/module/dmp/stat/volumes'
}

@test "rmmod refuses while a device exists" {
	create dmp1 "$(loop 8M)"
	run ! rmmod dmp
	[[ $output == *"in use"* ]]
	dmsetup remove dmp1
	rmmod dmp
}

@test "rmmod refuses while an inactive table exists" {
	modprobe dmp
	dmsetup create dmp1 --notable
	dmsetup load dmp1 --table "0 16384 dmp $(loop 8M)"
	run ! rmmod dmp
	dmsetup clear dmp1
	rmmod dmp
}

@test "nothing is left after rmmod" {
	create dmp1 "$(loop 8M)"
	dd if=/dev/zero of=/dev/mapper/dmp1 bs=4k count=1 oflag=direct
	cat /sys/module/dmp/stat/volumes
	dmsetup remove dmp1
	rmmod dmp
	[ ! -e /sys/module/dmp ]
	run -1 grep -w dmp /proc/kallsyms
	run -0 dmsetup targets
	[[ $output != *dmp* ]]
}

@test "a module that cannot register its target leaves nothing" {
	module taken
	run ! insmod "$DMP_BUILD/drivers/md/dmp.ko"
	rmmod taken
	[[ $output == *"Device or resource busy" ]]
	[ ! -e /sys/module/dmp ]
	modprobe dmp
}

@test "rmmod while volumes is being read is clean" {
	for _ in $(seq 10); do
		modprobe dmp
		rm -f "$TMPDIR/reads"
		while read -r _ </sys/module/dmp/stat/volumes && echo; do :; done >"$TMPDIR/reads" 2>/dev/null &
		eventually test -s "$TMPDIR/reads"
		rmmod dmp
		wait $!
		[ ! -e /sys/module/dmp ]
	done
}

@test "counts start from zero when the module is loaded again" {
	create dmp1 "$(loop 8M)"
	dd if=/dev/zero of=/dev/mapper/dmp1 bs=4k count=1 oflag=direct
	equal write "$(volumes write reqs)" 1
	dmsetup remove dmp1
	rmmod dmp
	create dmp1 "$(loop 8M)"
	equal write "$(volumes write reqs)" 0
}
