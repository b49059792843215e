# shellcheck shell=bash
# dmp behaves as dm-linear: over each kind of device, each operation on a volume has the same
# outcome, each attribute in sysfs has the same value, and the device has the same data afterwards.

# the options of dmsetup with which volumes are made
options=()
# a command that runs the operations with less privilege
as=()
# the function that makes the device "above" of the volume, to run the operations on it
above=

setup_file()
{
	gcc -O1 -Wall -Wextra -Wno-missing-field-initializers -o "$TMPDIR/operations" \
		"$BATS_TEST_DIRNAME/../operations.c"
}

# table TARGET "DEVICE..." [OFFSET LENGTH]...: the segments one after the other, each on the next
# device, or on the last one; without segments, all of the device
table()
{
	local target=$1 start=0 devices
	read -ra devices <<<"$2"
	shift 2
	[ $# != 0 ] || set -- 0 "$(blockdev --getsz "${devices[0]}")"
	while [ $# != 0 ]; do
		echo "$start $2 $target ${devices[0]} $1"
		start=$((start + $2))
		[ ${#devices[@]} = 1 ] || devices=("${devices[@]:1}")
		shift 2
	done
}

# volume TARGET "DEVICE..." [OFFSET LENGTH]...: a volume of that name
volume()
{
	table "$@" | dmsetup create "$1" "${options[@]}"
}

# checksum DEVICE
checksum()
{
	dd if="$1" bs=1M iflag=direct status=none 2>&1 | sha256sum
}

# outcomes TARGET PART "DEVICE...": write to $TMPDIR/TARGET what the attributes of such a volume
# are, what comes of all operations, and what data the device has then, through both targets
outcomes()
{
	local part other top=$1
	read -ra part <<<"$2"
	{
		volume "$1" "$3" "${part[@]}"
		attributes "$1"
		if [ "$above" ]; then
			$above "/dev/mapper/$1"
			top=above
			attributes above
		fi
		"${as[@]}" "$TMPDIR/operations" "/dev/mapper/$top"
		echo "attributes afterwards"
		attributes "$top"
		remove_above
		dmsetup remove "$1"
		for other in linear dmp; do
			volume $other "$3" "${part[@]}"
			checksum /dev/mapper/$other
			if [ "$above" ]; then
				$above /dev/mapper/$other
				checksum /dev/mapper/above
				remove_above
			fi
			dmsetup remove $other
		done
	} >"$TMPDIR/$1"
}

# remove_above: the device "above", and "middle" that it may be on
remove_above()
{
	local name
	for name in above middle; do
		[ ! -e /dev/mapper/$name ] || dmsetup remove $name
	done
}

# like_linear PART COMMAND...: both targets have the same outcomes, each over new devices that
# COMMAND prints; PART is one or more "OFFSET LENGTH", or "" for all of the device
like_linear()
{
	local target dev
	for target in linear dmp; do
		dev=$("${@:2}")
		[ "$dev" ]
		outcomes $target "$1" "$dev"
		unmake
	done
	diff "$TMPDIR/linear" "$TMPDIR/dmp"
	# and something was done
	[ "$(wc -l <"$TMPDIR/dmp")" -gt 500 ]
}

# unmake: remove all devices
unmake()
{
	remove_devices
	[ ! -d /sys/module/memdisk ] || rmmod memdisk
}

# scsi ATTRIBUTE=VALUE...: a simulated SCSI disk that does not wait between commands
scsi()
{
	scsi_debug dev_size_mb=8 delay=0 "$@"
}
