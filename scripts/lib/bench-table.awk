# Print a table of scripts/bench from the rows that scripts/lib/bench-init printed:
# -v table=cost|cpus|growth|reload|arm64, and -v json=1 for JSON instead of text.

# the labels of rows and columns, in the order of their first use
function row(name) { if (!(name in rowed)) { rowed[name]; rows[++nr_rows] = name } }
function column(name) { if (!(name in columned)) { columned[name]; columns[++nr_columns] = name } }

function item(text) { printf "%s\n    {%s}", (items++ ? "," : ""), text }

# a quantile of the first n values of a list (share: 0 to 1); sorts the list
function quantile(list, n, share,    i, j, t)
{
	for (i = 2; i <= n; i++)
		for (j = i; j > 1 && list[j] < list[j - 1]; j--) {
			t = list[j]
			list[j] = list[j - 1]
			list[j - 1] = t
		}
	return list[int((n - 1) * share + 1.5)]
}

function header(title, width,    j)
{
	printf "%s\n\n%-16s", title, ""
	for (j = 1; j <= nr_columns; j++)
		printf "%*s", width, columns[j]
	print ""
}

table ~ /^(cost|arm64)$/ {
	column($1)
	row($2)
	cost[$2, $1] = $3
}

table == "cpus" {
	row($2)
	ms[$1, $2, $3] = $4
	if ($1 > rounds)
		rounds = $1
}

# fields: device, volumes, CPUs, quantity, value
table == "growth" {
	column($1)
	row($2 " " $3)
	if (!($4 in seen)) {
		seen[$4]
		measured[++nr_measured] = $4
	}
	growth[$4, $2 " " $3, $1] = $5
}

table == "reload" {
	row($1)
	us[$1, $2] = $3
	if ($2 > rounds)
		rounds = $2
}

function cost_text(    i, j, over)
{
	header("Instructions of a request" (table == "arm64" ? " on arm64" : "") \
		", and difference to dm-linear", 18)
	for (i = 1; i <= nr_rows; i++) {
		printf "%-16s", rows[i]
		for (j = 1; j <= nr_columns; j++) {
			over = cost[rows[i], columns[j]] - cost["linear", columns[j]]
			printf "%11.0f%7s", cost[rows[i], columns[j]],
				rows[i] == "linear" ? "" : sprintf("%+.0f", over)
		}
		print ""
	}
}

function cost_json(    i, j, n)
{
	for (j = 1; j <= nr_columns; j++)
		for (i = 1; i <= nr_rows; i++) {
			n = cost[rows[i], columns[j]]
			item(sprintf("\"workload\": \"%s\", \"device\": \"%s\", \"instructions\": %.1f, \"over_linear\": %.1f",
				columns[j], rows[i], n, n - cost["linear", columns[j]]))
		}
}

function cpus_row(kind,    i, growth, ratio)
{
	for (i = 1; i <= rounds; i++) {
		growth[i] = ms[i, kind, 2] / ms[i, kind, 1]
		ratio[i] = growth[i] / (ms[i, "linear", 2] / ms[i, "linear", 1])
	}
	median = quantile(growth, rounds, 0.5)
	over = quantile(ratio, rounds, 0.5)
	low = quantile(ratio, rounds, 0.25)
	high = quantile(ratio, rounds, 0.75)
}

function cpus_text(    i)
{
	printf "Ratio of the time of a request on two CPUs to that on one, and to dm-linear's ratio\n"
	printf "(medians of %d rounds in turn, and quartiles)\n\n", rounds
	for (i = 1; i <= nr_rows; i++) {
		cpus_row(rows[i])
		printf "%-16s%8.3f%8.3f  (%.3f to %.3f)\n", rows[i], median, over, low, high
	}
}

function cpus_json(    i)
{
	for (i = 1; i <= nr_rows; i++) {
		cpus_row(rows[i])
		item(sprintf("\"device\": \"%s\", \"rounds\": %d, \"two_over_one\": %.4f, \"over_linear\": %.4f, \"quartiles\": [%.4f, %.4f]",
			rows[i], rounds, median, over, low, high))
	}
}

# the value for each volume, except for what there is once for all
function each(what, name, kind,    part)
{
	split(name, part)
	return growth[what, name, kind] / (what ~ /^(volumes|rss)$/ ? 1 : part[1])
}

function growth_text(    w, i, j, k, titles, part)
{
	titles["create"] = "Create: thousand instructions for each volume"
	titles["status"] = "Read by dmsetup status, or dmstats print: thousand instructions for each volume"
	titles["files"] = "Read all files in sysfs: thousand instructions for each volume"
	titles["reqs"] = "Read read/reqs in sysfs: thousand instructions for each volume"
	titles["total"] = "Read total/reqs in sysfs: thousand instructions for each volume"
	titles["stat"] = "Read stat in sysfs: thousand instructions for each volume"
	titles["volumes"] = "Read /sys/module/dmp/stat/volumes: thousand instructions in all"
	titles["report"] = "A report each second, by dmpstat or dmstats report, all volumes idle: thousand instructions for each volume"
	titles["all"] = "The same by dmpstat -a, which shows idle volumes: thousand instructions for each volume"
	titles["rss"] = "Memory of dmpstat or dmstats report: KiB in all"
	titles["remove"] = "Remove: microseconds for each volume, most of which is waiting"
	titles["memory"] = "Memory: KiB for each volume"
	titles["percpu"] = "Per-CPU memory, part of the memory above: KiB for each volume and CPU"
	for (w = 1; w <= nr_measured; w++) {
		k = measured[w]
		if (w > 1)
			print ""
		header(titles[k], 16)
		for (i = 1; i <= nr_rows; i++) {
			split(rows[i], part)
			printf "%-16s", part[1] (part[2] == 1 ? "" : ", " part[2] " CPUs")
			for (j = 1; j <= nr_columns; j++)
				if ((k, rows[i], columns[j]) in growth)
					printf "%16.2f", each(k, rows[i], columns[j])
				else
					printf "%16s", "-"
			print ""
		}
	}
}

function growth_json(    w, i, j, part)
{
	for (w = 1; w <= nr_measured; w++)
		for (i = 1; i <= nr_rows; i++)
			for (j = 1; j <= nr_columns; j++)
				if ((measured[w], rows[i], columns[j]) in growth) {
					split(rows[i], part)
					item(sprintf("\"what\": \"%s\", \"volumes\": %d, \"cpus\": %d, \"device\": \"%s\", \"%s\": %.0f",
						measured[w], part[1], part[2], columns[j],
						measured[w] ~ /^(memory|percpu|rss)$/ ? "kib" : "us",
						growth[measured[w], rows[i], columns[j]]))
				}
}

function reload_row(name,    i, list)
{
	for (i = 1; i <= rounds; i++)
		list[i] = us[name, i]
	median = quantile(list, rounds, 0.5) / 1000
	longest = quantile(list, rounds, 1) / 1000
}

function reload_text(    i)
{
	printf "Longest latency of a thousand requests a second while a table is exchanged, in ms\n"
	printf "(median and longest of %d rounds)\n\n", rounds
	for (i = 1; i <= nr_rows; i++) {
		reload_row(rows[i])
		printf "%-24s%8.1f%8.1f\n", rows[i], median, longest
	}
}

function reload_json(    i)
{
	for (i = 1; i <= nr_rows; i++) {
		reload_row(rows[i])
		item(sprintf("\"switch\": \"%s\", \"rounds\": %d, \"median_ms\": %.3f, \"longest_ms\": %.3f",
			rows[i], rounds, median, longest))
	}
}

END {
	if (json)
		printf "  \"%s\": [", table
	if (table ~ /^(cost|arm64)$/)
		json ? cost_json() : cost_text()
	else if (table == "cpus")
		json ? cpus_json() : cpus_text()
	else if (table == "growth")
		json ? growth_json() : growth_text()
	else
		json ? reload_json() : reload_text()
	if (json)
		printf "\n  ]"
}
