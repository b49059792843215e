#!/usr/bin/env bats
# Everything at once, while lockdep watches.

bats_require_minimum_version 1.5.0
load ../guest

@test "lockdep and kmemleak are on" {
	grep -q . /proc/lockdep_stats
	[ -e /sys/kernel/debug/kmemleak ]
}

@test "reload, status, messages, readers and bad tables while I/O runs" {
	dev=$(loop 32M)
	create dmp1 "$dev"
	dir=$(sysfs dmp1)/dmp
	before=$(volumes write reqs)
	fio_start fio_run --rw=randwrite --bs=4k --ioengine=libaio --iodepth=8
	touch "$TMPDIR/run"
	(while [ -e "$TMPDIR/run" ]; do
		# which are not the same with latency and without
		cat "$dir"/*/* >/dev/null 2>&1 || true
		cat "$dir"/read/* /sys/module/dmp/stat/volumes >/dev/null 2>&1 || cat "$dir/read/reqs" >/dev/null || exit
		echo >>"$TMPDIR/reads"
	done) &
	reader=$!
	rounds=0
	end=$((SECONDS + 25))
	while [ $SECONDS -lt $end ] || [ $rounds -lt 3 ]; do
		rounds=$((rounds + 1))
		for features in 0 "1 latency" "1 latency"; do
			dmsetup reload dmp1 --table "0 65536 dmp $dev 0 $features"
			dmsetup status dmp1
			dmsetup suspend dmp1
			dmsetup resume dmp1
			dmsetup message dmp1 0 reset
			histogram dmp1 || [ "$features" = 0 ]
			create dmp2 /dev/mapper/dmp1 0 1 latency
			dmsetup remove dmp2
		done
		run ! dmsetup create dmp2 --table "0 65536 dmp $dev 1"
	done >/dev/null
	fio_stop
	rm "$TMPDIR/run"
	wait $reader
	[ "$(wc -l <"$TMPDIR/reads")" -gt 5 ]
	equal write "$(($(volumes write reqs) - before))" \
		"$(fio_counts "$TMPDIR/fio.json" write | cut -d ' ' -f 1)"
}

# locks_under NAME: the names of all locks that lockdep saw taken under a lock, but for
# those that the scheduler takes under its own
locks_under()
{
	awk -v name="$1" '
		/^[0-9a-f]+ .*FD:/ { id = $1; names[id] = $NF; if ($NF == name) todo[++nr] = id }
		/^ -> / { id2 = $2; gsub(/[][]/, "", id2); names[id2] = $3; under[id] = under[id] " " id2 }
		END {
			if (!nr)
				exit 1
			for (i = 1; i <= nr; i++) {
				if (names[todo[i]] ~ /^&(rq->__lock|p->pi_lock)/)
					continue
				n = split(under[todo[i]], ids)
				for (j = 1; j <= n; j++)
					if (!(ids[j] in seen)) {
						seen[ids[j]]
						todo[++nr] = ids[j]
						print names[ids[j]]
					}
			}
		}' /proc/lockdep | sort -u
}

@test "no allocation and no sysfs under the lock of all volumes" {
	dev=$(loop 8M)
	create dmp1 "$dev" 0 1 latency
	dmsetup reload dmp1 --table "0 16384 dmp $dev"
	dmsetup resume dmp1
	dmsetup message dmp1 0 reset
	cat "$(sysfs dmp1)/dmp/stat" /sys/module/dmp/stat/volumes
	dmsetup remove dmp1
	locks_under dmp_volumes_lock >"$TMPDIR/under"
	cat "$TMPDIR/under"
	grep -qx '&level->lock' "$TMPDIR/under"
	# not a list of what may be there: a task that waits for one of these locks may free
	# the address space of the task that ran before it
	allocation_or_sysfs='^(fs_reclaim|pcpu_alloc_mutex|&root->kernfs_rwsem|kn->active.*)$'
	run ! grep -E "$allocation_or_sysfs" "$TMPDIR/under"
	# the lock of a directory does have those of allocating and of sysfs
	locks_under '&volume->dir_lock' >"$TMPDIR/under"
	cat "$TMPDIR/under"
	grep -qx fs_reclaim "$TMPDIR/under"
	grep -qx '&root->kernfs_rwsem' "$TMPDIR/under"
}
