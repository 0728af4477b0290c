#!/bin/sh
# Which of the tables of test/sql/summary.sql need no survey. What validate finds
# in them is in expected/summary.out; how it came to it, it says at DEBUG1.

. "$(dirname "$0")/../bin/tap.sh"
. "$(dirname "$0")/../bin/db.sh"

file=test/sql/summary.sql
said=$scratch/said
fresh chatmig_summary
PGOPTIONS='-c client_min_messages=debug1' \
	psql -X -q -d chatmig_summary -f "$file" >"$said.out" 2>"$said" || true

# "TITLE: so often it holds (with suspects), so often it does not"
routes=$(awk '
	FNR == NR {
		if (/^-- / && last == "--" && before == "") title = substr($0, 4)
		before = last; last = $0; titles[FNR] = title; next
	}
	match($0, /^psql:[^:]*:[0-9]+: DEBUG:  validate: summary /) {
		split($0, part, ":")
		title = titles[part[3]]
		if (!(title in seen)) order[++n] = title
		seen[title]
		suspects = $0; sub(/.*: /, "", suspects)
		if ($0 ~ /does not hold/) no[title]++
		else if (suspects > 0) some[title]++
		else yes[title]++
	}
	END { for (i = 1; i <= n; i++) { t = order[i]; print t ": " yes[t] + 0 ", " some[t] + 0 ", " no[t] + 0 } }
' "$file" "$said")

is "$routes" 'What a clean table is: 8, 0, 0
Life goes on: the application'"'"'s own messages and conversations, and new legacy rows: 13, 0, 0
One fault at a time: none of them is clean, and each is found: 0, 1, 63
Messages of one time: keys decide, and the conversations are looked at: 0, 4, 2' \
	"clean tables hold, those with ties have suspects, no other table holds"
done_testing
