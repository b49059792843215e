# shellcheck shell=bash
# What a kernel says in its log when something is wrong. For scripts, and for tests in guests.

# kernel_complaints FILE...: the lines of kernel logs in which the kernel complains; fails
# if there are none
kernel_complaints()
{
	# User-mode Linux may complain of itself while its second CPU comes up ("Callback enqueued
	# on offline CPU"). Nothing of ours runs in this time. The words are those that the kernel,
	# its sanitizers and its debugging options begin their reports with.
	cat -- "$@" | sed '/smp: Bringing up secondary CPUs/,/smp: Brought up/d' |
		grep -aE 'BUG|WARNING|INFO:|Oops|Kernel panic|[Cc]all [Tt]race|general protection|refcount|ODEBUG|UBSAN|kmemleak: .*(new suspected|disabled)|list_(add|del) corruption|inconsistent lock|call missing'
}
