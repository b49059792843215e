# shellcheck shell=bash
# The patch series and the trees it is applied to. Source after common.sh.

# git, deaf to the user's settings, hooks and signing
series_git()
{
	GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1 \
		git -c user.name=dm-dmp -c user.email=dm-dmp@localhost \
		-c core.autocrlf=false -c gc.auto=0 "$@"
}

# is_git_top DIR: whether DIR is the top of a git checkout, not a folder in one
is_git_top()
{
	local up
	up=$(git -C "$1" rev-parse --show-cdup 2>/dev/null) && [ -z "$up" ]
}

# series_patches: the patches in order, without the cover letter
series_patches()
{
	local patch
	for patch in "$DMP_TOP"/patches/[0-9]*.patch; do
		[ "${patch##*/}" = 0000-cover-letter.patch ] || echo "$patch"
	done
}

# series_backport TREE: the directory of the patches that the series needs on top in an older
# kernel tree; nothing if the tree needs none
series_backport()
{
	local version
	version=$(sed -nE 's/^(VERSION|PATCHLEVEL) = //p' "$1/Makefile" 2>/dev/null | paste -sd .) || return 0
	[ ! -d "$DMP_TOP/patches/backports/${version:-none}" ] || echo "$DMP_TOP/patches/backports/$version"
}

# series_patches_for TREE: the patches for a kernel tree, in order. For an older tree, the directory
# "instead" of its backport may have a patch of the same name, without the number, that takes the
# place of one of the series; an empty one leaves that out.
series_patches_for()
{
	local backport patch instead
	backport=$(series_backport "$1")
	while read -r patch; do
		instead=${backport:+$backport/instead/${patch##*/????-}}
		[ -z "$instead" ] || [ ! -e "$instead" ] || patch=$instead
		[ ! -s "$patch" ] || echo "$patch"
	done < <(series_patches)
	[ -z "$backport" ] || printf '%s\n' "$backport"/*.patch
}

# series_context TREE: the option of git am and git apply that says how many lines around a change
# must match: in an older tree the entries of lists have other neighbours
series_context()
{
	if [ "$(series_backport "$1")" ]; then
		echo -C1
	else
		echo -C3
	fi
}

# series_touched: every file that a patch adds or changes
series_touched()
{
	series_patches | xargs -d '\n' cat | sed -n 's,^diff --git a/.* b/,,p' | sort -u
}

# series_base TREE REPO: a git repository of just those files of a clean kernel
# tree that the series changes; its first commit is tagged base
series_base()
{
	local tree=$1 repo=$2 file
	[ ! -e "$tree/drivers/md/dm-dmp.c" ] ||
		die "$tree has the series already, a clean tree is needed"
	mkdir -p "$repo"
	series_git -C "$repo" init -q -b main
	series_touched | while read -r file; do
		[ ! -e "$tree/$file" ] || install -D -m 644 "$tree/$file" "$repo/$file"
	done
	series_git -C "$repo" add -A
	series_git -C "$repo" commit -q -m base
	series_git -C "$repo" tag base
}

# series_am REPO [OPTION PATCH...]: git am, all the patches by default
series_am()
{
	local repo=$1 patches
	shift
	mapfile -t patches < <(series_patches)
	[ $# = 0 ] || patches=("$@")
	series_git -C "$repo" am -q "${patches[@]}" ||
		die "the series does not apply, resolve it in a kernel tree: git am -3 patches/0*"
}

# series_tree TREE: make, or bring up to date, TREE+dmp, which is TREE with the
# series applied; files that do not change keep their time, so a build that
# follows rebuilds only what did
series_tree()
{
	local tree=$1 out=$1+dmp repo=$DMP_SCRATCH/series file patches
	mapfile -t patches < <(series_patches_for "$tree")
	series_base "$tree" "$repo"
	series_am "$repo" "$(series_context "$tree")" "${patches[@]}"

	if [ ! -d "$out" ]; then
		rm -rf "$out.new"
		cp -al "$tree" "$out.new"
		mv "$out.new" "$out"
	fi
	# undo what an earlier version of the series did and this one does not; a copy is
	# newer than what was built, as a link to the clean tree would not be
	if [ -e "$out/.dmp-series" ]; then
		while read -r file; do
			[ ! -e "$repo/$file" ] || continue
			rm -f "$out/$file"
			[ ! -e "$tree/$file" ] || cp "$tree/$file" "$out/$file"
		done <"$out/.dmp-series"
	fi
	series_touched >"$out/.dmp-series"
	while read -r file; do
		cmp -s "$repo/$file" "$out/$file" && continue
		# a new file: the old one is hard-linked to the clean tree
		rm -f "$out/$file"
		install -D -m 644 "$repo/$file" "$out/$file"
	done <"$out/.dmp-series"
	rm -rf "$repo"
}
