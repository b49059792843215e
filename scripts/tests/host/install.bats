#!/usr/bin/env bats
# What scripts/install does without changing the machine. That it installs is a matter of
# a machine of its own.

bats_require_minimum_version 1.5.0

setup()
{
	cd "$BATS_TEST_DIRNAME/../../.." || return
	source=$BATS_TEST_TMPDIR/source
}

@test "--source writes what make and DKMS need, to a new directory only" {
	run -0 scripts/install --source "$source"
	[ -e "$source/dm-dmp.c" ]
	[ -e "$source/Kbuild" ]
	grep -q '^PACKAGE_NAME="dm-dmp"' "$source/dkms.conf"
	run -1 scripts/install --source "$source"
	[[ $output == *"exists, expected the name of a new directory" ]]
}

@test "who is not root is told" {
	printf '#!/bin/sh\necho 1000\n' >"$BATS_TEST_TMPDIR/id"
	chmod +x "$BATS_TEST_TMPDIR/id"
	PATH=$BATS_TEST_TMPDIR:$PATH run -1 scripts/install
	[[ $output == *"must be run by root: sudo scripts/install" ]]
}

@test "a path with a space is refused, before anything is written" {
	run -1 scripts/install --source "$BATS_TEST_TMPDIR/a b"
	[[ $output == *"expected a path without spaces"* ]]
	run ! compgen -G "$BATS_TEST_TMPDIR/a*"
}

# take NAME: define the function NAME as scripts/install does
take()
{
	eval "$(sed -n "/^$1()/,/^}/p" scripts/install)"
}

@test "the headers of later kernels are those of this kernel's flavour" {
	take headers_of_later_kernels
	dpkg-query()
	{
		cat <<-'END'
			linux-image-6.1.0-56-amd64 install ok installed kmod, linux-base
			linux-image-amd64 install ok installed linux-image-6.1.0-56-amd64 (= 6.1.4-1)
			linux-image-cloud-amd64 install ok installed linux-image-6.12.57+deb12-cloud-amd64, x
			linux-image-rt-amd64 deinstall ok config-files linux-image-6.1.0-56-rt-amd64
			linux-image-generic install ok installed linux-image-5.15.0-91-generic, linux-firmware
		END
	}
	for pair in 6.1.0-56-amd64:amd64 6.1.0-50-amd64:amd64 6.1.0-50-cloud-amd64:cloud-amd64 \
		6.12.50+deb12-cloud-amd64:cloud-amd64 5.15.0-88-generic:generic 6.1.0-56-rt-amd64: 6.5.0:; do
		echo "$pair"
		flavour=${pair#*:}
		[ "$(headers_of_later_kernels "${pair%:*}")" = "${flavour:+linux-headers-$flavour}" ]
	done
}

@test "a kernel that is not there is refused" {
	run -1 scripts/install --kernel 9.9.9-none
	[[ $output == *"no kernel 9.9.9-none here, expected one of: "* ]]
}
