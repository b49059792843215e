#!/usr/bin/env bats
# Bad input is refused, each with a text of its own in the kernel log and an
# errno for the caller.

bats_require_minimum_version 1.5.0
load ../guest
load ../bad-input

@test "every bad table line is refused with its own text" {
	all_refused "$(loop 8M)"
}

@test "a device mapped onto itself" {
	dmsetup create dmp1 --notable
	dev=$(dmsetup info -c --noheadings -o major,minor --separator : dmp1)
	run ! dmsetup load dmp1 --table "0 16384 linear $dev 0"
	linear=$(sed -n 's/.*failed: //p' <<<"$output")
	run ! dmsetup load dmp1 --table "0 16384 dmp $dev"
	[ "$linear" ]
	equal errno "$(sed -n 's/.*failed: //p' <<<"$output")" "$linear"
	linear=$(dmesg | sed -n 's/.*: linear: //p')
	[ "$linear" ]
	equal log "$(dmesg | sed -n 's/.*: dmp: //p')" "$linear"
}

@test "a refused reload leaves the volume as it was" {
	dev=$(loop 8M)
	create dmp1 "$dev"
	dd if=/dev/zero of=/dev/mapper/dmp1 bs=4k count=3 oflag=direct
	run ! dmsetup reload dmp1 --table "0 16384 dmp $dev 1x"
	dmsetup clear dmp1
	dd if=/dev/zero of=/dev/mapper/dmp1 bs=4k count=2 oflag=direct
	equal write "$(counts dmp1 write)" "5 20480 0"
}

@test "a device in use elsewhere is refused, and free again" {
	dev=$(loop 64M)
	mkfs.ext4 -q "$dev"
	mkdir -p /run/mnt
	mount "$dev" /run/mnt
	refused -EBUSY "Device or resource busy" "Device lookup failed" "$dev"
	umount /run/mnt
	dmsetup create dmp1 --table "0 16384 dmp $dev"
}
