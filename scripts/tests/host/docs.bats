#!/usr/bin/env bats
# The documentation builds as well as it did before.

bats_require_minimum_version 1.5.0

# htmldocs TREE OUTPUT: build the folder, print the warnings
htmldocs()
{
	# the system's Python, which the system's Sphinx belongs to
	PATH=/usr/bin:$PATH make -C "$1" O="$2" SPHINXDIRS=admin-guide/device-mapper htmldocs 2>&1 |
		grep -E 'WARNING|ERROR' | sed "s,$1/,,"
}

@test "htmldocs gives no warning that the clean tree does not give" {
	htmldocs "$DMP_KERNEL" "$BATS_TEST_TMPDIR/clean" | sort >"$BATS_TEST_TMPDIR/before"
	htmldocs "$DMP_KERNEL+dmp" "$BATS_TEST_TMPDIR/ours" | sort >"$BATS_TEST_TMPDIR/after"
	diff "$BATS_TEST_TMPDIR/before" "$BATS_TEST_TMPDIR/after"
	page=$BATS_TEST_TMPDIR/ours/Documentation/output/admin-guide/device-mapper/dm-dmp.html
	grep -q 'avg size' "$page"
	grep -q dm-dmp.html "${page%/*}/index.html"
}
