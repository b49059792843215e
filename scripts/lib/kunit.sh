# shellcheck shell=bash
# The KUnit suite dm_dmp on several machines, each a part of scripts/test. Source after kernel.sh.

# the parts: user-mode Linux; QEMU's i386; and others, of which s390 has the other byte order
# shellcheck disable=SC2034 # used by scripts that source this file
DMP_KUNIT_PARTS="kunit kunit32 kunit-arm64 kunit-s390"

# kunit_py BUILD COMMAND ARGUMENT...: kunit.py
kunit_py()
{
	local build=$1 command=$2
	shift 2
	(cd "$DMP_KERNEL+dmp" && ./tools/testing/kunit/kunit.py "$command" --build_dir="$build" "$@")
}

# kunit_uml_build: the kernel that scripts/tests/builtin boots too
kunit_uml_build()
{
	local configs=(kunit/dm_dmp.kunitconfig scripts/lib/{base,uml,debug,faults}.config)
	build_once "$DMP_KERNEL+kunit" "user-mode Linux with KUnit" "${configs[*]}" \
		kunit_py "$DMP_KERNEL+kunit" build --jobs="$(nproc)" "${configs[@]/#/--kunitconfig=$DMP_TOP/}"
}

kunit_uml_run()
{
	kunit_py "$DMP_KERNEL+kunit" exec --raw_output=all --kernel_args=seccomp=on \
		--kernel_args=ncpus=2 --kernel_args=uml_dir="$DMP_SCRATCH" dm_dmp
}

kunit32_build()
{
	build_once "$DMP_KERNEL+i386" "a 32-bit kernel with KUnit" scripts/lib/i386.config \
		kernel_make i386 bzImage "$DMP_KERNEL+i386" scripts/lib/i386.config
}

# not by kunit.py, which uses KVM wherever /dev/kvm exists, even if it does not work
kunit32_run()
{
	timeout -s KILL 120 qemu-system-i386 -accel tcg -smp sockets=2 -m 256 -nodefaults \
		-nographic -serial stdio -no-reboot \
		-kernel "$DMP_KERNEL+i386/arch/x86/boot/bzImage" \
		-append "console=ttyS0 kunit.enable=1 kunit.filter_glob=dm_dmp kunit_shutdown=reboot" \
		</dev/null
}

# kunit_arch_py ARCH COMMAND ARGUMENT...: kunit.py for another architecture
kunit_arch_py()
{
	local arch=$1 command=$2
	local -A prefix=([arm64]=aarch64-linux-gnu- [s390]=s390x-linux-gnu-)
	shift 2
	kunit_py "$DMP_KERNEL+$arch" "$command" --arch="$arch" --cross_compile="${prefix[$arch]}" "$@"
}

kunit_arch_build()
{
	build_once "$DMP_KERNEL+$1" "a kernel with KUnit for $1" kunit/dm_dmp.kunitconfig \
		kunit_arch_py "$1" build --jobs="$(nproc)" --kunitconfig="$DMP_TOP/kunit/dm_dmp.kunitconfig"
}

# kunit_build PART
kunit_build()
{
	case $1 in
	kunit) kunit_uml_build ;;
	kunit32)
		need qemu-system-i386:qemu-system-x86
		kunit32_build
		;;
	kunit-arm64)
		need aarch64-linux-gnu-gcc:gcc-aarch64-linux-gnu qemu-system-aarch64:qemu-system-arm
		kunit_arch_build arm64
		;;
	kunit-s390)
		need s390x-linux-gnu-gcc:gcc-s390x-linux-gnu qemu-system-s390x:qemu-system-misc
		kunit_arch_build s390
		;;
	esac
}

# kunit_exec PART: boot the kernel of a part, which prints its results
kunit_exec()
{
	case $1 in
	kunit) kunit_uml_run ;;
	kunit32) kunit32_run ;;
	kunit-*) kunit_arch_py "${1#kunit-}" exec --raw_output=all --qemu_args='-smp 2' dm_dmp ;;
	esac
}

# kunit_run PART: run a part, with its results in a directory of $DMP_RESULTS; fails if a test
# failed or the kernel complained
kunit_run()
{
	local start=$SECONDS results=$DMP_RESULTS/$1 failed=0
	mkdir "$results"
	kunit_exec "$1" >"$results/console" 2>&1 || failed=1
	echo $((SECONDS - start)) >"$results/seconds"
	"$DMP_KERNEL+dmp/tools/testing/kunit/kunit.py" parse "$results/console" 2>&1 |
		tee "$results/log" || failed=1
	# kunit.py looks at the results only
	if kernel_complaints "$results/console"; then
		say "$1: the kernel complained"
		failed=1
	fi
	return $failed
}

# kunit_counts PART: print how many of its tests passed, failed and were skipped
kunit_counts()
{
	awk '
		/Testing complete/ {
			for (i = 1; i < NF; i++)
				n[$i] += $(i + 1)
		}
		END { print n["passed:"] + 0, n["failed:"] + n["crashed:"] + n["errors:"], n["skipped:"] + 0 }' \
		"$DMP_RESULTS/$1/log"
}

# kunit_skipped PART: print the tests that were skipped, with the reason
kunit_skipped()
{
	sed -nE "s/.*\\bok [0-9]+ (.*) # SKIP ?(.*)/skipped: $1: \\1: \\2/p" "$DMP_RESULTS/$1/console"
}
