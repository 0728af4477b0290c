#!/usr/bin/env python3
"""Chat rows for COPY ... FROM STDIN, the same for the same ROWS and SEED.

    generate.py ROWS USERS [SEED]

Writes question and answer pairs in the order in which an application would have
written them: by time, all users mixed. A user comes back for sessions of some
pairs each. Most texts are short; one answer in a hundred is longer than 2 kB, up
to 40 kB, so that the server keeps it out of line. A third of the rows has
metadata. In one row of 100 a half is missing or empty, in one of 1,000 both are.
"""
import random
import sys

WORDS = """the a to of and in is you that it for on with as this be are have can how
what when please my your not code table server error time день file function value
list first then would make sure because example result user question answer explain
between different number write change check data query index model train café small
large never always before after without every other problem solution 你好 thanks
maybe exactly version install update remove again works still 🙂 memory process
network request response string return object class module""".split()

COLUMNS = "id user_id session_id message response model metadata timestamp"


def make_pool(rng, characters):
    """Text of many words, of which every slice is a text."""
    words = []
    length = 0
    while length < characters:
        word = rng.choice(WORDS)
        if rng.random() < 0.08:
            word = "%x" % rng.getrandbits(rng.choice((16, 32, 48)))
        words.append(word)
        length += len(word) + 1
    return " ".join(words)


def text(rng, pool, length):
    start = int(rng.random() * (len(pool) - length))
    return pool[start:start + length]


def main():
    rows, users = int(sys.argv[1]), int(sys.argv[2])
    rng = random.Random(int(sys.argv[3]) if len(sys.argv) > 3 else 1)
    pool = make_pool(rng, 2_000_000)
    start = 1_672_531_200.0  # 2023-01-01
    step = 500 * 86400 / rows
    open_sessions = {}  # user -> [session, pairs left]
    sessions = 0
    # a tenth of the users is there most of the time
    busy = max(users // 10, 1)
    write = sys.stdout.write
    for i in range(1, rows + 1):
        r = rng.random()
        user = 1 + int(rng.random() * (busy if r < 0.4 else users))
        session = open_sessions.get(user)
        if session is None or session[1] == 0:
            sessions += 1
            session = open_sessions[user] = [
                "%08x-%012x" % (sessions, rng.getrandbits(48)),
                1 + min(int(rng.expovariate(1 / 7)), 60)]
        session[1] -= 1
        question = text(rng, pool, 4 + min(int(rng.lognormvariate(3.9, 0.8)), 1900))
        r = rng.random()
        if r < 0.01:
            answer = text(rng, pool, min(2100 + int(rng.expovariate(1 / 5000)), 40000))
        else:
            answer = text(rng, pool, 2 + min(int(rng.lognormvariate(5.2, 0.8)), 1900))
        r = rng.random()
        if r < 0.001:
            question, answer = "\\N", ""
        elif r < 0.006:
            answer = "\\N"
        elif r < 0.011:
            question = ""
        r = rng.random()
        metadata = "\\N"
        if r < 1 / 3:
            metadata = '{"lang": "%s", "latency_ms": %d, "tags": ["%s"]}' % (
                rng.choice(("en", "de", "fr", "zh")), int(r * 9000),
                rng.choice(WORDS))
        at = start + i * step
        day, second = divmod(int(at), 86400)
        write("%d\t%d\t%s\t%s\t%s\t%s\t%s\t%s\n" % (
            i, user, session[0], question, answer,
            "gpt-4" if r < 0.7 else "gpt-3.5-turbo", metadata,
            stamp(day, second, int(at * 1000) % 1000)))


DAYS = {}


def stamp(day, second, millisecond):
    if day not in DAYS:
        import datetime
        DAYS[day] = (datetime.date(1970, 1, 1) + datetime.timedelta(day)).isoformat()
    return "%s %02d:%02d:%02d.%03d" % (DAYS[day], second // 3600, second // 60 % 60,
                                       second % 60, millisecond)


main()
