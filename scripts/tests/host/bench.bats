#!/usr/bin/env bats
# What dmp costs, as scripts/bench measures it.

bats_require_minimum_version 1.5.0

setup()
{
	cd "$BATS_TEST_DIRNAME/../../.." || return
	table=scripts/lib/bench-table.awk
}

# table ARGUMENT...: the table of rows on standard input
table()
{
	awk "$@" -f "$table"
}

@test "requests and idle volumes take no more instructions than they may" {
	run -0 scripts/bench --check
	printf '%s\n' "$output" | sed 's/^/# /' >&3
	[[ $output == *"dmp: "*" instructions over dm-linear, at most 55 are allowed"* ]]
	[[ $output == *"dmp+latency: "*" instructions over dm-linear, at most 195 are allowed"* ]]
	[[ $output == *"no instruction of dmp_map "*" locks memory"* ]]
	[[ $output == *"dmpstat: "*" instructions for each idle volume, at most 15000 are allowed"* ]]
}

@test "the table of costs" {
	rows=$'read linear 7000.0\nread dmp 7053.4\nflush linear 9000.0\nflush dmp 8999.0'
	text=$(table -v table=cost <<<"$rows" | tail -n +3)
	diff <(expand <<<"$text" | sed 's/ *$//') - <<-'END'
		                              read             flush
		linear                 7000              9000
		dmp                    7053    +53       8999     -1
	END
	table -v table=cost -v json=1 <<<"$rows" | grep -qxF \
		'    {"workload": "read", "device": "dmp", "instructions": 7053.4, "over_linear": 53.4},'
}

@test "medians of ratios of ratios" {
	# dmp's growth is 1.1, 1.2 and 9, dm-linear's 1, 1 and 1.5
	rows=$'1 linear 1 100\n1 linear 2 100\n1 dmp 1 100\n1 dmp 2 110
		2 linear 1 200\n2 linear 2 200\n2 dmp 1 100\n2 dmp 2 120
		3 linear 1 200\n3 linear 2 300\n3 dmp 1 100\n3 dmp 2 900'
	text=$(table -v table=cpus <<<"$rows")
	[[ $text == *"medians of 3 rounds"* ]]
	[[ $text == *"dmp "*" 1.200   1.200  ("* ]]
}

@test "growth for each volume" {
	rows=$'linear 1 1 create 10\nlinear 4 1 create 20\nlinear 4 1 memory 8
		dmp 1 1 create 12\ndmp 4 1 create 26\ndmp 4 1 volumes 7\ndmp 4 16 create 30'
	text=$(table -v table=growth <<<"$rows" | tr -s ' ')
	[[ $text == *$'\n1 10.00 12.00\n4 5.00 6.50\n'* ]]
	[[ $text == *$'\n4 2.00 -\n'* ]]
	[[ $text == *"in all"*$'\n4 - 7.00'* ]]
	[[ $text == *$'\n4, 16 CPUs - 7.50'* ]]
}

@test "the longest request of a reload" {
	rows=$'attach 1 30000\nattach 2 50000\nattach 3 20000'
	text=$(table -v table=reload <<<"$rows" | tr -s ' ')
	[[ $text == *$'\nattach 30.0 50.0'* ]]
}

@test "JSON is JSON" {
	for name in cost arm64 cpus growth reload; do
		case $name in
		cost | arm64) rows=$'read linear 7000.0\nread dmp 7053.4' ;;
		cpus) rows=$'1 linear 1 100\n1 linear 2 100\n1 dmp 1 100\n1 dmp 2 110' ;;
		growth) rows=$'linear 1 1 create 10\ndmp 1 1 create 12\ndmp 1 4 memory 8' ;;
		reload) rows=$'attach 1 30000\nattach 2 50000' ;;
		esac
		{
			printf '{'
			table -v table="$name" -v json=1 <<<"$rows"
			printf '}'
		} | python3 -m json.tool | grep -q "\"$name\""
	done
}
