#!/usr/bin/env bats
# Each allocation of dmpctl and dmpstat fails, and each ioctl and lock of dmpctl. The tool succeeds or
# prints an error. After a success the volume has its new live table, after an error its old one, and does
# I/O. The next dmpctl clears an inactive table that the failed one left.

# shellcheck disable=SC2154 # run sets status and output
bats_require_minimum_version 1.5.0
load ../guest
load ../volume
load ../lvm

setup_file()
{
	gcc -shared -fPIC -O1 -Wall -Wextra -o "$TMPDIR/failalloc.so" "$BATS_TEST_DIRNAME/../failalloc.c"
}

setup()
{
	clear_log
	dmsetup create plain --table "0 2048 linear $(loop 1M) 0"
}

# faulty_memory NTH once|on COMMAND...
faulty_memory()
{
	FAIL_NTH=$1 FAIL_MODE=$2 FAIL_REACHED=$TMPDIR/reached LD_PRELOAD=$TMPDIR/failalloc.so "${@:3}"
}

# faulty_call NAME NTH once|on COMMAND...
faulty_call()
{
	local when=$2 status=0
	[ "$3" = once ] || when+=+
	strace -qq -o "$TMPDIR/strace" -e trace="$1" -e inject="$1":error=ENOMEM:when="$when" "${@:4}" || status=$?
	! grep -q INJECTED "$TMPDIR/strace" || touch "$TMPDIR/reached"
	return $status
}

# fail_each FAULTY COMMAND...: run a command with the first fault, with the second one, and so on until
# there are no more; the functions "before" and "after" of the test run before and after each
fail_each()
{
	local mode n failed
	for mode in once on; do
		failed=0
		for ((n = 1; ; n++)); do
			before
			rm -f "$TMPDIR/reached"
			# shellcheck disable=SC2086 # words
			run $1 $n $mode "$DMP_TOOLS/$2" "${@:3}"
			[ -e "$TMPDIR/reached" ] || break
			if [ "$status" != 0 ]; then
				failed=$((failed + 1))
				echo "$1, $mode $n: $status, $output"
				[ "$status" -le 2 ]
				# libdevmapper may have no memory for its message
				[[ $mode = on || $output == *"$2: "* ]]
			fi
			after
		done
		equal "${*:2} without a fault" "$status" 0
		[ $n -gt 1 ]
		echo "# $1, $mode, ${*:2}: failed at $failed of $((n - 1))" >&3
	done
}

# dmpctl_fails FAULTY BEFORE COMMAND...: dmpctl with each fault, after the command BEFORE without one
dmpctl_fails()
{
	local faulty=$1 first=$2 old new
	before()
	{
		# shellcheck disable=SC2086 # words
		dmpctl $first plain
		old=$(dmsetup table plain)
	}
	after()
	{
		local table=$new
		[ "$status" = 0 ] || table=$old
		equal table "$(dmsetup table plain)" "$table"
		[[ $status != 0 && $mode = on ]] ||
			equal tables "$(dmsetup info -c --noheadings -o tables_loaded plain)" Live
		# without its lock, or its memory locked, dmpctl changes nothing
		case $faulty in *lock*) [ "$status" != 0 ] ;; esac
		write_4k plain 1
	}
	before
	dmpctl "${@:3}" plain
	new=$(dmsetup table plain)
	fail_each "$1" dmpctl "${@:3}" plain
}

is_active()
{
	[ "$(dmsetup info -c --noheadings -o suspended "$1")" = Active ]
}

@test "dmpctl: each allocation of memory fails" {
	dmpctl_fails faulty_memory detach attach --latency
	dmpctl_fails faulty_memory "attach --latency" latency off
	dmpctl_fails faulty_memory attach detach
}

@test "dmpctl: each ioctl and each lock of a file or of memory fails" {
	dmpctl_fails "faulty_call ioctl" detach attach --latency
	dmpctl_fails "faulty_call ioctl" attach detach
	dmpctl_fails "faulty_call flock" detach attach
	dmpctl_fails "faulty_call mlockall" detach attach
}

# The kernel leaves a volume suspended if a resume runs out of memory. To have that at a known time, strace
# makes the resume ioctl fail and stops dmpctl right after it, and dmsetup suspends the volume, which freezes
# the file that dmpctl writes its errors to.
@test "dmpctl resumes a volume that its failed resume leaves suspended, and only then says so" {
	mkdir -p /run/mnt
	resume=$(nr_of DM_DEV_SUSPEND "$DMP_TOOLS/dmpctl" attach plain)
	dmpctl detach plain
	mkfs.ext4 -q -O ^has_journal /dev/mapper/plain
	mount /dev/mapper/plain /run/mnt
	strace -qq -o "$TMPDIR/strace" -e trace=ioctl -e inject=ioctl:error=ENOMEM:signal=STOP:when="$resume" \
		"$DMP_TOOLS/dmpctl" attach plain 2>/run/mnt/errors &
	eventually grep -q 'stopped by SIGSTOP' "$TMPDIR/strace"
	dmsetup suspend plain
	pkill -CONT -x dmpctl
	eventually is_active plain || { dmsetup resume plain; return 1; }
	status=0
	wait $! || status=$?
	equal status $status 1
	grep -q "resume ioctl on .*failed: Cannot allocate memory" /run/mnt/errors
	umount /run/mnt
	equal state "$(dmsetup info -c --noheadings -o suspended,tables_loaded plain)" Active:Live
	equal types "$(types plain)" linear
}

@test "dmpctl says an error once, and goes on with the next volume" {
	dmsetup create other --table "0 2048 linear $(loop 1M) 0"
	resume=$(nr_of DM_DEV_SUSPEND "$DMP_TOOLS/dmpctl" attach plain)
	dmpctl detach plain
	run -1 strace -qq -o "$TMPDIR/strace" -e trace=ioctl -e inject=ioctl:error=ENOMEM:when="$resume" \
		"$DMP_TOOLS/dmpctl" attach plain other
	equal errors "$(grep -c 'failed: Cannot allocate memory' <<<"$output")" 1
	equal types "$(types plain) $(types other)" "linear dmp"
}

@test "dmpstat: each allocation of memory fails" {
	dmpctl attach --latency plain
	write_4k plain 1
	before() { :; }
	after() { :; }
	fail_each faulty_memory dmpstat -x -a
	fail_each faulty_memory dmpstat -M
	fail_each faulty_memory dmpstat -J --svg "$TMPDIR/svg" 0.1 2
}
