#!/usr/bin/env bats
# The kobject of a volume, in a kernel that releases kobjects late. The block layer
# does not pass there, whatever the target: it frees a gendisk in bdev_free_inode() while
# the release of the disk's queue directory is pending. dm-linear beside dmp shows it.

bats_require_minimum_version 1.5.0
load ../guest

# complaints() looks at all of the log, so it may be cleared unseen
setup()
{
	dmesg -C
}

teardown()
{
	dmesg -C
	guest_teardown
}

# complaints: what the kernel complained of since boot, until all is released, each with the
# function that freed the object, if it was one of these
complaints()
{
	sleep 6
	dd if=/dev/kmsg of="$TMPDIR/kmsg" bs=8192 iflag=nonblock 2>"$TMPDIR/dd" ||
		grep -q 'temporarily unavailable' "$TMPDIR/dd"
	sed 's/^[^;]*;//; s/, CPU#.*//; s/0x[0-9a-f]*\|\b[0-9a-f]\{8,\}//g' "$TMPDIR/kmsg" | awk '
		function report() { if (what) print what " in " (by ? by : "?"); what = by = "" }
		/ODEBUG|WARNING|BUG|Oops|refcount/ { if (!/debugobjects.c/) { report(); what = $0 } }
		!by && match($0, /bdev_free_inode|dmp_[a-z_]+/) { by = substr($0, RSTART, RLENGTH) }
		/end trace/ { report() }
		END { report() }' | sort | uniq -c
}

# round TARGET: create a volume, read its files, and remove it
round()
{
	dmsetup create volume --table "0 16384 $1 $dev 0"
	cat "$(sysfs volume)"/dmp/*/* >/dev/null 2>&1 || [ "$1" = linear ]
	dmsetup remove volume
}

@test "the release function is not in the module, which may be unloaded before it returns" {
	run -0 nm "$DMP_BUILD/drivers/md/dmp.ko"
	grep -q ' U dm_kobject_release$' <<<"$output"
	run ! grep -q ' [tT] .*release' <<<"$output"
}

@test "kobjects are released late" {
	grep -q '^CONFIG_DEBUG_KOBJECT_RELEASE=y' "$DMP_BUILD/.config"
}

@test "create, remove, rmmod: nothing that the kernel does not say of dm-linear as well" {
	dev=$(loop 8M)
	# the kernel reports five objects and no more: leave some for dmp, whose first volume
	# would show it
	for _ in 1 2; do
		round linear
	done
	complaints >"$TMPDIR/linear"
	nr=$(awk '{ n += $1 } END { print n + 0 }' "$TMPDIR/linear")
	[ "$nr" -gt 0 ]
	[ "$nr" -lt 5 ]
	sed 's/^/# dm-linear: /' "$TMPDIR/linear" >&3
	for _ in $(seq 8); do
		round dmp
		rmmod dmp
	done
	complaints >"$TMPDIR/all"
	sed 's/^/# dm-linear and dmp: /' "$TMPDIR/all" >&3
	run ! grep -v 'ODEBUG: free active .* in bdev_free_inode$' "$TMPDIR/all"
}
