# shellcheck shell=bash
# The checks of scripts/check that compile drivers/md: each patch, configurations and
# architectures. Warnings are errors, with those of W=1.

# options of a kernel in which all of dmp is compiled; =n: the option is off, =!m: it is asked for, but
# depends on others that are off
check_base="MODULES=y EXPERT=y SYSFS=y BLOCK=y MD=y BLK_DEV_DM=y DM_INIT=y KUNIT=y \
	DM_DMP=m DM_DMP_KUNIT_TEST=m"
check_x86="64BIT=y SMP=y $check_base BLK_DEV_ZONED=y MEMORY_HOTPLUG=y MEMORY_HOTREMOVE=y \
	ZONE_DEVICE=y FS_DAX=y"

# name and options of configs/, over $check_x86
check_configs="
no-smp         SMP=n
no-sysfs       SYSFS=n DM_DMP=!m DM_DMP_KUNIT_TEST=!m
no-zoned       BLK_DEV_ZONED=n
no-dax         FS_DAX=n
no-modules     MODULES=n DM_DMP=y DM_DMP_KUNIT_TEST=y
kunit-m        KUNIT=m
dmp-y-kunit-m  DM_DMP=y
preempt-rt     PREEMPT_RT=y
"

# name, ARCH, Debian's cross compiler and options of archs/, over $check_base
check_archs="
i386         i386     -                      64BIT=n SMP=y
arm64        arm64    aarch64-linux-gnu      64BIT=y SMP=y
riscv64      riscv    riscv64-linux-gnu      MMU=y 64BIT=y SMP=y
powerpc64    powerpc  powerpc64-linux-gnu    PPC64=y SMP=y CPU_BIG_ENDIAN=y
powerpc64le  powerpc  powerpc64le-linux-gnu  PPC64=y SMP=y CPU_LITTLE_ENDIAN=y
s390x        s390     s390x-linux-gnu        64BIT=y SMP=y
"

check_seeds=20

# build_in TREE BUILD ARCH [VARIABLE...]: set kmake to the command that builds a tree. What each
# kernel needs is installed; these configurations need more packages.
build_in()
{
	want /usr/include/libelf.h:libelf-dev /usr/include/openssl/ssl.h:libssl-dev
	mkdir -p "$2"
	build=$2
	kmake=(make -C "$1" O="$2" ARCH="$3" "${@:4}" -j"${DMP_JOBS:-$(nproc)}" W=1 KCFLAGS=-Werror)
}

# want_options OPTION...: write the options to $build/want, the last one of each name
want_options()
{
	printf 'CONFIG_%s\n' "$@" | awk -F= '
		{ value[$1] = $2 }
		END { for (option in value) print option "=" value[option] }' | sort >"$build/want"
}

# has_options: fail if $build/.config differs from the options in $build/want
has_options()
{
	local option lost=
	while read -r option; do
		case $option in
		*=n | *=!m) ! grep -q "^${option%=*}=" "$build/.config" ;;
		*) grep -qxF "$option" "$build/.config" ;;
		esac || lost+=" $option"
	done <"$build/want"
	if [ -n "$lost" ]; then
		echo "this kernel does not take:$lost"
		return 1
	fi
}

# configure OPTION...: these options and no others
configure()
{
	want_options "$@"
	sed 's/=!m/=m/' "$build/want" >"$build/asked"
	"${kmake[@]}" KCONFIG_ALLCONFIG="$build/asked" allnoconfig
	has_options
}

# build_md: drivers/md, and of modules what modpost says of them
build_md()
{
	local modules=() unexported
	"${kmake[@]}" drivers/md/
	if grep -q '^CONFIG_DM_DMP=m' "$build/.config"; then
		modules+=(drivers/md/dmp.ko)
	fi
	if grep -q '^CONFIG_DM_DMP_KUNIT_TEST=m' "$build/.config"; then
		modules+=(drivers/md/tests/dm_dmp_kunit.ko)
	fi
	[ -e "$build/drivers/md/dm-dmp.o" ] || return 0
	# 32-bit kernels have no 64-bit division, and libgcc's other functions no kernel has
	nm -u "$build"/drivers/md/dm-dmp*.o >"$build/undefined"
	none_in "$build/undefined" ' __[a-z]+[dt]i[234]$'
	[ ${#modules[@]} -gt 0 ] || return 0
	# without a vmlinux modpost knows no symbol that the kernel exports
	"${kmake[@]}" KBUILD_MODPOST_WARN=1 "${modules[@]}" 2>&1 | tee "$build/modpost"
	sed -i -E "/symbol '.*' undefined|suppressed .* unresolved/d" "$build/modpost"
	none_in "$build/modpost" modpost:
	[ -e "$build/drivers/md/tests/dm_dmp_kunit.o" ] || return 0
	# the tests use no function of dmp that dmp does not export
	unexported=$(nm -u "$build/drivers/md/tests/dm_dmp_kunit.o" | awk '$2 ~ /^dmp_/ { print $2 }' |
		grep -vxFf <(nm "$build"/drivers/md/dm-dmp*.o | sed -n 's/.* __export_symbol_//p') || true)
	if [ -n "$unexported" ]; then
		echo "not exported: $unexported"
		return 1
	fi
}

# build_kernel: the whole kernel, which fails if it lacks a function that dmp calls. Warnings are no
# errors here: other code has some.
build_kernel()
{
	local targets=(vmlinux)
	! grep -q '^CONFIG_MODULES=y' "$build/.config" || targets+=(modules)
	"${kmake[@]}" W= KCFLAGS= "${targets[@]}"
}

# step_tree: make, or clean, the tree $tree that patches are applied to one by one: links to the
# clean tree, with new copies of what patches change, so that a build compiles it again
step_tree()
{
	local file
	tree=$DMP_KERNEL+check/tree
	if ! [ "$tree/Makefile" -ef "$DMP_KERNEL/Makefile" ]; then
		rm -rf "$tree"
		mkdir -p "$DMP_KERNEL+check"
		cp -al "$DMP_KERNEL" "$tree"
	fi
	{
		cat "$tree/.dmp-series" 2>/dev/null || true
		series_touched
	} | sort -u >"$DMP_SCRATCH/touched"
	cp "$DMP_SCRATCH/touched" "$tree/.dmp-series"
	while read -r file; do
		rm -f "${tree:?}/$file"
		[ ! -e "$DMP_KERNEL/$file" ] || cp "$DMP_KERNEL/$file" "$tree/$file"
	done <"$tree/.dmp-series"
}

# changed PATCH PATTERN: print the files below PATTERN that a patch changes
changed()
{
	sed -nE "s,^diff --git a/.* b/($2)$,\1,p" "$1"
}

# step_options y|m: print the options of the tree with some of the patches
step_options()
{
	local option
	# shellcheck disable=SC2086 # words
	printf '%s\n' $check_x86 | grep -v DM_DMP
	for option in DM_DMP DM_DMP_KUNIT_TEST; do
		if grep -q "^config $option$" "$tree/drivers/md/Kconfig"; then
			echo "$option=$1"
		fi
	done
}

# patch_by_patch y|m: build drivers/md after each patch that changes it
patch_by_patch()
{
	local value=$1 patch object objects options=
	while read -r patch; do
		say "${patch##*/}"
		GIT_CEILING_DIRECTORIES=$DMP_KERNEL+check git -C "$tree" apply "$patch"
		[ -n "$(changed "$patch" '(drivers|include|block|lib)/.*')" ] || continue
		if [ "$options" != "$(step_options "$value")" ]; then
			options=$(step_options "$value")
			# shellcheck disable=SC2086 # words
			configure $options
		fi
		"${kmake[@]}" drivers/md/
		# files that a later patch puts into the Makefile
		mapfile -t objects < <(changed "$patch" 'drivers/md/.*\.c' | sed 's/c$/o/')
		[ ${#objects[@]} = 0 ] || "${kmake[@]}" "${objects[@]}"
	done < <(series_patches)
	for object in dm-dmp-stats.o dm-dmp.o tests/dm_dmp_kunit.o; do
		[ -e "$build/drivers/md/$object" ]
	done
}

# tools_patch_by_patch: build tools/dm after each patch that changes it
tools_patch_by_patch()
{
	local repo=$DMP_SCRATCH/step out=$DMP_SCRATCH/step-tools patch objects makefile
	want "${DMP_TOOLS_NEED[@]}"
	series_base "$DMP_KERNEL" "$repo"
	mkdir "$out"
	while read -r patch; do
		say "${patch##*/}"
		series_am "$repo" "$patch"
		mapfile -t objects < <(changed "$patch" 'tools/dm/.*\.c' | sed "s,^tools/dm/,$out/,; s/c$/o/")
		[ ${#objects[@]} -gt 0 ] || continue
		makefile=$repo/tools/dm/Makefile
		if [ -e "$makefile" ]; then
			make -C "$repo/tools/dm" O="$out" CFLAGS="-O2 -g -Werror"
		else
			makefile=$DMP_TOP/tools/dm/Makefile
		fi
		make -C "$repo/tools/dm" -f "$makefile" O="$out" CFLAGS="-O2 -g -Werror" "${objects[@]}"
	done < <(series_patches)
	[ -x "$out/dmpctl" ]
	[ -x "$out/dmpstat" ]
}

# choose_clang: set clang to the suffix of a clang that this kernel takes: -22, say
choose_clang()
{
	local least
	least=$(SRCARCH=x86 "$DMP_KERNEL/scripts/min-tool-version.sh" llvm)
	# the newest that is installed, or else that there is
	clang=$({ compgen -c clang- || true; } | newest_clang "$least")
	[ -n "$clang" ] || clang=$(apt-cache pkgnames clang- | newest_clang "$least")
	[ -n "$clang" ] || skip "no package of clang $least or newer"
	want "clang$clang:clang$clang" "llvm-ar$clang:llvm$clang" "ld.lld$clang:lld$clang"
}

# newest_clang LEAST: of the names on standard input, print the suffix of the newest
newest_clang()
{
	sed -nE 's/^clang-([0-9]+)$/\1/p' | sort -n |
		awk -v least="${1%%.*}" '$1 >= least { n = $1 } END { if (n) print "-" n }'
}

check_patches()
{
	local tree build kmake clang value=${1#*-}
	case $1 in
	tools) tools_patch_by_patch; return ;;
	esac
	step_tree
	case $1 in
	gcc-*) build_in "$tree" "$DMP_KERNEL+check/$1" x86_64 ;;
	clang-*)
		choose_clang
		build_in "$tree" "$DMP_KERNEL+check/$1" x86_64 LLVM="$clang"
		;;
	esac
	patch_by_patch "$value"
}

# table_row TABLE NAME: print the rest of the row
table_row()
{
	sed -nE "s/^$2 +//p" <<<"$1"
}

check_configs()
{
	local build kmake
	build_in "$DMP_KERNEL+dmp" "$DMP_KERNEL+check/$1" x86_64
	# shellcheck disable=SC2046,SC2086 # words
	configure $check_x86 $(table_row "$check_configs" "$1")
	build_md
	build_kernel
}

check_archs()
{
	local build kmake arch cross options
	read -r arch cross options < <(table_row "$check_archs" "$1")
	if [ "$cross" = - ]; then
		cross=
	else
		want "$cross-gcc:gcc-$cross"
	fi
	build_in "$DMP_KERNEL+dmp" "$DMP_KERNEL+check/$1" "$arch" ${cross:+CROSS_COMPILE="$cross-"}
	# shellcheck disable=SC2086 # words
	configure $check_base $options
	build_md
}

check_randconfig()
{
	local build kmake seed options objects
	build_in "$DMP_KERNEL+dmp" "$DMP_KERNEL+check/randconfig" x86_64
	mapfile -t objects < <(cd "$DMP_TOP" && printf '%s\n' drivers/md/dm-dmp*.c | sed 's/c$/o/')
	for seed in $(seq "$check_seeds"); do
		say "seed $seed"
		options=(BLK_DEV_DM=m DM_DMP=m)
		# device-mapper cannot be built in if DAX is a module
		[ $((seed % 2)) = 0 ] || options=(BLK_DEV_DM=y DM_DMP=y DAX=y)
		# plugins need another package for each compiler
		want_options SYSFS=y BLOCK=y MD=y MODULES=y GCC_PLUGINS=n RUST=n "${options[@]}"
		"${kmake[@]}" KCONFIG_SEED="$seed" KCONFIG_ALLCONFIG="$build/want" randconfig
		has_options
		if grep -q '^CONFIG_DM_DMP_KUNIT_TEST=' "$build/.config"; then
			"${kmake[@]}" "${objects[@]}" drivers/md/tests/dm_dmp_kunit.o
		else
			"${kmake[@]}" "${objects[@]}"
		fi
	done
}
