# shellcheck shell=bash
# What a kernel says in its log when something is wrong. For scripts, and for tests in guests.

# kernel_complaints FILE...: the lines of kernel logs in which the kernel complains; fails
# if there are none
kernel_complaints()
{
	# User-mode Linux with lockdep frees memory on its second CPU before that is online, and
	# reports it at each boot.
	perl -0777 -pe 's/.*WARNING: suspicious RCU usage\n(.*\n){1,2}.*Callback enqueued on offline CPU!!\n(.*\n)*?.*Call Trace:\n//' "$@" |
		# what the kernel itself, its sanitizers and its debugging options begin reports with
		grep -aE 'BUG|WARNING|INFO:|Oops|Kernel panic|[Cc]all [Tt]race|general protection|refcount|ODEBUG|UBSAN|kmemleak: .*(new suspected|disabled)|list_(add|del) corruption|inconsistent|call missing'
}
