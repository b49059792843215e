#!/usr/bin/env bats
# The series is what the files here say, and what the kernel's own tools accept.

bats_require_minimum_version 1.5.0

setup()
{
	. "$BATS_TEST_DIRNAME/../../lib/common.sh"
	. "$DMP_TOP/scripts/lib/series.sh"
	tree=$BATS_TEST_TMPDIR/tree
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
	series_base "$DMP_KERNEL" "$tree"
	git -C "$tree" config user.name Tester
	git -C "$tree" config user.email tester@localhost
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

@test "apply to something else is refused" {
	run -1 "$DMP_TOP/scripts/series" apply "$BATS_TEST_TMPDIR"
	[[ $output == *"not a kernel tree"* ]]
	run -1 "$DMP_TOP/scripts/series" apply
	run -1 "$DMP_TOP/scripts/series" frobnicate
}

@test "a tree that the series does not fit stays as it was" {
	series_base "$DMP_KERNEL" "$tree"
	git -C "$tree" config user.name Tester
	git -C "$tree" config user.email tester@localhost
	sed -i /DM_DELAY/d "$tree/drivers/md/Makefile"
	git -C "$tree" commit -q -a -m 'no delay'
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

@test "checkpatch --strict finds nothing in any patch" {
	# not the cover letter: git's list of new files has lines as long as their paths
	mapfile -t patches < <(series_patches)
	[ ${#patches[@]} -gt 1 ]
	cd "$DMP_KERNEL"
	# the tree is no git checkout in which the commit of a Fixes: tag could be looked up
	# and whether MAINTAINERS has the new files is the matter of the next test
	perl scripts/checkpatch.pl --strict --quiet --ignore UNKNOWN_COMMIT_ID,FILE_PATH_CHANGES \
		"${patches[@]}"
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

# doc_tool TOOL: where the tree has a tool of the documentation
doc_tool()
{
	local tool
	for tool in "$DMP_KERNEL"/{tools/docs,scripts}/"$1"{,.py,.pl}; do
		[ ! -e "$tool" ] || break
	done
	echo "$tool"
}

@test "kernel-doc -Wall has nothing to say of the target" {
	tool=$(doc_tool kernel-doc)
	mapfile -t files < <(find "$DMP_TOP/drivers" -name '*.[ch]')
	[ ${#files[@]} -gt 7 ]
	run -0 "$tool" -none -Wall "${files[@]}"
	[ -z "$output" ]
	# it reads comments of ours
	[ "$("$tool" -man "${files[@]}" 2>/dev/null | grep -c '^\.TH "dmp_')" -gt 10 ]
}

@test "the kernel's own tool validates our ABI files, alone and among the others" {
	tool=$(doc_tool get_abi)
	run -0 "$tool" --dir "$DMP_TOP/Documentation/ABI" validate
	[ -z "$output" ]
	run -0 "$tool" --dir "$DMP_KERNEL+dmp/Documentation/ABI" validate
	run ! grep -E 'sysfs-(block-dm|module)-dmp' <<<"$output"
	run -0 "$tool" --dir "$DMP_TOP/Documentation/ABI" search dmp
	[[ $output == *"/sys/module/dmp/stat/volumes"* ]]
}

@test "every patch is signed off by its author" {
	for patch in $(series_patches); do
		author=$(git mailinfo /dev/null /dev/null <"$patch" | sed -n 's/^Author: //p')
		grep -q "^Signed-off-by: $author <" "$patch"
	done
}

@test "every patch builds on its own" {
	build=$BATS_TEST_TMPDIR/build
	cp -al "$DMP_KERNEL" "$tree"
	mkdir "$build"
	for patch in $(series_patches); do
		GIT_CEILING_DIRECTORIES=$BATS_TEST_TMPDIR git -C "$tree" apply "$patch"
		{
			cat "$DMP_TOP/scripts/lib/uml.config"
			echo CONFIG_DM_DMP=m
			echo CONFIG_KUNIT=y
			! grep -q DM_DMP_KUNIT_TEST "$tree/drivers/md/Kconfig" ||
				echo CONFIG_DM_DMP_KUNIT_TEST=m
		} >"$build/want"
		make -C "$tree" ARCH=um O="$build" KCONFIG_ALLCONFIG="$build/want" allnoconfig >/dev/null
		make -C "$tree" ARCH=um O="$build" -j2 KCFLAGS=-Werror W=1 drivers/md/
		# files that a later patch puts into the Makefile
		sed -n 's,^+++ b/\(drivers/md/dm-.*\)\.c$,\1.o,p' "$patch" |
			xargs -r make -C "$tree" ARCH=um O="$build" KCFLAGS=-Werror W=1
		# the first patches are device-mapper's own
		! grep -q DM_DMP "$tree/drivers/md/Kconfig" || [ -e "$build/drivers/md/dmp.o" ]
	done
	[ -e "$build/drivers/md/dmp.o" ]
	[ -e "$build/drivers/md/tests/dm_dmp_kunit.o" ]
}

@test "the kunitconfig here is that of the series" {
	cmp "$DMP_TOP/kunit/dm_dmp.kunitconfig" "$DMP_TOP/drivers/md/tests/.kunitconfig"
}
