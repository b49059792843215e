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
	html=$BATS_TEST_TMPDIR/ours/Documentation/output/admin-guide/device-mapper
	grep -q 'avg size' "$html/dm-dmp.html"
	grep -q 'href="dm-dmp-design.html' "$html/dm-dmp.html"
	grep -q 'href="dm-dmp.html' "$html/dm-dmp-design.html"
	grep -q 'target_name=dmp' "$html/dm-ima.html"
	for page in dm-dmp dm-dmp-design; do
		grep -q "href=\"$page.html" "$html/index.html"
	done
}

@test "the page for administrators has at most 300 lines" {
	page=Documentation/admin-guide/device-mapper/dm-dmp.rst
	[ "$(wc -l <"$page")" -le 300 ]
}
