# shellcheck shell=bash
# A volume group in the guest, without udev and on a read-only root file system.

pvs=()

lvm_configure()
{
	export LVM_SYSTEM_DIR=/run/lvm LVM_SUPPRESS_FD_WARNINGS=1
	mkdir -p /run/lvm /run/lock /run/mnt
	cat >/run/lvm/lvm.conf <<-'END'
		devices { use_devicesfile=0 }
		activation { udev_sync=0 udev_rules=0 monitoring=0 }
		backup { backup=0 archive=0 }
		global { event_activation=0 thin_check_executable="" }
	END
}

# lvm_start SIZE...: the volume group vg on loop devices of these sizes; sets $pvs
lvm_start()
{
	local size
	lvm_configure
	pvs=()
	for size; do
		pvs+=("$(loop "$size")")
	done
	quiet vgcreate -s 1M vg "${pvs[@]}"
}

lvm_stop()
{
	[ -z "${fio:-}" ] || kill -KILL "$fio" 2>/dev/null || true
	wait
	! mountpoint -q /run/mnt || umount /run/mnt
	[ ! -e /run/lvm ] || quiet vgremove -ff -y vg || true
}

dmpctl()
{
	"$DMP_TOOLS/dmpctl" "$@"
}

# nr_of REQUEST COMMAND...: which of the ioctls of a command is the first such request
nr_of()
{
	strace -qq -f -o "$TMPDIR/strace" -e trace=ioctl "${@:2}" >/dev/null 2>&1
	awk -v request="$1" '/ioctl\(/ { n++ } $0 ~ request { print n; exit }' "$TMPDIR/strace"
}

# types VOLUME: the kinds of its segments
types()
{
	dmsetup table "$1" | awk '{ printf "%s%s", sep, $3; sep = " " } END { print "" }'
}
