#!/usr/bin/env bats
# The kernel's command line makes dmp volumes at boot: a guest whose root file system is on one.

bats_require_minimum_version 1.5.0

setup_file()
{
	. "$BATS_TEST_DIRNAME/../../lib/common.sh"
	# one that is linked statically
	busybox=$(command -v busybox)
	root=$BATS_FILE_TMPDIR/root
	mkdir -p "$root"/{bin,dev,proc,sys}
	cp "$busybox" "$root/bin/busybox"
	cat >"$root/init" <<-'END'
		#!/bin/busybox sh
		busybox() { /bin/busybox "$@"; }
		busybox mount -t proc proc /proc
		busybox mount -t sysfs sysfs /sys
		echo written >/file
		busybox mount -o remount,ro /
		busybox grep ' / ' /proc/mounts
		busybox grep . /sys/block/dm-*/dm/name /sys/block/dm-*/stat /sys/block/dm-*/dmp/stat
		busybox poweroff -f
	END
	chmod +x "$root/init"
	mkfs.ext4 -q -d "$root" "$BATS_FILE_TMPDIR/image" 16M
}

setup()
{
	. "$BATS_TEST_DIRNAME/../../lib/common.sh"
	. "$DMP_TOP/scripts/lib/kernel-log.sh"
	cp "$BATS_FILE_TMPDIR/image" "$BATS_TEST_TMPDIR/image"
}

# boot VOLUMES: boot with these volumes, the root file system on the first
boot()
{
	run -0 timeout 120 "$DMP_KERNEL+kunit/linux" mem=256M seccomp=on ncpus=2 uml_dir="$BATS_TEST_TMPDIR" \
		ubd0="$BATS_TEST_TMPDIR/image" "dm-mod.create=\"$1\"" root=/dev/dm-0 rootfstype=ext4 rw \
		init=/init loglevel=7 kunit.autorun=0 con=null con0=null,fd:1 console=tty0 </dev/null
	console=${output//$'\r'/}
	echo "$console"
	run ! kernel_complaints - <<<"$console"
	grep -q '^/dev/root / ext4 ro' <<<"$console"
}

# numbers FILE: the numbers of a file of sysfs that the guest printed
numbers()
{
	sed -n "s,^/sys/block/$1:,,p" <<<"$console"
}

# counts_agree DISK SEGMENTS: dmp has counted what the block layer has, which counts a flush of the
# volume as a write, and dmp as a flush of each segment
counts_agree()
{
	local dmp block
	read -ra dmp < <(numbers "$1/dmp/stat")
	read -ra block < <(numbers "$1/stat")
	[ "${dmp[1]} ${dmp[2]}" = "${block[0]} $((block[2] * 512))" ]
	[ "$((dmp[5] + dmp[17] / $2)) ${dmp[6]}" = "${block[4]} $((block[6] * 512))" ]
	[ "${dmp[1]}" -gt 10 ]
	[ "${dmp[5]}" -gt 0 ]
}

@test "root on a volume with latency, over a device that has no node yet" {
	boot "system,,,rw,0 32768 dmp /dev/ubda 0 1 latency"
	[ "$(numbers dm-0/dm/name)" = system ]
	counts_agree dm-0 1
	# nanoseconds of reads
	[ "$(numbers dm-0/dmp/stat | cut -d ' ' -f 5)" -gt 0 ]
}

@test "root on the second of two volumes, of two segments each" {
	boot "below,,1,rw,0 4096 dmp 98:0 0,4096 28672 dmp 98:0 4096;system,,0,rw,0 20000 dmp /dev/dm-1 0,20000 12768 dmp /dev/dm-1 20000"
	[ "$(numbers dm-0/dm/name)" = system ]
	[ "$(numbers dm-1/dm/name)" = below ]
	counts_agree dm-0 2
	counts_agree dm-1 2
}
