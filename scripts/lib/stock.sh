# shellcheck shell=bash
# Kernels as Debian ships them, unpacked in the cache from their packages: dmp.ko built
# against their headers, and a guest in QEMU that boots them. Source after boot.sh.
#
# A stock kernel is known here by a name: 6.1 and 6.12, which Debian 12 has, and newest,
# that of the backports suite, whose headers need the compiler of the next release.

# what building a module for one needs; the headers of 6.12 depend on pahole
DMP_STOCK_NEED=(gcc:gcc make:make depmod:kmod pahole:pahole)

# stock_pattern NAME: what the versions of a stock kernel look like
stock_pattern()
{
	case $1 in
	6.1) echo '6\.1\.0-[0-9]+-amd64' ;;
	6.12) echo '6\.12\.[0-9]+\+deb12-amd64' ;;
	newest) echo '[0-9.]+\+deb13-amd64' ;;
	*) die "no stock kernel $1, expected 6.1, 6.12 or newest" ;;
	esac
}

# stock_packages VERSION: the image, modules and headers of a kernel
stock_packages()
{
	local version=$1
	{
		printf 'linux-%s-'"$version"'\n' image binary base modules headers
		apt_private apt-cache depends "linux-headers-$version" |
			sed -n 's/.*Depends: \(linux-\(kbuild\|headers\)-.*\)/\1/p'
	} | grep -xFf <(apt_private apt-cache pkgnames linux-) | sort -u
}

# stock_versions WHAT: the versions of the kernel $stock that have a package linux-WHAT-<version>
stock_versions()
{
	apt_private apt-cache pkgnames "linux-$1-" |
		sed -nE "s/^linux-$1-($(stock_pattern "$stock"))$/\1/p" | sort
}

# the newest kernel $stock, which becomes $DMP_CACHE/stock-<version>
fetch_stock()
{
	local new=$DMP_CACHE/apt/new-stock root version packages dir known
	root=$new/root
	apt_private_update
	# headers come first, the image only when it is signed
	version=$(comm -12 <(stock_versions headers) <(stock_versions image) | sort -V | tail -n 1)
	dir=$DMP_CACHE/stock-$version

	if [ ! -d "$dir" ]; then
		mapfile -t packages < <(stock_packages "$version")
		fetch_packages "$root" "${packages[@]}"
		# the headers' one path that is not relative
		sed -i "s,^include /,include $dir/${root##*/}/," \
			"$root/usr/src/linux-headers-$version/Makefile"
		[ -e "$root/lib" ] || ln -s usr/lib "$root/lib"
		known=$(cat "$DMP_CACHE/stock-$stock" 2>/dev/null || true)
		[ -z "$known" ] || rm -rf "$known"
		mv "$new" "$dir"
	fi
	echo "$dir" >"$DMP_CACHE/stock-$stock"
}

# stock_choose NAME: set DMP_BUILD to a stock kernel, stock_version to its version, and stock_headers to
# where its packages have the headers
stock_choose()
{
	local stock=$1
	[ "$(dpkg --print-architecture 2>/dev/null)" = amd64 ] ||
		die "stock kernels are those of Debian's amd64, this is $(uname -m)"
	stock_pattern "$stock" >/dev/null
	newest_of "stock kernel $stock" "$DMP_CACHE/stock-$stock" fetch_stock
	DMP_BUILD=$(cat "$DMP_CACHE/stock-$stock")
	stock_version=${DMP_BUILD#"$DMP_CACHE/stock-"}
	stock_headers=/usr/src/linux-headers-$stock_version
}

# the release whose compiler and C library the headers of the newest kernel want, with them
stock_chroot()
{
	local mirror
	mirror=$(debian_mirror)
	mmdebstrap --variant=apt --include="gcc,make,kmod,linux-headers-$stock_version" trixie \
		"$DMP_BUILD/chroot.new" "deb $mirror trixie main" "deb $mirror trixie-backports main"
	mv "$DMP_BUILD/chroot.new" "$DMP_BUILD/chroot"
}

# stock_kbuild NAME ARGUMENT...: make with the headers of a stock kernel, for the source in
# $DMP_BUILD/dmp
stock_kbuild()
{
	local stock=$1
	shift
	if [ "$stock" = newest ]; then
		rm -rf "$DMP_BUILD/chroot/dmp"
		cp -r "$DMP_BUILD/dmp" "$DMP_BUILD/chroot"
		# objtool reads /proc; it is mounted for this command only
		unshare --mount --pid --fork --mount-proc="$DMP_BUILD/chroot/proc" \
			chroot "$DMP_BUILD/chroot" make -C "$stock_headers" M=/dmp "$@"
		cp "$DMP_BUILD/chroot/dmp/dmp.ko" "$DMP_BUILD/dmp"
	else
		make -C "$DMP_BUILD/root$stock_headers" M="$DMP_BUILD/dmp" "$@"
	fi
}

# dmp.ko in $DMP_BUILD/drivers/md, as in a build of the kernel, and for modprobe
stock_make()
{
	local stock=$1 root=$DMP_BUILD/root
	rm -rf "$DMP_BUILD/dmp"
	make -C "$DMP_TOP/dkms" source DIR="$DMP_BUILD/dmp"
	stock_kbuild "$stock" W=1 KCFLAGS=-Werror modules
	install -D -m 644 -t "$DMP_BUILD/drivers/md" "$DMP_BUILD/dmp/dmp.ko"
	install -D -m 644 -t "$root/lib/modules/$stock_version/updates" "$DMP_BUILD/dmp/dmp.ko"
	depmod -b "$root" "$stock_version"
}

# stock_build NAME: stock_choose, with dmp.ko
stock_build()
{
	local key
	need "${DMP_STOCK_NEED[@]}"
	stock_choose "$1"
	key=$(cat "$DMP_TOP"/drivers/md/dm-dmp* "$DMP_TOP"/dkms/{Makefile,Kbuild,compat.h,compat/*.h,compat/*/*.h} |
		sha256sum)
	[ "$key" != "$(cat "$DMP_BUILD/dmp.key" 2>/dev/null)" ] || return 0
	one_at_a_time
	if [ "$1" = newest ] && [ ! -d "$DMP_BUILD/chroot" ]; then
		[ "$(id -u)" = 0 ] || die "the headers of $stock_version need a chroot, which root can make"
		need mmdebstrap:mmdebstrap
		progress "installing the headers of $stock_version in a chroot" stock_chroot
	fi
	progress "building dmp for $stock_version" stock_make "$1"
	echo "$key" >"$DMP_BUILD/dmp.key"
}

# stock_boot SECONDS "WORDS" COMMAND...: run a command as boot_run does, in the kernel of stock_choose
stock_boot()
{
	local root=$DMP_BUILD/root image
	image=$root/boot/vmlinuz-$stock_version
	[ -e "$image" ] || image=$root/lib/modules/$stock_version/vmlinuz
	boot_run "$1" "$image" "$stock_version" "${@:2}"
}

# stock_run SECONDS COMMAND...: run a command as uml_run does, in the kernel of stock_choose
stock_run()
{
	stock_boot "$1" "DMP_INIT=$DMP_TOP/scripts/lib/guest-init" "${@:2}"
}
