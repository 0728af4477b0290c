#!/usr/bin/env python3
"""Measures chatmig and its rivals in turn, beside a server of their own.

    measure.py FOLDER        (ROWS, USERS, RUNS in the environment)

Prints a table and leaves results.md, results.svg and results.json in FOLDER.
Each run has all of them once, one after the other, so that what else the machine
does hits them alike; a ratio is the median of the runs' ratios. One run before the
others does not count: whoever comes first would be alone in waiting for memory
that has not been used yet. What they leave is compared in each run; a difference
stops everything.
"""
import json
import os
import statistics
import sys

import chart
import scripts
from meter import call, machine, measure
from pq import Connection
from source import fill, sql

ROWS = int(os.environ.get("ROWS", 1_000_000))
USERS = int(os.environ.get("USERS", max(ROWS // 50, 1)))
RUNS = int(os.environ.get("RUNS", 3))
SAMPLE = min(ROWS, 20_000)
ORDINARY = min(ROWS, 100_000)
DB = "bench"
FIRST = -2  # the run that does not count


def say(text):
    print(text, flush=True)


# --- who takes part ----------------------------------------------------------

def rival(name):
    def work(connection):
        connection.script(sql(name))
        connection.script(sql("keys"))
    return work


def on_sample(load):
    def work(connection):
        connection.script(sql("tables"))
        connection.script(sql("keys").split("ANALYZE")[0])
        load(connection, SAMPLE)
    return work


def loop(connection, sample):
    connection.execute(sql("loop", sample=sample))


PARTS = [  # name, what it is, work, on a sample
    ("plan", "chatmig_plan", call("SELECT chatmig_plan('chat_messages')"), False),
    ("migrate", "**chatmig_migrate**",
     call("SELECT chatmig_migrate('chat_messages')"), False),
    ("validate", "chatmig_validate", call("SELECT chatmig_validate('chat_messages')"),
     False),
    ("floor", "copy of the finished tables, same keys and indexes",
     rival("floor"), False),
    ("set_based", "set-based SQL", rival("set_based"), False),
    ("scan", "one sequential scan of the old table",
     call("SELECT count(*), sum(length(message)) FROM chat_messages"), False),
    ("rollback", "chatmig_rollback", call("SELECT chatmig_rollback('chat_messages')"),
     False),
    ("rows", "script, one INSERT each", on_sample(scripts.row_by_row), True),
    ("batches", "script, INSERTs of 1,000 rows", on_sample(scripts.in_batches), True),
    ("loop", "PL/pgSQL loop", on_sample(loop), True)]


# --- preparing and checking --------------------------------------------------

def script(name, **values):
    """Runs a file in sql/ in a backend of its own."""
    connection = Connection(DB)
    connection.script(sql(name, **values))
    connection.close()


def begin_rival():
    connection = Connection(DB)
    connection.execute("DROP SCHEMA IF EXISTS rival CASCADE; CREATE SCHEMA rival")
    connection.close()


def contents(schema):
    connection = Connection(DB)
    connection.execute("SET search_path = %s, public" % schema)
    connection.execute("SET work_mem = '256MB'")
    rows = connection.execute(sql("contents"))[0]
    structure = [row[0] for row in connection.execute(sql("structure"))]
    connection.close()
    return rows, structure


def sample_contents():
    """What chatmig leaves of the first rows, in the rivals' schema."""
    begin_rival()
    connection = Connection(DB)
    connection.script(sql("sample", sample=SAMPLE))
    found = contents("rival")
    connection.execute("SELECT chatmig_rollback('sample')")
    connection.execute("SELECT chatmig_unregister('sample')")
    connection.close()
    return found


def compare(name, expected, found):
    if expected == found:
        return
    say("%s left something else:" % name)
    for a, b in zip(expected[0], found[0]):
        say("  %s %s" % (a, b))
    for line in sorted(set(expected[1]) ^ set(found[1])):
        say("  " + ("- " if line in expected[1] else "+ ") + line)
    sys.exit(1)


def check_valid():
    connection = Connection(DB)
    connection.execute("SELECT chatmig_assert_valid('chat_messages')")
    connection.close()


# --- the ordinary path -------------------------------------------------------

def ordinary():
    """Filling tables that exist, against INSERT ... SELECT of rows that lie ready, and
    from the old table."""
    script("ordinary", rows=ORDINARY)
    result = {"ordinary": measure(DB, call("SELECT chatmig_migrate('first_messages')"))}
    expected = ordinary_contents()
    script("ordinary_copy")
    for name, work in (("ordinary_insert", insert_ready),
                       ("ordinary_plain", insert_from_old),
                       ("ordinary_set_based", insert_from_old_with_trace)):
        script("ordinary_empty")
        result[name] = measure(DB, work)
        compare(name, expected, ordinary_contents())
    script("ordinary_end")
    return result


def insert_ready(connection):
    connection.execute(
        "INSERT INTO app.conversations SELECT * FROM app.conversations_copy; "
        "INSERT INTO app.messages SELECT * FROM app.messages_copy")


def insert_from_old(connection):
    connection.script(sql("ordinary_set_based", fingerprint="NULL::bigint"))


def insert_from_old_with_trace(connection):
    connection.script(sql("ordinary_set_based", fingerprint="hash_record_extended(s, 0)"))
    connection.script(sql("ordinary_trace"))


def ordinary_contents():
    connection = Connection(DB)
    rows = connection.execute(sql("ordinary_contents"))[0]
    connection.close()
    return rows, []


# --- reading a conversation's end --------------------------------------------

def buffers(connection, statement):
    plan = json.loads(connection.value(
        "EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) " + statement))[0]["Plan"]
    return plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]


def read_last(conversations=200):
    """Buffers that the last 50 messages take, in the old and the new table."""
    connection = Connection(DB)
    connection.execute("VACUUM messages")
    old = new = n = 0
    for id, user, session in connection.execute("""
            SELECT c.id, c.user_id, quote_literal(c.metadata ->> 'session_id')
            FROM conversations AS c
            JOIN (SELECT conversation_id, count(*) FROM messages GROUP BY 1
                  HAVING count(*) >= 50) AS m ON m.conversation_id = c.id
            ORDER BY c.id LIMIT %d""" % conversations):
        n += 1
        old += buffers(connection, """
            SELECT * FROM chat_messages WHERE user_id = %s AND session_id = %s
            ORDER BY "timestamp" DESC LIMIT 25""" % (user, session))
        new += buffers(connection, """
            SELECT * FROM messages WHERE conversation_id = '%s'
            ORDER BY "position" DESC LIMIT 50""" % id)
    connection.close()
    return {"buffers_old": old / max(n, 1), "buffers_new": new / max(n, 1)}


# --- all of it ---------------------------------------------------------------

def run(number):
    result = {"load": os.getloadavg()[0]}
    expected = sample = None
    left = {}
    # in every other run the set-based rival comes first
    for name, what, work, sampled in sorted(
            PARTS, key=lambda part: number % 2 == 1 and part[0] != "set_based"):
        if sampled and sample is None:
            sample = sample_contents()
        if name in ("floor", "set_based") or sampled:
            begin_rival()
        if name == "rollback" and number == FIRST:
            result.update(read_last())
        result[name] = measure(DB, work)
        say("  %-18s %8.2f s" % (name, result[name]["seconds"]))
        if name == "migrate":
            expected = contents("public")
        elif name in ("floor", "set_based"):
            left[what] = contents("rival")
        elif name == "validate":
            check_valid()
        elif sampled:
            compare(what, sample, contents("rival"))
    for what, found in left.items():
        compare(what, expected, found)
    begin_rival()
    result.update(ordinary())
    for name in ("ordinary", "ordinary_insert", "ordinary_plain", "ordinary_set_based"):
        say("  %-18s %8.2f s" % (name, result[name]["seconds"]))
    return result


def median(results, name, key="seconds"):
    return statistics.median(r[name][key] for r in results)


def ratio(results, name, of, scale=1):
    return statistics.median(
        scale * r[name]["seconds"] / r[of]["seconds"] for r in results)


def mb(number):
    return "%d" % round(number / 1e6)


def table(results, size, buffers_read):
    lines = ["%d pairs of %d users, %s MB; median of %d runs; load %.1f to %.1f." % (
        ROWS, USERS, mb(size), len(results), min(r["load"] for r in results),
        max(r["load"] for r in results)), machine(DB) + ".", "",
        "| | seconds | times `chatmig_migrate` | processor time, s | peak memory, MB"
        " | temporary files, MB | WAL, MB |", "|---|---|---|---|---|---|---|"]
    for name, what, work, sampled in PARTS:
        scale = ROWS / SAMPLE if sampled else 1
        seconds = scale * median(results, name)
        lines.append("| %s%s | %s | %.2f | %.1f | %s | %s | %s |" % (
            what, " (of %d rows, scaled)" % SAMPLE if scale > 1 else "",
            "%.1f" % seconds, ratio(results, name, "migrate", scale),
            scale * median(results, name, "cpu"),
            mb(median(results, name, "private")) if not sampled else "",
            mb(median(results, name, "temp")) if not sampled else "",
            mb(scale * median(results, name, "wal"))))
    lines += ["", "Processor time is that of the backend and its parallel workers. Peak "
              "memory is the backend's own, above its start and without shared "
              "buffers.", ""]
    lines.append("- Into tables that exist, with indexes and a trigger, %d pairs: %.2f s; "
                 "INSERT ... SELECT from the old table takes %.2f s (%.2f times as long), "
                 "with a trace %.2f s (%.2f); of the same rows that lie ready, without one, "
                 "%.2f s (%.2f)." % (
                     ORDINARY, median(results, "ordinary"),
                     median(results, "ordinary_plain"),
                     ratio(results, "ordinary_plain", "ordinary"),
                     median(results, "ordinary_set_based"),
                     ratio(results, "ordinary_set_based", "ordinary"),
                     median(results, "ordinary_insert"),
                     ratio(results, "ordinary_insert", "ordinary")))
    old, new = buffers_read["buffers_old"], buffers_read["buffers_new"]
    if new > 0:
        lines.append("- The last 50 messages of a conversation take %.1f buffers; of the old "
                     "table, %.1f (ratio %.2f)." % (new, old, new / old))
    return "\n".join(lines) + "\n"


def main():
    folder = sys.argv[1]
    os.makedirs(folder, exist_ok=True)
    size = fill(DB, ROWS, USERS)
    say("a run that does not count")
    buffers_read = run(FIRST)
    results = []
    for number in range(RUNS):
        say("run %d of %d" % (number + 1, RUNS))
        results.append(run(number))
    text = table(results, size, buffers_read)
    say("\n" + text)
    with open(os.path.join(folder, "results.md"), "w") as file:
        file.write(text)
    with open(os.path.join(folder, "results.json"), "w") as file:
        json.dump({"rows": ROWS, "runs": results}, file, indent=1)
    with open(os.path.join(folder, "results.svg"), "w") as file:
        file.write(chart.bars(
            "%s pairs into conversations: seconds" % format(ROWS, ","),
            [(what.replace("*", ""),
              (ROWS / SAMPLE if sampled else 1) * median(results, name),
              name in ("migrate", "plan", "validate", "rollback"))
             for name, what, work, sampled in PARTS]))


main()
