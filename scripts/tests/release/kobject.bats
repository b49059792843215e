#!/usr/bin/env bats
# The kobject of a volume, in a kernel that releases kobjects late. The block layer
# does not pass there: dm-linear beside dmp tells what is not ours.

bats_require_minimum_version 1.5.0
load ../guest

teardown()
{
	# what the kernel says of other targets, too
	dmesg -C
	guest_teardown
}

# complaints: what the kernel complains of until all is released, each once, without what
# differs by chance
complaints()
{
	sleep 5
	dmesg | sed -n 's/^\[[^]]*\] //; s/, CPU#.*//; /ODEBUG\|WARNING\|BUG\|Oops\|refcount/p' |
		sed 's/0x[0-9a-f]*\|[0-9a-f]\{8,\}//g; s/[0-9]\+//g' | sort -u
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
	round linear
	complaints >"$TMPDIR/linear"
	dmesg -C
	for _ in $(seq 8); do
		round dmp
		rmmod dmp
	done
	complaints >"$TMPDIR/dmp"
	sed 's/^/# dm-linear: /' "$TMPDIR/linear" >&3
	sed 's/^/# dmp: /' "$TMPDIR/dmp" >&3
	equal "complaints of dmp only" "$(comm -13 "$TMPDIR/linear" "$TMPDIR/dmp")" ""
}
