#!/bin/sh
# The library exports what the server calls and nothing that another extension
# could trip over.

. "$(dirname "$0")/../bin/tap.sh"

defined=$(nm -D --defined-only chatmig.so | awk '{print $NF}')
foreign=$(printf '%s\n' "$defined" |
	grep -Ev '^(chatmig_[a-z0-9_]+|pg_finfo_chatmig_[a-z0-9_]+|Pg_magic_func|_PG_init)$' || true)

ok "chatmig.so is there, and exports something" [ -n "$defined" ]
none "$foreign" "chatmig.so exports only chatmig_* and what the server looks for"
done_testing
