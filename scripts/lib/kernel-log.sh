# shellcheck shell=bash
# Complaints in the log of a kernel. For scripts, and for tests in guests.

# without_races_of_others: pass the log of a kernel on, without KCSAN's reports of data races in which
# dmp has no part, and of those of the clock, which dmp reads. Below an interrupt
# the stack shows the interrupted task, which has no part in the race.
without_races_of_others()
{
	awk '
		/BUG: KCSAN: / { report = ""; inside = 1; ours = 0; clock = /data-race in ktime_get / }
		/BUG: KCSAN: | bytes by / { interrupted = 0 }
		/ asm_(sysvec_|common_interrupt)/ { interrupted = 1 }
		inside { report = report $0 "\n" }
		inside && !interrupted && /\[dmp\]/ { ours = 1 }
		inside && /==========/ { inside = 0; if (ours && !clock) printf "%s", report; next }
		!inside
		END { if (inside) printf "%s", report }'
}

# kernel_complaints FILE...: print the lines of kernel logs that report something wrong; fails
# if there are none. If $DMP_FAULTS is set, a test lets allocations fail: the allocators dump the
# stack of a task that gets no memory.
kernel_complaints()
{
	local dumps=
	[ -z "${DMP_FAULTS:-}" ] || dumps='/percpu: allocation failed, size=.*atomic=0/,/Call Trace/d
		/vmalloc error: size\|kmem_cache_create_args(.*failed with error/,/Call Trace/d'
	# User-mode Linux may complain of itself while its second CPU comes up ("Callback enqueued
	# on offline CPU"); dmp does not run then. A kernel with kmemleak=off says that kmemleak is
	# disabled. The patterns are how reports of the kernel, its sanitizers and its debugging
	# options begin.
	cat -- "$@" | without_races_of_others | sed "/smp: Bringing up secondary CPUs/,/smp: Brought up/d
		/ommand line:.*kmemleak=off/,\${ /kmemleak: Kernel memory leak detector disabled/d; }
		$dumps" |
		grep -aE 'BUG|WARNING|INFO:|Oops|Kernel panic|[Cc]all [Tt]race|general protection|refcount|ODEBUG|UBSAN|kmemleak: .*(new suspected|disabled)|list_(add|del) corruption|inconsistent lock|call missing'
}
