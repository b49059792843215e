#!/usr/bin/env bats
# The series is what the files here say, and applies. check.bats runs the kernel's own tools.

bats_require_minimum_version 1.5.0

setup()
{
	. "$BATS_TEST_DIRNAME/../../lib/common.sh"
	. "$DMP_TOP/scripts/lib/series.sh"
	tree=$BATS_TEST_TMPDIR/tree
}

# checkout: make $tree a git checkout, in which a user commits
checkout()
{
	series_base "$DMP_KERNEL" "$tree"
	git -C "$tree" config user.name Tester
	git -C "$tree" config user.email tester@localhost
}

# unfit_checkout: the same, to which the series does not apply
unfit_checkout()
{
	checkout
	sed -i /DM_DELAY/d "$tree/drivers/md/Makefile"
	git -C "$tree" commit -q -a -m 'no delay'
}

@test "base + patches/ = the files here" {
	"$DMP_TOP/scripts/series" check
}

@test "the caller's locale changes nothing" {
	[ -e /usr/share/i18n/locales/en_US ] || skip "no sources of locales here (package locales)"
	localedef -i en_US -f UTF-8 "$BATS_TEST_TMPDIR/en_US.UTF-8"
	export LOCPATH=$BATS_TEST_TMPDIR
	# which sorts unlike that of the scripts
	[ "$(printf 'B\na\n' | LC_ALL=en_US.UTF-8 sort | xargs)" = "a B" ]
	LC_ALL=en_US.UTF-8 "$DMP_TOP/scripts/series" check
}

@test "a file that differs, is missing or is too many is found out" {
	cp -r "$DMP_TOP" "$BATS_TEST_TMPDIR/copy"
	cd "$BATS_TEST_TMPDIR/copy"
	run -0 scripts/series check
	echo >>drivers/md/dm-dmp.c
	run -1 scripts/series check
	[[ $output == *"scripts/series refresh"* ]]
	run -0 scripts/series refresh
	run -0 scripts/series check
	touch drivers/md/dm-dmp-more.c
	run -1 scripts/series check
	rm drivers/md/dm-dmp-more.c drivers/md/dm-dmp-stats.h
	run -1 scripts/series check
}

@test "apply to a git checkout, once" {
	checkout
	run -0 "$DMP_TOP/scripts/series" apply "$tree"
	[ "$(git -C "$tree" rev-list --count base..)" = "$(series_patches | wc -l)" ]
	cmp "$tree/drivers/md/dm-dmp.c" "$DMP_TOP/drivers/md/dm-dmp.c"
	run -1 "$DMP_TOP/scripts/series" apply "$tree"
	[[ $output == *"has the series already"* ]]
}

@test "apply to a plain tree, even inside another git checkout" {
	git init -q "$BATS_TEST_TMPDIR"
	series_base "$DMP_KERNEL" "$tree"
	rm -rf "$tree/.git"
	run -0 "$DMP_TOP/scripts/series" apply "$tree"
	cmp "$tree/drivers/md/dm-dmp.c" "$DMP_TOP/drivers/md/dm-dmp.c"
	grep -q DM_DMP "$tree/drivers/md/Kconfig"
}

@test "apply to a plain tree by a link into another git checkout" {
	git init -q "$BATS_TEST_TMPDIR/other"
	series_base "$DMP_KERNEL" "$BATS_TEST_TMPDIR/other/linux"
	rm -rf "$BATS_TEST_TMPDIR/other/linux/.git"
	ln -s other/linux "$tree"
	run -0 "$DMP_TOP/scripts/series" apply "$tree"
	cmp "$tree/drivers/md/dm-dmp.c" "$DMP_TOP/drivers/md/dm-dmp.c"
}

@test "the user's own git am goes on" {
	unfit_checkout
	run git -C "$tree" am "$DMP_TOP"/patches/0008-*.patch
	[ -d "$tree/.git/rebase-apply" ]
	run -1 "$DMP_TOP/scripts/series" apply "$tree"
	[[ $output == *"finish or abort git am or git rebase there first"* ]]
	[ -d "$tree/.git/rebase-apply" ]
}

@test "apply to something else is refused" {
	run -1 "$DMP_TOP/scripts/series" apply "$BATS_TEST_TMPDIR"
	[[ $output == *"not a kernel tree"* ]]
	run -1 "$DMP_TOP/scripts/series" apply
	run -1 "$DMP_TOP/scripts/series" frobnicate
}

@test "a tree that the series does not fit stays as it was" {
	unfit_checkout
	run -1 "$DMP_TOP/scripts/series" apply "$tree"
	[ -z "$(git -C "$tree" status --porcelain)" ]
	[ ! -d "$tree/.git/rebase-apply" ]
	[ ! -e "$tree/drivers/md/dm-dmp.c" ]
}

@test "what an earlier series changed and this one does not is built again" {
	DMP_SCRATCH=$BATS_TEST_TMPDIR
	series_base "$DMP_KERNEL" "$tree"
	rm -rf "$tree/.git"
	echo clean >"$tree/file"
	series_tree "$tree"
	rm "$tree+dmp/file"
	echo changed >"$tree+dmp/file"
	echo file >>"$tree+dmp/.dmp-series"
	sleep 0.1
	touch "$BATS_TEST_TMPDIR/object"
	sleep 0.1
	series_tree "$tree"
	[ "$(cat "$tree+dmp/file")" = clean ]
	[ "$tree+dmp/file" -nt "$BATS_TEST_TMPDIR/object" ]
}

@test "MAINTAINERS has every new file" {
	author=$(git mailinfo /dev/null /dev/null <"$(series_patches | tail -n 1)" | sed -n 's/^Email: //p')
	cd "$DMP_KERNEL+dmp"
	while read -r file; do
		[ ! -e "$DMP_KERNEL/$file" ] || continue
		run -0 perl scripts/get_maintainer.pl --no-git-fallback --no-rolestats -f "$file"
		[[ $output == *"<$author>"* ]] || {
			echo "$file: $output"
			return 1
		}
	done < <(series_touched)
}

@test "every patch is signed off by its author" {
	for patch in $(series_patches); do
		author=$(git mailinfo /dev/null /dev/null <"$patch" | sed -n 's/^Author: //p')
		grep -q "^Signed-off-by: $author <" "$patch"
	done
}

@test "the kunitconfig here is that of the series" {
	cmp "$DMP_TOP/kunit/dm_dmp.kunitconfig" "$DMP_TOP/drivers/md/tests/.kunitconfig"
}
