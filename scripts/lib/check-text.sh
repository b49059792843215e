# shellcheck shell=bash
# The checks of scripts/check that read text: patches, comments and documentation.

check_checkpatch()
{
	local patches
	# not the cover letter: git's list of new files has lines as long as their paths
	mapfile -t patches < <(series_patches)
	[ ${#patches[@]} -gt 1 ]
	cd "$DMP_KERNEL" || return
	# the tree is no git checkout in which the commit of a Fixes: tag could be looked up, and
	# scripts/tests/host/series.bats looks up the new files in MAINTAINERS
	perl scripts/checkpatch.pl --strict --quiet --ignore UNKNOWN_COMMIT_ID,FILE_PATH_CHANGES \
		"${patches[@]}"
}

check_codespell()
{
	want codespell:codespell
	cd "$DMP_TOP" || return
	# inflight is a file of sysfs
	codespell -L inflight README.md contrib drivers Documentation dkms kunit patches scripts \
		tools .ci
}

# doc_tool TOOL: print the path of a tool of the documentation; releases differ in it
doc_tool()
{
	local tool
	for tool in "$DMP_KERNEL"/{tools/docs,scripts}/"$1"{,.py,.pl}; do
		[ ! -e "$tool" ] || break
	done
	echo "$tool"
}

# silent COMMAND...: fail if a command fails or prints anything
silent()
{
	local output
	output=$("$@" 2>&1) || { echo "$output"; return 1; }
	echo "$output"
	[ -z "$output" ]
}

check_kernel_doc()
{
	local tool files
	tool=$(doc_tool kernel-doc)
	mapfile -t files < <(find "$DMP_TOP/drivers" -name '*.[ch]')
	[ ${#files[@]} -gt 7 ]
	silent "$tool" -none -Wall "${files[@]}"
	# it reads comments of ours
	[ "$("$tool" -man "${files[@]}" 2>/dev/null | grep -c '^\.TH "dmp_')" -gt 10 ]
}

check_abi()
{
	local tool
	tool=$(doc_tool get_abi)
	silent "$tool" --dir "$DMP_TOP/Documentation/ABI" validate
	# among the others, of which it finds fault with some
	"$tool" --dir "$DMP_KERNEL+dmp/Documentation/ABI" validate >"$DMP_SCRATCH/abi" 2>&1
	none_in "$DMP_SCRATCH/abi" 'sysfs-(block-dm|module)-dmp'
	"$tool" --dir "$DMP_TOP/Documentation/ABI" search dmp | grep -F /sys/module/dmp/stat/volumes
}

# htmldocs TREE OUTPUT: build the pages of device-mapper, print the warnings
htmldocs()
{
	# the system's Python, which the system's Sphinx belongs to
	PATH=/usr/bin:$PATH make -C "$1" O="$2" SPHINXDIRS=admin-guide/device-mapper htmldocs \
		>"$2.log" 2>&1 || {
		cat "$2.log" >&2
		return 1
	}
	sed -nE '/WARNING|ERROR/{ s,^\S*/Documentation/,Documentation/,; p; }' "$2.log" | sort
}

check_htmldocs()
{
	local out=$DMP_SCRATCH/html html page
	want sphinx-build:python3-sphinx
	html=$out-ours/Documentation/output/admin-guide/device-mapper
	htmldocs "$DMP_KERNEL" "$out-clean" >"$out-before"
	htmldocs "$DMP_KERNEL+dmp" "$out-ours" >"$out-after"
	diff "$out-before" "$out-after"
	# the pages are there, and refer to each other
	grep -q 'avg size' "$html/dm-dmp.html"
	grep -q 'href="dm-dmp-design.html' "$html/dm-dmp.html"
	grep -q 'href="dm-dmp.html' "$html/dm-dmp-design.html"
	grep -q 'target_name=dmp' "$html/dm-ima.html"
	for page in dm-dmp dm-dmp-design; do
		grep -q "href=\"$page.html" "$html/index.html"
	done
}
