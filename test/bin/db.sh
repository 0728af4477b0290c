# Sourced, after tap.sh, by the scripts in test/t that need databases.

scratch=$(mktemp -d "${TMPDIR:-/tmp}/chatmig-test.XXXXXX")
chmod 755 "$scratch"
databases=
trap 'rm -rf "$scratch"; drop $databases' EXIT

drop()
{
	for db in "$@"; do
		dropdb --if-exists --force "$db" 2>/dev/null
	done
}

# fresh DATABASE...: makes each one empty, for as long as the script runs
fresh()
{
	for db in "$@"; do
		drop "$db"
		createdb -T template0 "$db"
		databases="$databases $db"
	done
}

# sql DATABASE [STATEMENTS]: runs them, or standard input; prints rows, with |
# between columns. Notices are not shown. Fails where a statement does.
sql()
{
	if [ $# -gt 1 ]; then
		PGOPTIONS='-c client_min_messages=warning' \
			psql -X -q -A -t -v ON_ERROR_STOP=1 -d "$1" -c "$2"
	else
		PGOPTIONS='-c client_min_messages=warning' \
			psql -X -q -A -t -v ON_ERROR_STOP=1 -d "$1" -f -
	fi
}

# sqlstate DATABASE STATEMENTS: the SQLSTATE of the error in them, or nothing
sqlstate()
{
	PGOPTIONS='-c client_min_messages=error' \
		psql -X -q -A -t -v VERBOSITY=sqlstate -d "$1" -c "$2" 2>&1 >/dev/null |
		sed -n 's/^.*ERROR: *//p'
}

# content DATABASE SCHEMA...: for each table there its name, number of rows and
# a checksum of them, ordered
content()
{
	db=$1
	shift
	sql "$db" <<-SQL
		SELECT format('SELECT %L, count(*), md5(string_agg(t::text, E''\\n'' ORDER BY t::text COLLATE "C")) FROM %s AS t',
		              c.oid::regclass, c.oid::regclass)
		FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
		WHERE c.relkind IN ('r', 'p', 'v', 'm') AND n.nspname IN ($(quoted "$@"))
		ORDER BY c.oid::regclass::text COLLATE "C"
		\gexec
	SQL
}

# quoted WORD...: 'WORD', ...
quoted()
{
	list=
	for word in "$@"; do
		list="${list:+$list, }'$word'"
	done
	printf '%s' "$list"
}

# dump DATABASE [OPTION...]: pg_dump as text, without the key that differs from
# dump to dump
dump()
{
	db=$1
	shift
	pg_dump -d "$db" "$@" >"$scratch/dump" &&
		sed -E '/^\\(un)?restrict /d' "$scratch/dump"
}
