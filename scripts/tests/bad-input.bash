# shellcheck shell=bash
# Tables that must be refused.
# shellcheck disable=SC2154 # bats sets status and output

# refused ERRNO-NAME ERRNO-TEXT ERROR-TEXT ARGUMENTS: an 8 MiB table is refused
refused()
{
	clear_log
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

# lookup_refused DEVICE: the table is refused as one of dm-linear is, whose errno the core
# decides upon
lookup_refused()
{
	clear_log
	run ! dmsetup create dmp1 --table "0 16384 linear $1 0"
	refused "$(dmesg | sed -n 's/.*: linear: .*(\(-E.*\))$/\1/p')" \
		"$(sed -n 's/.*failed: //p' <<<"$output")" "Device lookup failed" "$1"
}

# every bad line, with a device that is large enough for it
all_refused()
{
	local offset="Invalid offset, expected a number of 512-byte sectors"
	local features="Invalid number of feature arguments, expected 0 or 1"
	einval "Expected <dev_path> [<offset> [<#feature_args> [<feature>]...]]" ""
	einval "$offset" "$1 abc"
	einval "$offset" "$1 -1"
	einval "$offset" "$1 8x"
	einval "$offset" "$1 1.5"
	einval "$offset" "$1 0x10"
	refused -ERANGE "Numerical result out of range" "$offset" "$1 18446744073709551616"
	lookup_refused /dev/nothing
	lookup_refused /dev/null
	lookup_refused /proc/uptime
	lookup_refused 250:250
	einval "$features" "$1 0 latency"
	einval "$features" "$1 0 1x latency"
	einval "$features" "$1 0 -1 latency"
	einval "$features" "$1 0 1"
	einval "$features" "$1 0 2 latency"
	einval "$features" "$1 0 2 latency latency"
	einval "Unexpected argument after the features" "$1 0 0 latency"
	einval "Unexpected argument after the features" "$1 0 1 latency latency"
	einval "Unknown feature, expected latency" "$1 0 1 Latency"
	einval "Unknown feature, expected latency" "$1 0 1 histogram"
}

# message_refused TEXT MESSAGE...: dmp1 refuses a message
message_refused()
{
	clear_log
	run dmsetup message dmp1 0 "${@:2}"
	[ "$status" -ne 0 ] || {
		echo "taken: '${*:2}'"
		return 1
	}
	equal "errno for '${*:2}'" "$(grep -o 'failed: .*' <<<"$output")" "failed: Invalid argument"
	equal "log for '${*:2}'" "$(dmesg | sed -n 's/.*: dmp: [0-9]*:[0-9]*: //p')" "$1"
	kernel_is_content
}

# every bad message, with a device for a volume
all_messages_refused()
{
	local ops="read, write, discard, write_zeroes, flush or zone"
	create dmp1 "$1"
	message_refused "message histogram needs a table with the feature latency" histogram
	message_refused "message histogram needs a table with the feature latency" histogram read
	dmsetup remove dmp1
	create dmp1 "$1" 0 1 latency
	message_refused "unknown message resets, expected reset or histogram [<operation>]" resets
	message_refused "unknown message RESET, expected reset or histogram [<operation>]" RESET
	message_refused "unknown message -1, expected reset or histogram [<operation>]" -- -1
	message_refused "message reset takes no argument" reset now
	message_refused "message reset takes no argument" reset read write
	message_refused "message histogram takes one operation at most" histogram read write
	message_refused "expected $ops, not reads" histogram reads
	message_refused "expected $ops, not total" histogram total
	dmsetup remove dmp1
}
