#!/usr/bin/env bats
# dmp.ko out of tree, against the headers of kernels as Debian ships them.

bats_require_minimum_version 1.5.0

setup()
{
	. "$BATS_TEST_DIRNAME/../../lib/common.sh"
	. "$DMP_TOP/scripts/lib/series.sh"
	. "$DMP_TOP/scripts/lib/kernel.sh"
	. "$DMP_TOP/scripts/lib/boot.sh"
	. "$DMP_TOP/scripts/lib/stock.sh"
	cd "$DMP_TOP"
	here=$BATS_TEST_TMPDIR/dm-dmp
}

# headers NAME: set $headers to what a stock kernel's modules are built against
headers()
{
	stock_choose "$1"
	headers=$DMP_BUILD/root$stock_headers
}

# checkout: a copy of what make needs, where the test may write
checkout()
{
	mkdir -p "$here/drivers"
	cp -r dkms "$here"
	cp -r drivers/md "$here/drivers"
	make -s -C "$here/dkms" clean
}

# builds NAME: make builds a module for a stock kernel, without a warning
builds()
{
	headers "$1"
	checkout
	run -0 make -C "$here/dkms" KDIR="$headers" W=1
	echo "$output"
	[[ $output != *[Ww]arning* ]]
	[ "$(modinfo -F vermagic "$here/dkms/dmp.ko" | cut -d ' ' -f 1)" = "$stock_version" ]
	[ "$(modinfo -F alias "$here/dkms/dmp.ko")" = dm-dmp ]
}

@test "make builds for Debian's 6.1, without a warning" {
	builds 6.1
}

@test "make builds for Debian's 6.12, without a warning" {
	builds 6.12
}

@test "make leaves nothing in drivers, and nothing that git sees" {
	headers 6.1
	checkout
	series_git -C "$here" init -q
	cp .gitignore "$here"
	series_git -C "$here" add -A
	make -C "$here/dkms" KDIR="$headers"
	[ -e "$here/dkms/dmp.ko" ]
	series_git -C "$here" status --short >"$BATS_TEST_TMPDIR/status"
	grep -q '^A  dkms/Kbuild$' "$BATS_TEST_TMPDIR/status"
	run -1 grep -v '^A ' "$BATS_TEST_TMPDIR/status"
	diff -r drivers/md "$here/drivers/md"
	# and a second make compiles nothing
	run -0 make -C "$here/dkms" KDIR="$headers"
	[[ $output != *" CC "* ]]
	make -C "$here/dkms" clean
	diff -r drivers/md "$here/drivers/md"
	[ ! -e "$here/dkms/dmp.ko" ]
}

@test "the source has the files of the series as they are" {
	make -s -C dkms source DIR="$here"
	for file in drivers/md/dm-dmp*; do
		cmp "$file" "$here/${file##*/}"
	done
	grep -qx 'PACKAGE_VERSION="[0-9]*\.[0-9]*\.[0-9]*"' "$here/dkms.conf"
}

@test "make takes a file that changed, also one with an older time" {
	make -s -C dkms source DIR="$here"
	cp -r "$here" "$here.before"
	touch "$BATS_TEST_TMPDIR/now"
	make -s -C dkms source DIR="$here"
	[ -z "$(find "$here" -name '*.[ch]' -newer "$BATS_TEST_TMPDIR/now")" ]
	echo >>"$here/dm-dmp.c"
	touch -d tomorrow "$here/dm-dmp.c"
	make -s -C dkms source DIR="$here"
	diff -r "$here" "$here.before"
}

@test "dkms skips kernels before 6.1" {
	. dkms/dkms.conf
	for kernel in 6.1.0-56-amd64 6.12.57+deb12-amd64 6.5.0-9-generic 7.3.4+deb13-amd64 10.0.1; do
		[[ $kernel =~ $BUILD_EXCLUSIVE_KERNEL ]]
	done
	for kernel in 4.19.0-27-amd64 5.10.0-30-amd64 6.0.12; do
		[[ ! $kernel =~ $BUILD_EXCLUSIVE_KERNEL ]]
	done
}

@test "a kernel before 6.1 is refused in words" {
	headers 6.1
	make -s -C dkms source DIR="$here"
	run ! make -C "$headers" M="$here" VERSION=5 PATCHLEVEL=10 modules
	[[ $output == *"dmp needs Linux 6.1 or later, this is 5.10"* ]]
	run ! make -C "$headers" M="$here" VERSION=6 PATCHLEVEL=0 modules
	[[ $output == *"dmp needs Linux 6.1 or later, this is 6.0"* ]]
}

@test "without headers make says what to install" {
	run ! make -C dkms KDIR="$BATS_TEST_TMPDIR/nothing"
	[[ $output == *"install: linux-headers-"* ]]
}

@test "on the newest kernel compat.h defines nothing" {
	make -s -C dkms source DIR="$here"
	printf '#include <linux/device-mapper.h>\n#include <linux/slab.h>\n' >"$here/without.c"
	cp "$here/without.c" "$here/with.c"
	# the flags of Kbuild, but compat.h for one of the two only
	sed -i "s,^ccflags-y += -include .*,CFLAGS_with.o += -include \$(src)/compat.h," "$here/Kbuild"
	make -C "$DMP_KERNEL+dmp" ARCH=um O="$DMP_KERNEL+uml" M="$here" KCFLAGS=-dD with.i without.i
	defines() { grep '^#define' "$1" | grep -v KBUILD_ | sort; }
	run diff <(defines "$here/without.i") <(defines "$here/with.i")
	echo "$output"
	[ "$(grep '^[<>]' <<<"$output")" = "> #define DMP_COMPAT_H " ]
}
