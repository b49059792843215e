#!/usr/bin/env bats
# That a kernel which was built to find bugs does look for them.

bats_require_minimum_version 1.5.0
load ../guest

is_on_KASAN()
{
	timeout 30 grep -m 1 'KernelAddressSanitizer initialized' /dev/kmsg
}

is_on_KCSAN()
{
	[ "$(awk '$1 == "setup_watchpoints:" { print $2 }' /sys/kernel/debug/kcsan)" -gt 0 ]
}

is_on_PROVE_LOCKING()
{
	grep 'debug_locks: *1$' /proc/lockdep_stats
}

is_on_PREEMPT_RT()
{
	grep -w PREEMPT_RT /proc/version
}

@test "what this kernel was built with is on" {
	found=
	for option in KASAN KCSAN PROVE_LOCKING PREEMPT_RT; do
		grep -qx "CONFIG_$option=y" "$DMP_BUILD/.config" || continue
		found+=" $option"
		is_on_$option
	done
	[ "$found" ] || skip "this kernel does not look for bugs"
	echo "#$found" >&3
}
