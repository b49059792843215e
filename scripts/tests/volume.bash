# shellcheck shell=bash
# What the tests of a volume's directory in sysfs share.

write_4k()
{
	dd if=/dev/zero of="/dev/mapper/$1" bs=4k count="$2" oflag=direct status=none
}

read_4k()
{
	dd if="/dev/mapper/$1" of=/dev/null bs=4k count="$2" iflag=direct status=none
}

# zero: the volume zero1, which reads as zeroes, for dmp volumes over it
zero()
{
	dmsetup create zero1 --table "0 2097152 zero"
}

# dirs NAME: the directories, one line each with the files in them
dirs()
{
	local dir
	for dir in "$(sysfs "$1")"/dmp/*/; do
		echo "$(basename "$dir"): $(cd "$dir" && echo *)"
	done
}

# each_op FILES: what dirs should print
each_op()
{
	local op
	for op in discard flush read total write write_zeroes zone; do
		echo "$op: $1"
	done
}

without_latency()
{
	each_op "avg_size bytes errors reqs size_hist"
}

with_latency()
{
	each_op "avg_size bytes errors latency_hist latency_ns reqs size_hist"
}
