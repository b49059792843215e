#!/usr/bin/env bats
# What is refused, and what comes and goes, leaks nothing: kmemleak watches.

bats_require_minimum_version 1.5.0
load ../guest
load ../bad-input

# kmemleak takes an object for leaked only when it is some seconds old
no_leaks()
{
	sleep 6
	echo scan >/sys/kernel/debug/kmemleak
	echo scan >/sys/kernel/debug/kmemleak
	cat /sys/kernel/debug/kmemleak >"$TMPDIR/leaks"
	cat "$TMPDIR/leaks"
	[ ! -s "$TMPDIR/leaks" ]
}

@test "refused tables and messages leak nothing" {
	dev=$(loop 8M)
	all_refused "$dev"
	all_messages_refused "$dev"
	# and give back the device: it can be opened exclusively
	losetup -d "$dev"
	no_leaks
}

@test "volumes that come and go leak nothing" {
	dev=$(loop 8M)
	for _ in $(seq 10); do
		create dmp1 "$dev" 0 1 latency
		dd if=/dev/zero of=/dev/mapper/dmp1 bs=4k count=1 oflag=direct status=none
		dmsetup reload dmp1 --table "0 8192 dmp $dev 8192"
		dmsetup resume dmp1
		dmsetup message dmp1 0 reset
		dmsetup reload dmp1 --table "0 8192 dmp $dev 8192 1 latency"
		dmsetup resume dmp1
		histogram dmp1
		cat "$(sysfs dmp1)"/dmp/*/* >/dev/null
		dmsetup remove dmp1
	done
	no_leaks
}
