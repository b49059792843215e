#!/usr/bin/env bats
# How much memory a volume takes, as the kernel's allocators trace it.

bats_require_minimum_version 1.5.0
load ../guest

tracing=/sys/kernel/tracing

setup_file()
{
	mountpoint -q $tracing || mount -t tracefs tracefs $tracing
	echo 1 >$tracing/events/percpu/percpu_alloc_percpu/enable
	echo 1 >$tracing/events/kmem/kmalloc/enable
}

# percpu COMMAND...: "bytes largest" of the per-CPU memory that dmp allocates, in
# all and at once, for each CPU; nothing if the command fails
percpu()
{
	: >$tracing/trace
	"$@" || return
	awk '
		/percpu_alloc_percpu: .*call_site=dmp_/ {
			match($0, / size=[0-9]+/)
			size = substr($0, RSTART + 6, RLENGTH - 6) + 0
			bytes += size
			if (size > largest)
				largest = size
		}
		END { print bytes + 0, largest + 0 }' $tracing/trace
}

# documented BYTES: the documentation says so
documented()
{
	grep -q "\<$1 bytes\>" "$DMP_TOP/Documentation/admin-guide/device-mapper/dm-dmp-design.rst"
}

@test "at most 1 KiB for each CPU and segment" {
	read -r bytes largest < <(percpu create dmp1 "$(loop 8M)")
	echo "# $bytes bytes, $largest at once" >&3
	[ "$bytes" -gt 0 ]
	[ "$bytes" -le 1024 ]
	documented "$bytes"
}

# give NAME TABLE...: load a table, of so many lines, and resume
give()
{
	printf '%s\n' "${@:2}" | dmsetup reload "$1" && dmsetup resume "$1"
}

# give_two NAME DEVICE: a table of two segments with latency
give_two()
{
	give "$1" "0 8192 dmp $2 0 1 latency" "8192 8192 dmp $2 8192 1 latency"
}

@test "at most 22 KiB for each CPU and volume with latency, no more than 8 KiB at once" {
	dev=$(loop 8M)
	read -r segment _ < <(percpu create dmp1 "$dev")
	dmsetup remove dmp1
	read -r bytes largest < <(percpu create dmp1 "$dev" 0 1 latency)
	echo "# $bytes bytes, $largest at once" >&3
	histograms=$((bytes - segment))
	[ "$histograms" -gt 8192 ]
	[ "$bytes" -le 22528 ]
	[ "$largest" -le 8192 ]
	documented "$histograms"
	documented "$largest"
	# the largest other allocation is the baseline of the histograms
	volume=$(sed -n 's/.* kmalloc: call_site=dmp_.* bytes_req=\([0-9]*\) .*/\1/p' $tracing/trace |
		sort -n | tail -n 1)
	echo "# $volume bytes for the volume" >&3
	documented "$volume"

	# whatever the number of segments, and during reloads
	for _ in 1 2; do
		equal "reload" "$(percpu give_two dmp1 "$dev")" "$((2 * segment)) $segment"
		equal "segments" "$(dmsetup table dmp1 | grep -c ' dmp .* 1 latency$')" 2
	done
	dmsetup remove dmp1
	dmsetup create dmp1 --notable
	equal "a new volume" "$(percpu give_two dmp1 "$dev")" "$((histograms + 2 * segment)) $largest"
}

@test "latency histograms stay until the volume goes" {
	dev=$(loop 8M)
	create dmp1 "$dev"
	read -r bytes _ < <(percpu give dmp1 "0 16384 dmp $dev 0 1 latency")
	[ "$bytes" -gt 8192 ]
	give dmp1 "0 16384 dmp $dev"
	read -r bytes _ < <(percpu give dmp1 "0 16384 dmp $dev 0 1 latency")
	[ "$bytes" -le 1024 ]
}

@test "requests, reloads, messages and readers take no more" {
	dev=$(loop 8M)
	create dmp1 "$dev" 0 1 latency
	work()
	{
		dd if=/dev/zero of=/dev/mapper/dmp1 bs=64k count=16 oflag=direct status=none &&
			cat "$(sysfs dmp1)"/dmp/*/* /sys/module/dmp/stat/volumes &&
			dmsetup status dmp1 && histogram dmp1 && dmsetup message dmp1 0 reset &&
			dmsetup reload dmp1 --table "0 16384 dmp $dev 0 1 latency" && dmsetup resume dmp1
	} >/dev/null
	# a segment's counters are what the trace sees of a reload
	read -r segment _ < <(percpu dmsetup reload dmp1 --table "0 16384 dmp $dev 0 1 latency")
	[ "$segment" -gt 0 ]
	equal percpu "$(percpu work)" "$segment $segment"
}
