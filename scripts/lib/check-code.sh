# shellcheck shell=bash
# The checks of scripts/check that analyze the code. They configure the kernel with the options
# $check_x86, and ignore reports about the kernel's own headers. Source after check-build.sh.

# our_objects: set objects to the objects of dmp, and others to those that the series changes
our_objects()
{
	mapfile -t objects < <(cd "$DMP_TOP" && find drivers -name '*.c' | sort | sed 's/c$/o/')
	mapfile -t others < <(series_touched | sed -n 's/\.c$/.o/p' |
		while read -r object; do
			[ ! -e "$DMP_KERNEL/${object%o}c" ] || echo "$object"
		done)
}

# code_in NAME [VARIABLE...]: build_in and configure for a check of the code
code_in()
{
	build_in "$DMP_KERNEL+dmp" "$DMP_KERNEL+check/$1" x86_64 "${@:2}"
	# shellcheck disable=SC2086,SC2154 # words, of check-build.sh
	configure $check_x86
}

# is_sparse FILE: whether this sparse knows what the kernel's headers use
is_sparse()
{
	[ "$("$DMP_KERNEL/scripts/checker-valid.sh" "$1")" = 1 ]
}

# build_sparse DIR: build the newest sparse that Debian has from its source package
build_sparse()
{
	local dir=$1 mirror options
	mirror=$(debian_mirror)
	[ -n "$mirror" ] || { echo "apt knows no Debian mirror; run: sudo apt-get update"; return 1; }
	rm -rf "$dir"
	mkdir -p "$dir"/apt/{lists/partial,cache/archives/partial} "$dir/source"
	# a mirror may be a snapshot, whose lists have expired
	options="signed-by=/usr/share/keyrings/debian-archive-keyring.gpg check-valid-until=no"
	echo "deb-src [$options] $mirror sid main" >"$dir/apt/sources.list"
	DMP_CACHE=$dir apt_private apt-get update
	(cd "$dir" && DMP_CACHE=$dir apt_private apt-get source --only-source --download-only sparse)
	tar -xf "$dir"/sparse_*.orig.tar.* -C "$dir/source" --strip-components=1
	make -C "$dir/source" -j"${DMP_JOBS:-$(nproc)}" sparse
}

# choose_sparse: set sparse to a program that parses this kernel: the installed sparse, or one that
# is built from its newest source
choose_sparse()
{
	want sparse:sparse
	sparse=$(command -v sparse)
	! is_sparse "$sparse" || return 0
	sparse=$DMP_CACHE/sparse/source/sparse
	is_sparse "$sparse" || build_sparse "$DMP_CACHE/sparse"
	is_sparse "$sparse" || skip "neither $(sparse --version) nor Debian's newest sparse understand this kernel"
}

check_sparse()
{
	local build kmake objects others sparse log=$DMP_SCRATCH/sparse
	choose_sparse
	our_objects
	code_in sparse
	"${kmake[@]}" C=2 CHECK="$sparse" "${objects[@]}" "${others[@]}" 2>&1 | tee "$log"
	# a warning in a header does not count
	none_in "$log" '^\S*drivers/md/\S*: (warning|error):'
	none_in "$log" 'not available or not up to date'
}

check_coccinelle()
{
	local build kmake dir=$DMP_SCRATCH/cocci
	# some of the semantic patches have parts in OCaml
	want spatch:coccinelle ocamlopt:ocaml-nox
	code_in sparse
	# coccicheck reads whole directories
	mkdir "$dir"
	find "$DMP_TOP/drivers" -name '*.[ch]' -exec cp -t "$dir" {} +
	# spatch is as fast with one job as with two, for so little code
	"${kmake[@]}" J=1 coccicheck MODE=report M="$dir" DEBUG_FILE="$dir/debug" |
		tee "$dir/report"
	cat "$dir/debug"
	grep -q 'deref_null' "$dir/debug"
	none_in "$dir/report" '^[^ :]*\.[ch]:[0-9]+'
}

check_analyzer()
{
	local build kmake clang objects others dir=$DMP_SCRATCH/analyzer
	choose_clang
	want "clang-tidy$clang:clang-tidy$clang" python3:python3 jq:jq
	our_objects
	code_in analyzer LLVM="$clang"
	"${kmake[@]}" drivers/md/
	mkdir "$dir"
	ln -s "$(command -v "clang-tidy$clang")" "$dir/clang-tidy"
	python3 "$DMP_KERNEL/scripts/clang-tools/gen_compile_commands.py" -d "$build" \
		-o "$dir/all.json" "$build/drivers/md"
	jq 'map(select(.file | test("/(dm-dmp|dm_dmp)[^/]*$")))' "$dir/all.json" >"$dir/compile_commands.json"
	[ "$(jq length "$dir/compile_commands.json")" = ${#objects[@]} ]
	PATH=$dir:$PATH python3 "$DMP_KERNEL/scripts/clang-tools/run-clang-tools.py" clang-analyzer \
		"$dir/compile_commands.json" -header-filter='/dm-dmp' >"$dir/report" 2>&1
	# most is about the layout of structs in the kernel's headers
	none_in "$dir/report" '^\S*/drivers/md/\S*: (warning|error):' -A 20
}
