# shellcheck shell=bash
# What the tests in the guest share. They are root there, the root file system
# is read-only, and what a test makes goes when it ends.

. "$DMP_TOP/scripts/lib/kernel-log.sh"
. "$DMP_TOP/scripts/tests/fio.bash"

setup()
{
	clear_log
}

teardown()
{
	guest_teardown
}

# guest_teardown: remove what a test made; fails if that cannot be done, or if the kernel
# complained. bats takes the status of a teardown's last command, so this must be that one.
guest_teardown()
{
	local status=0
	# why it failed; bats prints what a teardown does only for such a test
	[ "${BATS_TEST_COMPLETED:-}" ] || dmesg | tail -n 30
	end_background
	! mountpoint -q /run/mnt || umount /run/mnt || status=1
	remove_devices || status=1
	equal "devices that stay" "$(dmsetup ls)" "No devices found" || status=1
	clear_log || status=1
	return $status
}

# remove_devices: remove volumes, and the devices below them
remove_devices()
{
	local dev status=0
	dmsetup remove_all || status=1
	losetup -D || status=1
	for dev in /sys/kernel/config/nullb/*/; do
		[ ! -d "$dev" ] || rmdir "$dev" || status=1
	done
	[ ! -d /sys/module/scsi_debug ] || rmmod scsi_debug || status=1
	rm -rf "${TMPDIR:?}"/*.img
	return $status
}

# end_background: end what a test that failed left running
end_background()
{
	local left
	left=$(jobs -p)
	[ "$left" ] || return 0
	# shellcheck disable=SC2086 # words
	kill -KILL $left 2>/dev/null
	# and the jobs that it forked
	pkill -KILL -x fio
	wait
}

# the kernel must not complain of anything a test does to it
kernel_is_content()
{
	local log
	log=$(dmesg) || return
	kernel_complaints - <<<"$log" || return 0
	echo "from the kernel's log:"
	tail -n 150 <<<"$log"
	return 1
}

# clear_log: let dmesg begin anew, after a look at what it had
clear_log()
{
	local status=0
	kernel_is_content || status=1
	dmesg -C
	return $status
}

# loop SIZE: print a new loop device on a file in memory
loop()
{
	local file
	file=$(mktemp "$TMPDIR/XXXXXX.img")
	truncate -s "$1" "$file"
	losetup --find --show "$file"
}

# null_blk NAME ATTRIBUTE=VALUE...: print a new null_blk device; nothing if the kernel does
# not take all of the attributes, since nobody looks at the status of a $(null_blk ...)
null_blk()
{
	local dir=/sys/kernel/config/nullb/$1 attr
	shift
	mkdir "$dir" || return
	for attr in "$@" power=1; do
		echo "${attr#*=}" >"$dir/${attr%%=*}" || return
	done
	echo "/dev/${dir##*/}"
}

# skip_without_null_blk ATTRIBUTE: skip the test on a kernel whose null_blk has it not
skip_without_null_blk()
{
	tr , '\n' </sys/kernel/config/nullb/features | grep -qx "$1" || skip "null_blk of this kernel has no $1"
}

# skip_without TARGET: skip the test on a kernel that has no such target
skip_without()
{
	modprobe -q "dm-$1" || true
	dmsetup targets | grep -q "^$1 " || skip "this kernel has no dm-$1"
}

# inject DEVICE OPERATION STATUS: let all of a device's requests of an operation fail
inject()
{
	[ -e "/sys/kernel/debug/block/${1#/dev/}/error_injection" ] ||
		skip "this kernel has no CONFIG_BLK_ERROR_INJECTION"
	echo "add,op=$2,status=$3" >"/sys/kernel/debug/block/${1#/dev/}/error_injection"
}

# quiet COMMAND...: its output only when it fails
quiet()
{
	local output
	output=$("$@" 2>&1) || {
		printf '%s\n' "$*:" "$output"
		return 1
	}
}

# as_nobody COMMAND...: run a command without any privilege. Its gcov counts get a directory of their own,
# since root owns the files of the others.
as_nobody()
{
	GCOV_PREFIX=$GCOV_PREFIX/nobody \
		setpriv --reuid 65534 --clear-groups --inh-caps=-all --bounding-set=-all "$@"
}

# module NAME: load the module of NAME.c; skips the test if the kernel was not built on this machine
module()
{
	local dir=$TMPDIR/$1 arch=x86_64
	[ -e "$DMP_BUILD/.config" ] || skip "there is no build of this kernel"
	! grep -q '^CONFIG_UML=y' "$DMP_BUILD/.config" || arch=um
	if [ ! -d "$dir" ]; then
		mkdir "$dir"
		cp "$BATS_TEST_DIRNAME/../$1.c" "$dir"
		echo "obj-m := $1.o" >"$dir/Makefile"
		quiet make -C "$DMP_BUILD" ARCH="$arch" M="$dir" modules
	fi
	insmod "$dir/$1.ko"
}

# scsi_debug OPTION=VALUE...: print a new simulated SCSI disk
scsi_debug()
{
	modprobe scsi_debug "$@"
	local block='/sys/bus/pseudo/drivers/scsi_debug/adapter0/host*/target*/*/block'
	eventually compgen -G "$block/*" >/dev/null
	echo "/dev/$(basename "$(compgen -G "$block/*")")"
}

# is_clean FS DEVICE: whether the file system on a device, ext4 or xfs, is free of errors
is_clean()
{
	case $1 in
	ext4) e2fsck -f -n "$2" ;;
	xfs) xfs_repair -n "$2" ;;
	esac
}

# create NAME DEVICE [ARG...]: a dmp volume over all of a device
create()
{
	dmsetup create "$1" --table "0 $(blockdev --getsz "$2") dmp ${*:2}"
}

# sysfs NAME: the sysfs directory of a volume
sysfs()
{
	echo "/sys/block/$(basename "$(readlink -f "/sys/dev/block/$(dmsetup info -c --noheadings -o major,minor --separator : "$1")")")"
}

# attributes NAME: "FILE:VALUE" of all files of a volume's disk that can be read, without those that
# identify the volume or count its requests, and without those of dmp
attributes()
{
	local disk
	disk=$(sysfs "$1") || return
	(cd "$disk" && find . -type f -readable -printf '%P\n' |
		grep -vxE '(dev|diskseq|uevent|stat|inflight|dm/name|dm/uuid)|(dmp|trace|power)/.*' |
		xargs grep -s ^ | sort)
}

# counts NAME OPERATION: "reqs bytes errors" of a volume, from dmsetup status
counts()
{
	dmsetup status "$1" | awk -v op="$2" '
		{
			for (i = 4; i < NF; i += 4)
				if ($i == op) {
					reqs += $(i + 1)
					bytes += $(i + 2)
					errors += $(i + 3)
					seen = 1
				}
		}
		END {
			if (!seen) exit 1
			# not %d, which mawk stops at 2^31
			printf "%.0f %.0f %.0f\n", reqs, bytes, errors
		}'
}

# stat_file NAME OPERATION FILE: a file of a volume's in sysfs
stat_file()
{
	cat "$(sysfs "$1")/dmp/$2/$3"
}

# stats NAME OPERATION: "reqs bytes errors" of a volume, from sysfs
stats()
{
	echo "$(stat_file "$1" "$2" reqs) $(stat_file "$1" "$2" bytes) $(stat_file "$1" "$2" errors)"
}

# histogram NAME [OPERATION]: the joint histogram of a volume
histogram()
{
	dmsetup message "$1" 0 histogram "${@:2}"
}

# sum: add up the numbers of a line, such as a histogram of sysfs; fails without a number
sum()
{
	awk '
		{ for (i = 1; i <= NF; i++) { n += $i; seen = 1 } }
		END { if (!seen) exit 1; printf "%.0f\n", n }'
}

# dm_stats NAME read|write: "reqs bytes" as dm-stats has them in its region 0
dm_stats()
{
	local stats
	read -ra stats < <(dmsetup message "$1" 0 @stats_print 0)
	case $2 in
	read) echo "${stats[1]} $((stats[3] * 512))" ;;
	write) echo "${stats[5]} $((stats[7] * 512))" ;;
	esac
}

# block_counts NAME read|write: "reqs bytes" as the block layer has them
block_counts()
{
	local stat
	read -ra stat <"$(sysfs "$1")/stat"
	case $2 in
	read) echo "${stat[0]} $((stat[2] * 512))" ;;
	write) echo "${stat[4]} $((stat[6] * 512))" ;;
	discard) echo "${stat[11]} $((stat[13] * 512))" ;;
	esac
}

# volumes read|write|total reqs|"avg size": from /sys/module/dmp/stat/volumes
volumes()
{
	awk -v section="$1:" -v key="$2" -F ': ' '
		/:$/ { here = $0 == section }
		here && $1 == "\t" key { print $2 }' /sys/module/dmp/stat/volumes
}

# eventually COMMAND...: wait a minute at most until a command succeeds
eventually()
{
	for _ in $(seq 600); do
		! "$@" >/dev/null || return 0
		sleep 0.1
	done
	echo "never came true: $*"
	return 1
}

# waits_for_requests PID: whether a dmsetup waits for requests to end, the only thing that it
# sleeps for
waits_for_requests()
{
	equal "process $1" "$(sed -n 's/^\(Name\|State\):\t//p' "/proc/$1/status" | xargs)" "dmsetup S (sleeping)"
}

# growth FILE: wait until the number in it has grown
growth()
{
	eventually grep -qvx "$(cat "$1")" "$1"
}

# equal WHAT GOT EXPECTED
equal()
{
	[ "$2" = "$3" ] || {
		echo "$1: got '$2', expected '$3'"
		return 1
	}
}

# fields NAME OPERATION: "reqs bytes errors latency_ns" of a volume, from its file stat
fields()
{
	local -A first=([read]=2 [write]=6 [discard]=10 [write_zeroes]=14 [flush]=18 [zone]=22)
	cut -d ' ' -f "${first[$2]}-$((first[$2] + 3))" "$(sysfs "$1")/dmp/stat"
}

# resets NAME: how often a volume was reset
resets()
{
	cut -d ' ' -f 1 "$(sysfs "$1")/dmp/stat"
}
