#!/usr/bin/env bats
# The series on a long-term kernel, with the patches that patches/backports has for it.

bats_require_minimum_version 1.5.0

setup()
{
	. "$BATS_TEST_DIRNAME/../../lib/common.sh"
	. "$DMP_TOP/scripts/lib/series.sh"
	. "$DMP_TOP/scripts/lib/kernel.sh"
	DMP_SCRATCH=$BATS_TEST_TMPDIR
	kernel_longterm
	cd "$BATS_TEST_TMPDIR"
}

@test "scripts/series applies it to a git checkout, and to a plain tree" {
	nr=$(series_patches_for "$DMP_KERNEL" | wc -l)
	[ "$nr" -gt "$(series_patches | wc -l)" ]
	for tree in git plain; do
		series_base "$DMP_KERNEL" "$tree"
		cp "$DMP_KERNEL/Makefile" "$tree"
		series_git -C "$tree" add Makefile
		series_git -C "$tree" commit -q -m Makefile
	done
	rm -rf plain/.git
	git -C git config user.name Tester
	git -C git config user.email tester@localhost
	run -0 "$DMP_TOP/scripts/series" apply git
	[ "$(git -C git rev-list --count base..)" = $((nr + 1)) ]
	run -0 "$DMP_TOP/scripts/series" apply plain
	[[ $output == *"applied $nr patches"* ]]
	diff -r --exclude=.git git plain
}

@test "the KUnit suite passes there" {
	series_tree "$DMP_KERNEL"
	cd "$DMP_KERNEL+dmp"
	run -0 ./tools/testing/kunit/kunit.py run --build_dir="$DMP_KERNEL+kunit" --jobs=2 \
		--kunitconfig=drivers/md/tests dm_dmp
	echo "$output"
	[[ $output =~ passed:\ [1-9] ]]
}

@test "it builds for x86-64, with DAX and zones, without a warning" {
	series_tree "$DMP_KERNEL"
	printf 'CONFIG_%s=y\n' 64BIT SMP BLOCK MD BLK_DEV_DM BLK_DEV_ZONED MIGRATION SPARSEMEM_VMEMMAP \
		MEMORY_HOTPLUG MEMORY_HOTREMOVE ZONE_DEVICE FS_DAX DM_DMP >"$BATS_TEST_TMPDIR/config"
	kernel_config x86_64 "$DMP_KERNEL+x86" "$BATS_TEST_TMPDIR/config"
	mapfile -t objects < <(cd "$DMP_TOP" && printf '%s\n' drivers/md/dm-dmp*.c | sed 's/c$/o/')
	make -C "$DMP_KERNEL+dmp" ARCH=x86_64 O="$DMP_KERNEL+x86" -j2 W=1 KCFLAGS=-Werror "${objects[@]}"
	nm "$DMP_KERNEL+x86/drivers/md/dm-dmp.o" | grep dmp_dax_direct_access
}
