"""The table of a history's owners, and another one whose rows are linked to
conversations. Some owners have no messages."""

import random

from civil import civil
from rows import comparable
from text import ident, literal

TABLE = "people"
LINKED = "linked"


class OwnerRow:
    """As a legacy row without a message."""

    def __init__(self, value, created, updated):
        self.value = value
        self.created = created      # microseconds, or None
        self.updated = updated

    def part(self, name):
        return self.value if name == "owner" else None


class Owners:
    """Draws from a generator of its own: what else a seed makes stays."""

    def __init__(self, history):
        r = random.Random(f"{history.seed} owners")
        self.history = history
        column = history.parts["owner"]
        extra = {"int": ["77", "78"], "bigint": ["77"], "uuid":
                 ["00000000-0000-4000-8000-000000000077"], "text": ["Zoe", "{x}"],
                 "varchar(20)": ["Zoe"], "numeric": ["77.10"], "date":
                 ["1999-12-31"], "bool": ["t", "f"], "float8": ["77.5"]}
        self.rows = []
        seen = set()
        for value in history._pools["owner"] + extra[column.type]:
            same = comparable(column.type, value)
            if value is None or same in seen:
                continue
            seen.add(same)
            begins = 1700000000 * 10**6 + r.randint(0, 10**12)
            self.rows.append(OwnerRow(
                value, r.choice([None, begins, begins, begins]),
                r.choice([None, begins + 1, begins + 10**10])))
        self.get_conversations = r.random() < 0.7
        self.links = []             # owners of the rows that can be linked
        if not self.get_conversations or r.random() < 0.5:
            self.links = [r.choice(self.rows).value for _ in range(3)] + [None]

    def qualified(self, table):
        return f"{ident(self.history.schema)}.{ident(table)}"

    def create(self):
        """SQL that goes before the legacy table."""
        column = self.history.parts["owner"]

        def time(value):
            return "NULL" if value is None else f"'{civil(value)}+00'"
        rows = ", ".join(
            f"({literal(row.value)}, {time(row.created)}, {time(row.updated)})"
            for row in self.rows)
        return (f"CREATE TABLE {self.qualified(TABLE)} (key {column.type}"
                f"{column.collation} PRIMARY KEY, created_at timestamptz, "
                "updated_at timestamptz);\n"
                f"INSERT INTO {self.qualified(TABLE)} VALUES {rows};")

    def create_linked(self):
        """... and behind it."""
        column = self.history.parts["owner"]
        kind = self.history.options.get("id_type", "uuid")
        rows = ", ".join(f"({n}, {literal(owner)})"
                         for n, owner in enumerate(self.links))
        return (f"CREATE TABLE {self.qualified(LINKED)} (id int PRIMARY KEY, "
                f"owner {column.type}{column.collation}, "
                f"conversation {kind});\n"
                f"INSERT INTO {self.qualified(LINKED)} VALUES {rows};"
                if self.links else "")

    def references(self):
        return f" REFERENCES {self.qualified(TABLE)}"

    def options(self):
        return {"empty_owners": True} if self.get_conversations else {}

    def target(self):
        return {"links": [{"table": LINKED, "owner": "owner",
                           "conversation": "conversation"}]} \
            if self.links else {}

    def links_now(self, session):
        """id -> conversation, or None."""
        if not self.links:
            return {}
        return dict(session.one(
            "SELECT json_agg(json_build_array(id, conversation::text)) "
            f"FROM {self.qualified(LINKED)};"))

    def wrong_links(self, before, now, state):
        """What is not as it must be: a row keeps its conversation; one that has
        none gets its owner's with the latest activity, if there is any."""
        type_ = self.history.parts["owner"].type
        wrong = []
        for n, owner in enumerate(self.links):
            theirs = [c for c in state.conversations.values()
                      if owner is not None and c["the_owner"] is not None
                      and comparable(type_, c["the_owner"])
                      == comparable(type_, owner)]
            if before.get(n) is not None:
                allowed = {before[n]}
            elif not theirs:
                allowed = {None}
            else:
                latest = max(map(activity, theirs))
                allowed = {c["id"] for c in theirs if activity(c) == latest}
            if now[n] not in allowed:
                wrong.append((n, owner, now[n], allowed))
        return wrong


def activity(conversation):
    at = conversation["updated_at"]
    return float("-inf") if at is None else float(at), at is not None
