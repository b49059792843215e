# shellcheck shell=bash
# Complaints in the log of a kernel. For scripts, and for tests in guests.

# kernel_complaints FILE...: print the lines of kernel logs that report something wrong; fails
# if there are none
kernel_complaints()
{
	# User-mode Linux may complain of itself while its second CPU comes up ("Callback enqueued
	# on offline CPU"); dmp does not run then. The allocators dump the stack of a task that gets
	# no memory. The patterns are how reports of the kernel, its sanitizers and its debugging
	# options begin.
	cat -- "$@" | sed '/smp: Bringing up secondary CPUs/,/smp: Brought up/d
		/percpu: allocation failed, size=.*atomic=0/,/Call Trace/d
		/vmalloc error: size\|kmem_cache_create_args(.*failed with error/,/Call Trace/d' |
		grep -aE 'BUG|WARNING|INFO:|Oops|Kernel panic|[Cc]all [Tt]race|general protection|refcount|ODEBUG|UBSAN|kmemleak: .*(new suspected|disabled)|list_(add|del) corruption|inconsistent lock|call missing'
}
