#!/usr/bin/env bats
# dmpctl beside udev and LVM, in a Debian with systemd.

# shellcheck disable=SC2154 # run sets status
bats_require_minimum_version 1.5.0
load ../guest
load ../volume
load ../lvm

setup_file()
{
	modprobe -a dm-mod dmp dm-mirror loop
}

setup()
{
	clear_log
	quiet vgcreate -s 1M vg "$(loop 24M)" "$(loop 24M)"
}

teardown()
{
	udevadm control --start-exec-queue
	udevadm settle
	quiet vgremove -ff -y vg || true
	dmsetup udevcomplete_all -y >/dev/null
	guest_teardown
}

# flags VOLUME: those of libdevmapper that udev knows
flags()
{
	udevadm settle
	udevadm info -q property "$(sysfs "$1")" | grep -E '^DM_UDEV_.*_FLAG=1' | sort
}

@test "udev knows the same of a volume as before, and has the same links" {
	quiet lvcreate -y -Wn -Zn --type mirror -m 1 --nosync --mirrorlog core -L 8M -n lv vg
	quiet lvcreate -y -Wn -Zn -L 8M -n plain vg
	for volume in vg-lv_mimage_0 vg-plain; do
		flags $volume >"$TMPDIR/before"
		for change in "attach --force" "latency --force on" "detach --force"; do
			# shellcheck disable=SC2086 # words
			dmpctl $change $volume
			flags $volume >"$TMPDIR/after"
			diff "$TMPDIR/before" "$TMPDIR/after"
			[ ! -e /dev/vg/lv_mimage_0 ]
			[ -b /dev/vg/plain ]
		done
	done
	# the last one was of vg-plain
	run ! grep DISABLE_DISK "$TMPDIR/before"
	flags vg-lv_mimage_0 | grep -qx DM_UDEV_DISABLE_DISK_RULES_FLAG=1
}

@test "flags that no activation has sent do not stay" {
	dmsetup create made --table "0 8 linear $(loop 1M) 0"
	udevadm settle
	# an event of another origin, of a volume that udev knows nothing of
	rm "/run/udev/data/b$(cat "$(sysfs made)/dev")"
	echo add >"$(sysfs made)/uevent"
	flags made | grep -qx DM_UDEV_DISABLE_DISK_RULES_FLAG=1
	dmpctl attach made
	equal flags "$(flags made)" DM_UDEV_PRIMARY_SOURCE_FLAG=1
}

@test "the unit attaches a volume whenever it appears, and waits for none" {
	install "$DMP_TOOLS/dmpctl" /usr/bin
	install -m 644 -t /etc/systemd/system "$DMP_TOP/contrib/dmp-attach@.service"
	unit=$(systemd-escape --path --template=dmp-attach@.service /dev/vg/plain)
	systemctl enable "$unit"
	run ! grep -F "$unit" <<<"$(systemctl list-jobs)"
	quiet lvcreate -y -Wn -Zn -L 8M -n plain vg
	eventually systemctl -q is-active "$unit"
	equal attached "$(types vg-plain)" dmp
	quiet lvchange -an vg/plain
	eventually is_inactive "$unit"
	quiet lvchange -ay vg/plain
	eventually systemctl -q is-active "$unit"
	equal "attached again" "$(types vg-plain)" dmp
	systemctl stop "$unit"
	equal detached "$(types vg-plain)" linear
	systemctl disable "$unit"
}

# is_inactive UNIT
is_inactive()
{
	[ "$(systemctl is-active "$1")" = inactive ]
}

@test "a signal ends dmpctl while it waits for udev, and the volume has its new table" {
	quiet lvcreate -y -Wn -Zn -L 8M -n plain vg
	udevadm settle
	udevadm control --stop-exec-queue
	run -124 timeout --signal=INT --kill-after=60 10 "$DMP_TOOLS/dmpctl" attach vg/plain
	equal types "$(types vg-plain)" dmp
	[ "$(dmsetup udevcookies | wc -l)" -gt 1 ]
	run -0 dmpctl list
	echo "$output"
	[[ $output == *"vg-plain  "*"attached   1 of 1   off     2"* ]]
	run -124 timeout --signal=INT --kill-after=60 10 "$DMP_TOOLS/dmpctl" detach vg/plain
	run -0 dmpctl list
	equal "nothing is lost" "$output" ""
}
