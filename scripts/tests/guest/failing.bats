#!/usr/bin/env bats
# The device below fails, hangs or goes, and volumes go while they are in use. dm-linear, beside
# dmp, says what comes of it.

bats_require_minimum_version 1.5.0
load ../guest

setup_file()
{
	gcc -O1 -Wall -Wextra -o "$TMPDIR/attempt" "$BATS_TEST_DIRNAME/../attempt.c"
}

# a loop device that is detached keeps the errors that are injected into it
teardown()
{
	local injection
	for injection in /sys/kernel/debug/block/loop*/error_injection; do
		echo removeall >"$injection"
	done
	guest_teardown
}

# volume NAME TARGET DEVICE [ARG...]: 8 MiB
volume()
{
	dmsetup create "$1" --table "0 16384 ${*:2}"
}

# volumes_over DEVICE [OFFSET]: the volumes linear and dmp1 of 8 MiB; dmp1 begins at an offset
volumes_over()
{
	volume linear linear "$1" 0
	volume dmp1 dmp "$1" "${2:-0}"
}

# attempts VOLUME...: what comes of one request of each operation, in $TMPDIR/VOLUME
attempts()
{
	local volume
	for volume; do
		timeout 60 "$TMPDIR/attempt" "/dev/mapper/$volume" >"$TMPDIR/$volume"
	done
}

# the tags and errnos of enum blk_status_t, from the kernel's source
statuses()
{
	sed -nE '/^} blk_errors/,/^}/s/^\tENT\(([A-Z_]+),[[:space:]]*-(E[A-Z]+),.*/\1 \2/p' \
		"$DMP_KERNEL+dmp/block/blk-core.c"
}

# without_latencies: of the file stat, "reqs bytes errors" of each operation
without_latencies()
{
	cut -d ' ' -f 2-4,6-8,10-12,14-16,18-20,22-24
}

@test "each status of a bio becomes the errno that dm-linear has, and counts as one error" {
	local op status errno data expected n=0
	dev=$(loop 8M)
	inject "$dev" READ IOERR
	volumes_over "$dev"
	create dmp2 "$dev" 0 1 latency
	dir=$(sysfs dmp1)/dmp
	dir2=$(sysfs dmp2)/dmp
	while read -r status errno; do
		n=$((n + 1))
		echo removeall >"/sys/kernel/debug/block/${dev#/dev/}/error_injection"
		for op in READ WRITE DISCARD WRITE_ZEROES; do
			inject "$dev" $op "$status"
		done
		attempts linear dmp1 dmp2
		# the core lets no DM_REQUEUE out
		[ "$status" = DM_REQUEUE ] || grep -qx "read $errno" "$TMPDIR/linear"
		diff "$TMPDIR/linear" "$TMPDIR/dmp1"
		diff "$TMPDIR/linear" "$TMPDIR/dmp2"
		data="$n $((4096 * n)) $n"
		expected="$data $data $data $data $n 0 0 0 0 0"
		equal "$status" "$(without_latencies <"$dir/stat")" "$expected"
		equal "$status, with latency" "$(without_latencies <"$dir2/stat")" "$expected"
	done < <(statuses)
	echo "# $n statuses" >&3
	[ $n -gt 15 ]
}

@test "a flush that fails" {
	volume below flakey "$(loop 8M)" 0 0 3600 1 error_writes
	volumes_over /dev/mapper/below
	alike
	grep -qx "flush EIO" "$TMPDIR/dmp1"
	equal flush "$(stats dmp1 flush)" "1 0 1"
}

# both OPTION...: fio on the volumes linear and dmp1, which goes on after errors
both()
{
	# by number, since fio does not know all names: EIO, ENXIO, ENODEV, ENOLINK, ETIMEDOUT
	local errors=5:6:19:67:110
	fio_json --rw=randrw --bs=4k --ioengine=libaio --iodepth=8 \
		--continue_on_error=all --ignore_error=$errors,$errors "$@" \
		--name=linear --filename=/dev/mapper/linear --name=dmp --filename=/dev/mapper/dmp1
}

# fio_job NAME KEY: of a job of both, "ios" (reads and writes), "errors" or "errno" (the first)
fio_job()
{
	perl -MJSON::PP -0777 -e '
		my ($name, $key) = splice @ARGV, 0, 2;
		my ($job) = grep { $_->{jobname} eq $name } @{decode_json(<> =~ s/^[^{]*//r)->{jobs}};
		my %job = (ios => "$job->{read}{total_ios} $job->{write}{total_ios}",
			errors => $job->{total_err}, errno => $job->{error});
		print "$job{$key}\n"' "$1" "$2" "$TMPDIR/fio.json"
}

# volume_counts: dmp1 counted all requests of fio, and each error once
volume_counts()
{
	equal requests "$(stat_file dmp1 read reqs) $(stat_file dmp1 write reqs)" "$(fio_job dmp ios)"
	equal errors "$(stat_file dmp1 total errors)" "$(fio_job dmp errors)"
	echo "# reads and writes $(fio_job dmp ios), errors $(fio_job dmp errors)" >&3
}

# some_failed ERRNO...: requests failed on linear and on dmp, and the first errno of each is listed
some_failed()
{
	local job
	for job in linear dmp; do
		[ "$(fio_job $job errors)" -gt 0 ]
		[[ " $* " == *" $(fio_job $job errno) "* ]]
	done
}

# alike: one request of each operation has the same outcome on linear and dmp1
alike()
{
	attempts linear dmp1
	diff "$TMPDIR/linear" "$TMPDIR/dmp1"
}

# failed_alike ERRNO...: stop fio, check that requests failed with these errnos and were counted, and
# compare the outcome of each operation
failed_alike()
{
	fio_stop errors
	volume_counts
	some_failed "$@"
	alike
}

# in_flight VOLUME
in_flight()
{
	grep -q '[1-9]' "$(sysfs "$1")/inflight"
}

more_errors()
{
	growth "$(sysfs dmp1)/dmp/total/errors"
}

more_requests()
{
	growth "$(sysfs dmp1)/dmp/total/reqs"
}

@test "a SCSI disk is deleted with requests in flight" {
	# an answer takes 0.2 s, with HZ=100
	dev=$(scsi_debug dev_size_mb=16 delay=20)
	volumes_over "$dev" 16384
	fio_start both
	eventually in_flight linear
	eventually in_flight dmp1
	timeout 60 sh -c "echo 1 >/sys/block/${dev#/dev/}/device/delete"
	more_errors
	# ENODEV while it is being deleted, then EIO
	failed_alike 19 5
	timeout 60 dmsetup remove linear
	timeout 60 dmsetup remove dmp1
}

@test "a SCSI disk is offline, and again running" {
	dev=$(scsi_debug dev_size_mb=16)
	volumes_over "$dev" 16384
	fio_start both
	more_requests
	echo offline >"/sys/block/${dev#/dev/}/device/state"
	more_errors
	echo running >"/sys/block/${dev#/dev/}/device/state"
	more_requests
	failed_alike 5
	grep -qx "write 0" "$TMPDIR/dmp1"
}

@test "a loop device shrinks, grows and is detached" {
	dev=$(loop 8M)
	file=$(cat "/sys/block/${dev#/dev/}/loop/backing_file")
	volumes_over "$dev"
	# a write would let the file grow again
	fio_start both --rw=randread
	more_requests
	truncate -s 4M "$file"
	losetup -c "$dev"
	more_errors
	truncate -s 8M "$file"
	losetup -c "$dev"
	losetup -d "$dev"
	more_requests
	failed_alike 5
	run ! grep -v ' 0$' "$TMPDIR/dmp1"
	dmsetup remove linear
	dmsetup remove dmp1
	eventually test ! -e "/sys/block/${dev#/dev/}/loop/backing_file"
}

# everything_goes_on DEVICE: nothing waits for the device below dmp1
everything_goes_on()
{
	timeout 60 cat "$(sysfs dmp1)"/dmp/*/* "$(sysfs dmp1)/dmp/stat" /sys/module/dmp/stat/volumes
	timeout 60 dmsetup status
	timeout 60 dmsetup table
	timeout 60 dmsetup message dmp1 0 histogram
	timeout 60 dmsetup load dmp1 --table "0 16384 dmp /dev/mapper/below"
	timeout 60 dmsetup clear dmp1
	volume dmp2 dmp "$1"
	timeout 60 dmsetup remove dmp2
} >/dev/null

# hang linear|error: requests wait for the device below linear and dmp1, which then goes on with a
# table of that target
hang()
{
	local attempts volume op dev
	dev=$(loop 8M)
	local -A tables=([linear]="0 16384 linear $dev 0" [error]="0 16384 error")
	volume below linear "$dev" 0
	volume linear linear /dev/mapper/below 0
	create dmp1 /dev/mapper/below 0 1 latency
	dmsetup suspend below
	attempts linear &
	attempts=($!)
	attempts dmp1 &
	attempts+=($!)
	eventually in_flight linear
	eventually in_flight dmp1
	everything_goes_on "$dev"
	# a suspend waits for the requests, and so does a forced removal, until a signal ends it
	for volume in linear dmp1; do
		run ! timeout 1 dmsetup suspend $volume
		run ! timeout 1 dmsetup remove --force $volume
		in_flight $volume
		dmsetup clear $volume
	done
	dmsetup reload below --table "${tables[$1]}"
	dmsetup resume below
	wait "${attempts[@]}"
	diff "$TMPDIR/linear" "$TMPDIR/dmp1"
	for op in read write; do
		equal "errors, $op" "$(stat_file dmp1 $op errors)" "$(grep -c "^$op E" "$TMPDIR/dmp1")"
		equal "requests, $op" "$(stat_file dmp1 $op reqs)" 1
	done
	for volume in linear dmp1 below; do
		timeout 60 dmsetup remove $volume
	done
}

@test "a device hangs, and then goes on or fails" {
	hang linear
	run ! grep -v ' 0$' "$TMPDIR/dmp1"
	hang error
	grep -qx "read EIO" "$TMPDIR/dmp1"
}

# delayed: linear and dmp1 over a device that takes 50 ms for each request
delayed()
{
	dev=$(loop 8M)
	volume slow delay "$dev" 0 50
	volumes_over /dev/mapper/slow
	before=$(volumes total reqs)
}

# module_counts: the error target fails requests that dmp never sees, so the module counted those of
# fio that succeeded
module_counts()
{
	local reads writes
	read -r reads writes < <(fio_job dmp ios)
	equal module $(($(volumes total reqs) - before)) $((reads + writes - $(fio_job dmp errors)))
	echo "# reads and writes $reads $writes, errors $(fio_job dmp errors)" >&3
}

# slowly_both: so that errors, which come at once, are not too many
slowly_both()
{
	both --rate_iops=500 "$@"
}

is_error()
{
	dmsetup table "$1" | grep -q ' error'
}

@test "forced removal with requests in flight" {
	delayed
	fio_start slowly_both
	more_requests
	eventually in_flight dmp1
	# the table becomes error, and the volume stays while it is open
	for volume in linear dmp1; do
		run ! timeout 60 dmsetup remove --force $volume
		[[ $output == *"Device or resource busy"* ]]
		is_error $volume
	done
	sleep 1
	fio_stop errors
	module_counts
	some_failed 5
	timeout 60 dmsetup remove linear
	timeout 60 dmsetup remove dmp1
}

only_slow()
{
	equal volumes "$(dmsetup ls | cut -f 1)" slow
}

@test "deferred removal of a volume that is open" {
	delayed
	fio_start slowly_both
	more_requests
	timeout 60 dmsetup remove --deferred linear
	timeout 60 dmsetup remove --deferred dmp1
	more_requests
	fio_stop errors
	eventually only_slow
	module_counts
	equal errors "$(fio_job dmp errors)" 0
}

@test "a table is wiped with requests in flight, and loaded again" {
	delayed
	fio_start slowly_both
	for _ in 1 2 3; do
		more_requests
		for volume in linear dmp1; do
			timeout 60 dmsetup wipe_table $volume
			is_error $volume
		done
		sleep 0.5
		dmsetup reload linear --table "0 16384 linear /dev/mapper/slow 0"
		dmsetup reload dmp1 --table "0 16384 dmp /dev/mapper/slow"
		timeout 60 dmsetup resume linear
		timeout 60 dmsetup resume dmp1
	done
	more_requests
	fio_stop errors
	module_counts
	some_failed 5
	equal "errors of the volume" "$(stat_file dmp1 total errors)" 0
}
