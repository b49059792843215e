# shellcheck shell=bash
# A whole Debian 12 with systemd, and with the programs that read metrics, which boots in QEMU.
# Nothing of it is installed on this machine. Source after stock.sh.

# DMP_DEBIAN: the directory of the system
DMP_DEBIAN=$DMP_CACHE/debian

debian_packages=systemd-sysv,udev,kmod,bats,jq,curl,fio,dmsetup,lvm2,libjson-c5,perl,procps
debian_packages+=,prometheus,prometheus-node-exporter,pcp,python3-requests

# shellcheck disable=SC2317 # progress calls it
debian_make()
{
	rm -rf "$DMP_DEBIAN.new"
	# PCP would start its services
	SYSTEMD_OFFLINE=1 mmdebstrap --variant=apt --include="$debian_packages" bookworm "$DMP_DEBIAN.new" \
		"deb $(debian_mirror) bookworm main"
	# it has no network but itself
	echo '127.0.0.1 localhost' >"$DMP_DEBIAN.new/etc/hosts"
	rm -f "$DMP_DEBIAN.new/etc/resolv.conf"
	rm -rf "$DMP_DEBIAN"
	mv "$DMP_DEBIAN.new" "$DMP_DEBIAN"
	echo "$debian_packages" >"$DMP_DEBIAN.packages"
}

# debian_build: make $DMP_DEBIAN, if it is not there with these packages
debian_build()
{
	[ "$debian_packages" != "$(cat "$DMP_DEBIAN.packages" 2>/dev/null)" ] || return 0
	[ "$(id -u)" = 0 ] || die "only root can make the Debian that debian/ boots"
	need mmdebstrap:mmdebstrap
	one_at_a_time
	progress "installing a Debian to boot (some minutes the first time)" debian_make
}

# debian_run SECONDS COMMAND...: run a command as uml_run does, in the Debian and with the kernel
# of stock_choose; systemd runs, and no service that the boot itself does not need
debian_run()
{
	stock_boot "$1" "DMP_DEBIAN=$DMP_DEBIAN DMP_SHOW=$DMP_CACHE:$DMP_TOP DMP_INIT=/sbin/init \
		systemd.show_status=no systemd.firstboot=no systemd.run=$DMP_TOP/scripts/lib/guest-job \
		systemd.run_success_action=poweroff systemd.run_failure_action=poweroff" "${@:2}"
}
