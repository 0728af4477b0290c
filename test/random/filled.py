"""A history whose new tables the application has made already, and in which it
may have written."""

import faults
from civil import DAY, civil
from failure import expect
from oracle import Oracle
from rows import Row, comparable
from state import State
from text import literal

MINUTE = 60 * 10**6


class Filled:
    def __init__(self, trial):
        self.trial = trial
        self.history = trial.history
        self.session = trial.session
        self.layout = trial.layout
        self.random = trial.random
        self.app = []       # (owner, [(role, content, time)])
        trial.others = {"conversations": set(), "messages": set(),
                        "media": set()}

    def run(self):
        trial, h = self.trial, self.history
        self.session.run(self.layout.create())
        legacy = trial.add(h.batches[0])
        for _ in range(self.random.choice([0, 0, 1, 2])):
            self.talk()
        self.session.one(h.register(100000))
        trial.nothing_is_left()
        state = trial.migrate("first run", self.skips(False))
        self.again(state, False)
        for batch in h.batches[1:]:
            if self.random.random() < 0.3:
                self.talk()
            legacy = trial.add(batch)
            later = trial.migrate("later run", self.skips(False))
            trial.ids_stay(state, later)
            state = later
        if self.random.random() < 0.6:
            later = trial.migrate("forced run", self.skips(True),
                                  ", force => true")
            trial.ids_stay(state, later)
            state = later
            self.again(state, True)
        for fault in faults.choose(self.random, trial, state, 2):
            trial.plant(fault)
        self.roll_back()
        expect("the legacy table", trial.legacy(), legacy)
        trial.oracle = Oracle(h)
        trial.migrate("migrated again", self.skips(False))
        self.roll_back()

    # -- what the application does -------------------------------------------

    def talk(self):
        """A conversation of somebody, perhaps with what a legacy row says."""
        r, layout, h = self.random, self.layout, self.history
        owner = None
        rows = [self.row(values) for values in self.trial.rows]
        if "owner" in h.parts:
            owner = r.choice(h._pools["owner"])
        said = [("user", "app words", 1730000000 * 10**6)]
        for row in r.sample(rows, min(2, len(rows))):
            if not self.is_owner(row, owner) or row.is_empty() \
                    or row.codes() or h.shape == "transcript":
                continue
            row.time = row.own_time
            if row.time is None or abs(row.time) == float("inf") \
                    or row.time < DAY:
                continue
            apart = r.choice([0, 0, 30 * 10**6, -30 * 10**6, 600 * 10**6])
            said += [(m.role, m.content, row.time + apart)
                     for m in row.messages() if m.content]
        self.app.append((owner, said))
        columns, values = ["owner"], [literal(owner)]
        if "owner" not in h.parts:
            columns = values = []
        if self.layout.is_grouped:
            conversation = self.session.one(
                "SELECT to_json(gen_random_uuid()::text);")
            self.trial.others["conversations"].add(conversation)
        else:
            conversation = self.insert("conversations", columns, values)
        for role, content, time in said:
            columns = ["conversation", "role", "content", "created_at"]
            values = [literal(conversation), literal(layout.roles[role]),
                      literal(content), self.time(time)]
            if layout.has("messages", "position"):
                columns.append("position")
                values.append(str(said.index((role, content, time))))
            if layout.has("messages", "owner"):
                columns.append("owner")
                values.append(literal(owner))
            self.insert("messages", columns, values)

    def row(self, values):
        return Row(self.history, values)

    def time(self, time):
        text = literal(civil(time) + "+00") + "::timestamptz"
        if self.layout.times["messages"][0] == "timestamp":
            zone = self.history.options.get("time_zone", "UTC")
            text += f" AT TIME ZONE {literal(zone)}"
        return text

    def insert(self, part, fields, values):
        names = [self.layout.column(part, field) for field in fields]
        new_id = self.layout.new_id(part)
        if new_id:
            names = ["id"] + names
            names[0] = self.layout.column(part, "id")
            values = [new_id] + values
        what = f"({', '.join(names)}) VALUES ({', '.join(values)})" \
            if names else "DEFAULT VALUES"
        id_ = self.session.one(
            f"INSERT INTO {self.layout.qualified(part)} {what} "
            f"RETURNING to_json({self.layout.column(part, 'id')}::text);")
        self.trial.others[part].add(id_)
        return id_

    # -- what is left alone ----------------------------------------------------

    def is_owner(self, row, owner):
        column = self.history.parts.get("owner")
        return column is None or \
            comparable(column.type, row.part("owner")) == \
            comparable(column.type, owner)

    def skips(self, force):
        """Who has conversations there, and none of this migration, is skipped,
        unless forced; and what is there already, in any case."""
        made = [c.owner for c in self.trial.oracle.conversations]

        def skip(row):
            theirs = [said for owner, said in self.app
                      if self.is_owner(row, owner)]
            if not theirs:
                return False
            if not force and not any(self.is_owner(row, o) for o in made):
                return True
            if row.is_empty():
                return self.history.shape != "transcript"
            if row.codes() or self.history.shape == "transcript":
                return False
            return all(self.is_there(m, row.time, theirs)
                       for m in row.messages())
        return skip

    def is_there(self, message, time, theirs):
        # TODO: of flat rows, too, once chatmig compares their roles
        return any((role == message.role or self.history.shape == "flat")
                   and content == message.content
                   and time is not None
                   and abs(self.layout.rounded("messages", at) - time) <= MINUTE
                   for said in theirs for role, content, at in said)

    # -- steps -------------------------------------------------------------

    def again(self, state, force):
        trial = self.trial
        wanted, _ = trial.oracle.run(trial.rows, self.skips(force))
        expect("again: counts", trial.counts(
            "migrate", ", force => true" if force else ""), wanted)
        expect("again: migrated", wanted["migrated"], 0)
        expect("again: rows", State(trial).raw, state.raw)

    def roll_back(self):
        self.trial.roll_back()
        for part, ids in self.trial.others.items():
            if part in self.layout.tables:
                left = self.session.one(
                    "SELECT coalesce(json_agg(x), '[]') FROM (SELECT "
                    f"{self.layout.column(part, 'id')}::text AS x "
                    f"FROM {self.layout.qualified(part)}) AS y;")
                expect(f"{part} after the rollback", set(left), ids)
