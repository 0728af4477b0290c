#!/bin/sh
# Who includes whom: down only, and the stages meet in migrate.c alone.

. "$(dirname "$0")/../bin/tap.sh"

# FILE: the headers that FILE.c and FILE.h may include, besides FILE.h itself.
# From the top down; a name stands above all that it includes.
rules='
chatmig:   detect register plan migrate validate rollback ledger mapping caller
migrate:   read split group write ledger plan mapping rows caller
read:      plan mapping rows
split:     plan mapping rows
group:     plan mapping rows
write:     plan mapping rows
validate:  ledger plan mapping caller
rollback:  ledger plan mapping caller
register:  detect ledger plan mapping caller
ledger:    plan mapping caller
plan:      mapping rows caller
detect:    mapping
mapping:
rows:
caller:
compat:
'
# Any file may include these.
everywhere='compat'

# "FILE HEADER" a line, for each include of one of our headers
includes=$(for file in src/*.[ch]; do
	name=${file#src/} name=${name%.*}
	sed -n 's/^#include *"\([a-z_]*\)\.h".*/\1/p' "$file" | while read -r header; do
		[ -e "src/$header.h" ] && [ "$header" != "$name" ] && echo "$name $header"
	done || true
done | LC_ALL=C sort -u)

violations=$(printf '%s\n---\n%s\n' "$rules" "$includes" | awk -v everywhere="$everywhere" '
	/^---$/ { rules_end = 1; n = split(everywhere, all); for (i = 1; i <= n; i++) free[all[i]]; next }
	NF == 0 { next }
	!rules_end { sub(/:$/, "", $1); for (i = 2; i <= NF; i++) may[$1, $i]; known[$1]; next }
	!($1 in known) { print $1 " is not in the rules"; next }
	!($2 in free) && !(($1, $2) in may) { print $1 " includes " $2 }')

upward=$(printf '%s\n' "$rules" | awk '
	NF == 0 { next }
	{ sub(/:$/, "", $1); seen[$1]; for (i = 2; i <= NF; i++) if ($i in seen) print $1 " may include " $i ", which stands above it" }')

unknown=$(for file in src/*.[ch]; do
	name=${file#src/} name=${name%.*}
	printf '%s\n' "$rules" | grep -q "^$name:" || echo "$file"
done)

none "$unknown" "every file has its place in the rules"
none "$upward" "the rules point down only"
none "$violations" "every include is one that the rules allow"
done_testing
