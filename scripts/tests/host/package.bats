#!/usr/bin/env bats
# The Debian packages.

bats_require_minimum_version 1.5.0

@test "the packages build, and lintian has nothing to say" {
	cd "$BATS_TEST_DIRNAME/../../.."
	run -0 scripts/package "$BATS_TEST_TMPDIR/packages"
	# the last commit is newer than those of the packages before it
	version=$(make -s -C dkms version)+git$(TZ=UTC git log -1 --format=%cd.%h --date=format-local:%Y%m%d%H%M)
	deb=$BATS_TEST_TMPDIR/packages/dm-dmp-dkms_${version}_all.deb
	[ "$(dpkg-deb -f "$deb" Version)" = "$version" ]
	dpkg-deb -x "$deb" "$BATS_TEST_TMPDIR/unpacked"
	make -s -C dkms source DIR="$BATS_TEST_TMPDIR/source" DMP_VERSION="$version"
	diff -r "$BATS_TEST_TMPDIR/source" "$BATS_TEST_TMPDIR/unpacked/usr/src/dm-dmp-$version"
	dpkg-deb -x "$BATS_TEST_TMPDIR"/packages/dm-dmp-tools_"$version"_*.deb "$BATS_TEST_TMPDIR/unpacked"
	for tool in dmpctl dmpstat; do
		"$BATS_TEST_TMPDIR/unpacked/usr/sbin/$tool" --help
		[ -e "$BATS_TEST_TMPDIR/unpacked/usr/share/man/man8/$tool.8.gz" ]
	done
	# no unit starts unasked, nor ends with an upgrade; who enabled one keeps it
	ls "$BATS_TEST_TMPDIR/unpacked/lib/systemd/system/dmpstat.socket"
	dpkg-deb -e "$BATS_TEST_TMPDIR"/packages/dm-dmp-tools_"$version"_*.deb "$BATS_TEST_TMPDIR/control"
	grep -q "if deb-systemd-helper debian-installed 'dmpstat.socket'" "$BATS_TEST_TMPDIR/control/postinst"
	run ! grep -r deb-systemd-invoke "$BATS_TEST_TMPDIR/control" --include='p*inst'
	grep -q "deb-systemd-invoke stop 'dmp-attach@\*.service' dmpstat-textfile.service dmpstat.socket" \
		"$BATS_TEST_TMPDIR/control/prerm"
}

@test "without a directory it says what it expected" {
	run -1 "$BATS_TEST_DIRNAME/../../package"
	[[ $output == *"expected the directory for the packages"* ]]
}
