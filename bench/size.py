#!/usr/bin/env python3
"""Measures what a table's size costs: one large table against ten small ones.

    size.py FOLDER        (ROWS, RUNS in the environment; ROWS of a small table)

The large table has as many rows as the small ones together, so that the machine
reads, writes and holds as much for either: what a row takes longer in the large
one is what size costs chatmig. Each run has both, in turn the one or the other
first, so RUNS should be even. Before each of the small ones, but not in the midst of
the large one, there is a checkpoint and a second's pause, which do not count. Prints
a table and leaves size.md and size.json in FOLDER.
"""
import json
import os
import statistics
import subprocess
import sys

from meter import call, machine, measure
from pq import Connection
from source import fill

ROWS = int(os.environ.get("ROWS", 1_000_000))
RUNS = int(os.environ.get("RUNS", 4))
TABLES = 10
STEPS = ["plan", "migrate", "validate", "rollback"]
SMALL = ["small_%d" % i for i in range(TABLES)]
LARGE = ["large"]


def prepare():
    fill(SMALL[0], ROWS, max(ROWS // 50, 1))
    for db in SMALL[1:]:
        subprocess.run(["createdb", "--template", SMALL[0], db], check=True)
    fill(LARGE[0], ROWS * TABLES, max(ROWS * TABLES // 50, 1))


def check_valid(db):
    connection = Connection(db)
    connection.execute("SELECT chatmig_assert_valid('chat_messages')")
    connection.close()


def run(databases, is_checked):
    """Each step on all of them: seconds and processor time in all, the most memory."""
    result = {}
    for step in STEPS:
        each = []
        if step == "rollback" and is_checked:
            for db in databases:
                check_valid(db)
        for db in databases:
            each.append(measure(db, call("SELECT chatmig_%s('chat_messages')" % step)))
        result[step] = {"seconds": sum(one["seconds"] for one in each),
                        "cpu": sum(one["cpu"] for one in each),
                        "private": max(one["private"] for one in each)}
        print("  %-9s %8.2f s" % (step, result[step]["seconds"]), flush=True)
    return result


def run_both(number):
    result = {}
    sides = [("small", SMALL), ("large", LARGE)]
    for name, databases in sides if number % 2 == 0 else reversed(sides):
        print("run %d of %d, %s" % (number + 1, RUNS, name), flush=True)
        result[name] = run(databases, number == 0)
    return result


def median(results, side, step, key):
    return statistics.median(result[side][step][key] for result in results)


def ratios(results, step, key):
    return [result["large"][step][key] / result["small"][step][key] for result in results]


def table(results):
    lines = ["%d tables of %d pairs, and one of %d; median of %d runs." % (
        TABLES, ROWS, ROWS * TABLES, len(results)), machine(LARGE[0]) + ".", "",
        "| | small tables, s | large table, s | large : small | the same of processor time"
        " | peak memory, small, MB | large, MB |", "|---|---|---|---|---|---|---|"]
    for step in STEPS:
        seconds = ratios(results, step, "seconds")
        lines.append("| chatmig_%s | %.1f | %.1f | %.2f (%.2f to %.2f) | %.2f | %d | %d |" % (
            step, median(results, "small", step, "seconds"),
            median(results, "large", step, "seconds"),
            statistics.median(seconds), min(seconds), max(seconds),
            statistics.median(ratios(results, step, "cpu")),
            median(results, "small", step, "private") / 1e6,
            median(results, "large", step, "private") / 1e6))
    return "\n".join(lines) + "\n"


def main():
    folder = sys.argv[1]
    os.makedirs(folder, exist_ok=True)
    prepare()
    results = [run_both(number) for number in range(RUNS)]
    text = table(results)
    print("\n" + text, flush=True)
    with open(os.path.join(folder, "size.md"), "w") as file:
        file.write(text)
    with open(os.path.join(folder, "size.json"), "w") as file:
        json.dump({"rows": ROWS, "tables": TABLES, "runs": results}, file, indent=1)


main()
