# shellcheck shell=bash
# What a kernel says in its log when something is wrong. For scripts, and for tests in guests.

# kernel_complaints FILE...: the lines of kernel logs in which the kernel complains; fails
# if there are none
kernel_complaints()
{
	# what the kernel itself, its sanitizers and its debugging options begin reports with
	grep -aE 'BUG|WARNING|INFO:|Oops|Kernel panic|[Cc]all [Tt]race|general protection|refcount|ODEBUG|UBSAN|kmemleak: .*(new suspected|disabled)|list_(add|del) corruption|inconsistent|call missing' "$@"
}
