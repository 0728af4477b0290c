#!/bin/sh
# Who includes whom: down only, and the stages meet in travel.c alone.

. "$(dirname "$0")/../bin/tap.sh"

# FILE: the headers that FILE.c and FILE.h may include, besides FILE.h itself.
# From the top down; a name stands above all that it includes.
rules='
chatmig:           create detect insert_reference register report migrate validate rollback ledger settings
serve:             serve_append serve_change serve_create serve_history serve_list
serve_create:      serve_id serve_input serve_sql serve_call identity
serve_append:      serve_place serve_id serve_input serve_sql serve_call
serve_place:       serve_input serve_sql serve_call
serve_statistics:  serve_list serve_input serve_sql
serve_list:        serve_history serve_input serve_sql serve_call
serve_history:     serve_input serve_sql serve_call
serve_change:      serve_input serve_sql serve_call
serve_id:          serve_input serve_call identity
serve_input:       serve_sql serve_call
serve_call:        serve_cache
serve_cache:       serve_target
serve_sql:         serve_target
serve_target:      columns field role_values vocabulary keys plan arguments ledger query caller
report:            migrate reference
migrate:           share travel accept read write_link write_reply target reference existing columns plan rows rights settings caller snapshot
share:             share_worker share_report travel read bulk send full_page caller
share_worker:      share_report travel plan ledger
share_report:      travel send
travel:            read split fit group write write_link write_mode send plan rows
accept:            sequence owner_table skip relation plan keys arguments query role
read:              read_query read_share json query plan rows
read_query:        read_share read_media read_metadata owner_table skip plan
read_share:        migration
json:
split:             split_transcript plan rows
split_transcript:  element times plan rows
element:           mapping
fit:               plan rows
group:             plan rows
write_link:        write write_conversation skip plan keys query
write_reply:       relation plan query
write:             write_conversation writer write_mode send leftover place relation sequence plan rows
write_conversation: writer relation session title query
writer:            bulk send insert media identity relation sequence columns write_mode plan rows
write_mode:
skip:              read_media relation plan
read_media:        plan
read_metadata:     plan
bulk:              bulk_page full_page row_check
bulk_page:         new_page full_page
new_page:
send:              full_page row_check
full_page:
row_check:
insert_reference:  insert
insert:            query
title:             plan rows
leftover:          session plan rows
media:             rows
session:           rows
place:             relation plan query
sequence:          relation plan keys query
target:            reindex proof reference relation columns plan query caller
reindex:           keys query
proof:             columns plan
reference:         defer keys plan query caller
identity:          hash128 rows
times:
fingerprint:       hash128
validate:          validation validate_checks caller
validate_snapshot: snapshot validation rights ledger
validate_mapping:  validation caller
validate_trace:    validation
validate_survey:   validate_order validate_digest validate_sql validation
validate_summary:  validate_summary_sql validate_hash validate_sql validation summary
validate_summary_sql: validate_digest validate_hash validate_sql plan ledger
validate_order:    validate_digest mapping
validate_digest:   validate_compare validate_hash plan hash128
validate_hash:     validate_sql plan
validate_legacy:   validate_transcript validate_sql validation
validate_messages: relation validate_transcript validate_compare validate_walk
validate_walk:     validate_conversation validate_describe validate_rows validation
validate_conversation: relation validation
validate_describe: validate_rows validation
validate_rows:
validate_neighbours: validate_sql validation
validate_metadata: validate_compare
validate_media:    relation validate_compare
validate_compare:  relation columns validate_sql validation
validate_references: validation
validate_owners:   relation validate_sql validation keys
validate_tables:   validation
validate_target:   validation
validate_definition: validation
validate_duplicates: validate_sql relation validation
validate_ledger:   validation
validate_time:     validate_sql ledger
validate_transcript: validate_sql plan
validate_sql:      plan role
validation:        validate_checks plan query
validate_checks:
summary:           hash128
hash128:
rollback:          rollback_check rollback_copy rollback_link rollback_find rollback_state destination defer rights ledger query caller snapshot
rollback_copy:     rollback_check rollback_find plan arguments
rollback_check:    rollback_link rollback_find rollback_state ledger query snapshot
rollback_link:     rollback_find rollback_state keys query caller
rollback_find:     rollback_state arguments query
rollback_state:    destination ledger
register:          amend profile draft plan options arguments ledger caller
profile:           detect arguments mapping ledger caller
amend:             arguments mapping ledger
draft:             detect epoch keys arguments mapping role
create:            detect difference ledger caller
survey:            detect ledger
detect:            confidence evidence suit subject vocabulary detection mapping arguments
evidence:          sample witness suit subject vocabulary role
sample:
witness:           transcript_path epoch subject
transcript_path:   role
suit:              subject vocabulary
confidence:        subject vocabulary
subject:           vocabulary detection
detection:         mapping
epoch:             query
difference:        query
plan:              plan_target plan_check migration keys options rights query caller
plan_target:       ledger link owner_table plan_check existing relation columns role_values vocabulary field migration snapshot
plan_check:        migration query arguments
link:              existing keys migration
owner_table:       keys field vocabulary migration
existing:          existing_check keys vocabulary migration arguments
existing_check:    migration
relation:          columns migration
columns:           migration
role_values:       migration arguments query caller
migration:         destination options ledger mapping
destination:       field arguments
field:             ledger mapping
vocabulary:        mapping
keys:
defer:             query
snapshot:          query
options:           arguments mapping
rows:              mapping
mapping:           media_keys part_type role arguments
part_type:
media_keys:        arguments
rights:            ledger caller
ledger:            ledger_access ledger_definition query
ledger_definition:
ledger_access:     query caller
arguments:
role:
query:
caller:
settings:
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
