# shellcheck shell=bash
# Tables that must be refused.
# shellcheck disable=SC2154 # bats sets status and output

# refused ERRNO-NAME ERRNO-TEXT ERROR-TEXT ARGUMENTS: an 8 MiB table is refused
refused()
{
	dmesg -C
	run dmsetup create dmp1 --table "0 16384 dmp $4"
	[ "$status" -ne 0 ] || {
		echo "taken: '$4'"
		return 1
	}
	equal "errno for '$4'" "$(grep -o 'failed: .*' <<<"$output")" "failed: $2"
	equal "log for '$4'" "$(dmesg | sed -n 's/.*: dmp: //p')" "$3 ($1)"
	equal "devices after '$4'" "$(dmsetup ls --target dmp)" "No devices found"
	kernel_is_content
}

einval()
{
	refused -EINVAL "Invalid argument" "$@"
}

# every bad line, with a device that is large enough for it
all_refused()
{
	local sectors="expected a number of 512-byte sectors"
	einval "No device, expected <dev_path> [<offset>]" ""
	einval "Too many arguments, expected <dev_path> [<offset>]" "$1 0 0"
	einval "Offset is not a number, $sectors" "$1 abc"
	einval "Offset is not a number, $sectors" "$1 +1"
	einval "Negative offset, $sectors" "$1 -1"
	einval "Trailing junk after offset, $sectors" "$1 8x"
	einval "Trailing junk after offset, $sectors" "$1 1.5"
	einval "Trailing junk after offset, $sectors" "$1 0x10"
	refused -ERANGE "Numerical result out of range" \
		"Offset does not fit a sector number" "$1 18446744073709551616"
	refused -ENOENT "No such file or directory" "No such device" /dev/nothing
	refused -ENOTBLK "Block device required" "Not a block device" /dev/null
	refused -ENOTBLK "Block device required" "Not a block device" /proc/uptime
	refused -ENXIO "No such device or address" "Cannot open device" 250:250
	einval "Offset plus length goes past the end of the device" "$1 1"
	einval "Offset plus length goes past the end of the device" "$1 18446744073709551615"
}
