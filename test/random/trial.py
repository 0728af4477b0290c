"""One history, through everything that can be done with a migration.

Each step raises Failure if what the extension makes is not what oracle.py says,
exactly, or if chatmig_validate() says anything that it must not say.
"""

import random

import faults
from compare import compare
from failure import Failure, expect
from filled import Filled
from oracle import Oracle
from rows import Row, parse_json
from state import State
from text import ident, literal

COUNTS = ["legacy_rows", "already", "migrated", "empty", "rejected",
          "skipped", "conversations", "messages", "media"]

# So that a first run has parallel workers, however few rows there are.
WORKERS = (("parallel_setup_cost", 0), ("min_parallel_table_scan_size", 0),
           ("max_parallel_workers_per_gather", 3))


class Trial:
    def __init__(self, history, session):
        self.history = history
        self.session = session
        self.name = literal(history.migration())
        self.layout = history.layout
        self.tables = {part: self.layout.qualified(part)
                       for part in self.layout.tables}
        self.rows = []
        self.oracle = Oracle(history)
        self.random = random.Random(history.seed)
        self.rejects = {}
        self.previewed = None
        self.deleted = 0    # legacy rows
        self.others = {}    # part -> ids of what the application has made
        self.links = {}     # row -> conversation, of rows that are linked
        self.foreign = 0    # messages that the new application has added

    def run(self):
        h = self.history
        self.session.run(h.set() + h.create())
        if self.layout.exists:
            Filled(self).run()
            return
        legacy = self.add(h.batches[0])
        self.register()
        self.preview()
        state = self.migrate("first run")
        self.again(state)
        for batch in h.batches[1:]:
            if self.random.random() < 0.2:
                self.add_foreign(state)
            if self.random.random() < 0.15:
                self.delete()
            legacy = self.add(batch)
            later = self.migrate("later run")
            self.ids_stay(state, later)
            state = later
        self.again(state)
        self.roll_back()
        expect("the legacy table", self.legacy(), legacy)

        self.deleted = 0
        self.oracle = Oracle(h)
        first = self.migrate("migrated again", settings=WORKERS)
        if self.has_stable_ids():
            self.message_ids_repeat(state, first)
        self.roll_back()
        self.oracle = Oracle(h)
        self.session.run("SET chatmig.bulk_load = off;")
        ordinary = self.migrate("through INSERT")
        self.session.run("RESET chatmig.bulk_load;")
        if self.has_stable_ids():
            expect("ids through INSERT", ordinary.raw, first.raw)

        for fault in faults.choose(self.random, self, ordinary, 3):
            self.plant(fault)
        expect("the legacy table", self.legacy(), legacy)

    # -- steps ---------------------------------------------------------------

    def add(self, batch):
        rows = list(batch)
        self.random.shuffle(rows)
        self.session.run(self.history.copy(rows))
        self.rows += batch
        return self.legacy()

    def delete(self):
        """Some legacy rows go; what was made of them stays."""
        keys = self.history.keys
        gone = self.random.sample(
            self.rows, self.random.randint(0, len(self.rows) // 2))
        for values in gone:
            where = " AND ".join(f"{ident(c.name)} = {literal(values[c.name])}"
                                 for c in keys)
            self.session.run(
                f"DELETE FROM {self.history.qualified()} WHERE {where};")
            self.rows.remove(values)
            self.deleted += 1

    def register(self):
        """With just as many rejected rows as there will be; with one fewer,
        nothing happens."""
        every = [Row(self.history, values)
                 for batch in self.history.batches for values in batch]
        bad = [0 if row.is_empty() else len(row.rejects()) for row in every]
        now = sum(bad[:len(self.rows)])
        if now > 0 and self.history.shape != "transcript" and self.random.random() < 0.3:
            self.session.run(self.history.register(now - 1))
            expect("SQLSTATE beyond max_rejects",
                   self.session.sqlstate(
                       f"SELECT chatmig_migrate({self.name});"), "22000")
            self.nothing_is_left()
        most = sum(bad) if self.history.shape != "transcript" else 100000
        name = self.session.one(self.history.register(most))
        expect("the migration's name", name, self.history.migration())

    def preview(self):
        """Is compared with the messages by the first migrate."""
        self.previewed = sorted(self.session.run(
            "SELECT json_build_array(conversation, position, role, content, "
            "extract(epoch FROM created_at)::text, legacy_key) "
            f"FROM chatmig_preview({self.name}, 100000);"), key=repr)
        self.nothing_is_left()

    def migrate(self, what, skips=lambda row: False, force="", settings=()):
        if "run" in what:
            self.unmigrated()
        dry = self.counts("migrate", ", dry_run => true" + force)
        for name, value in settings:
            self.session.run(f"SET {name} = {value};")
        real = self.counts("migrate", force)
        for name, value in settings:
            self.session.run(f"RESET {name};")
        wanted, rejects = self.oracle.run(self.rows, skips)
        expect(f"{what}: counts", real, wanted)
        expect(f"{what}: counts of the dry run", dry, wanted)
        self.rejects = rejects
        state = State(self)
        compare(what, state, self.oracle, self.deleted)
        self.compare_links(what, state)
        self.compare_rejects(what, rejects)
        self.compare_preview(what, state)
        self.valid(what, rejects)
        return state

    def unmigrated(self):
        """Before a run, validate counts the rows that it will migrate."""
        if not self.oracle.done or self.layout.exists:
            return
        new = sum(not row.is_empty()
                  and row.key not in self.oracle.done
                  and not self.is_rejected(row)
                  for row in (Row(self.history, v) for v in self.rows))
        found = {check: n for check, status, n, *_ in self.findings()}
        if (new > 0) != ("legacy_unmigrated" in found) or \
                set(found) - {"legacy_unmigrated", "legacy_rejected",
                              "legacy_role", "legacy_time",
                              "legacy_content"} - self.allowed():
            raise Failure("before a run", f"before a run, {new} new rows: {self.findings()}")

    def is_rejected(self, row):
        return any(key == row.key for key, _ in self.rejects)

    def again(self, state):
        wanted, _ = self.oracle.run(self.rows)
        expect("again: counts", self.counts("migrate"), wanted)
        expect("again: migrated", wanted["migrated"], 0)
        expect("again: rows", State(self).raw, state.raw)

    def ids_stay(self, before, after):
        for part in ("conversations", "messages", "media"):
            lost = before.ids[part] - after.ids[part]
            expect(f"ids of {part} that are gone", lost, set())
        for entry, id_ in before.by_entry.items():
            expect(f"id of {entry}", after.by_entry.get(entry), id_)

    def message_ids_repeat(self, before, after):
        """Where the time is the same: it is a part of the id."""
        for entry, id_ in before.by_entry.items():
            if entry not in after.by_entry:    # its legacy row is deleted
                continue
            if before.times[id_] == after.times.get(after.by_entry[entry]):
                expect(f"id of {entry} after a rollback",
                       after.by_entry[entry], id_)

    def add_foreign(self, state):
        """The new application goes on in a conversation."""
        talked = [c for c in sorted(state.ids["conversations"])
                  if state.messages[c]]
        if not talked:
            return
        conversation = self.random.choice(talked)
        messages = self.tables["messages"]
        kind = self.history.options.get("id_type", "uuid")
        id_ = {"uuid": "gen_random_uuid()",
               "text": "gen_random_uuid()::text",
               "bigint": f"nextval(pg_get_serial_sequence({literal(messages)}, "
                         "'id'))"}[kind]
        self.session.run(
            f"INSERT INTO {messages} (id, conversation_id, position, role, "
            f"content, created_at) SELECT {id_}, {literal(conversation)}, "
            "max(position) + 1, 'user', 'from elsewhere', now() "
            f"FROM {messages} WHERE conversation_id = {literal(conversation)};")
        at = state.first_entry[conversation]
        for c in self.oracle.conversations:
            if c.messages and (c.messages[0].key, c.messages[0].part) == at:
                c.messages.append(None)
        self.foreign += 1

    def roll_back(self):
        h = self.history
        if self.foreign:
            expect("SQLSTATE of a rollback with rows from elsewhere",
                   self.session.sqlstate(
                       f"SELECT chatmig_rollback({self.name});"), "55000")
            self.session.run(f"DELETE FROM {self.tables['messages']} "
                             "WHERE content = 'from elsewhere';")
            self.foreign = 0
        wanted = dict.fromkeys(COUNTS, 0)
        wanted["legacy_rows"] = wanted["migrated"] = len(self.oracle.done)
        wanted["conversations"] = len(self.oracle.conversations)
        messages = [m for c in self.oracle.conversations for m in c.messages if m]
        wanted["messages"] = len(messages)
        wanted["media"] = sum(m.medium is not None for m in messages)
        # legacy rows may be deleted
        expect("dry rollback",
               self.counts("rollback", ", dry_run => true, force => true"),
               wanted)
        expect("rollback", self.counts("rollback", ", force => true"), wanted)
        self.nothing_is_left()
        if self.history.owners:
            expect("links that are left", [
                n for n, conversation in
                self.history.owners.links_now(self.session).items()
                if conversation is not None], [])
            self.links = {}

    def plant(self, fault):
        """Planted and taken back; validate must name the row."""
        check = literal(fault.check)
        findings = self.session.run(
            f"BEGIN;\n{fault.sql}\n"
            "SELECT json_build_array(legacy_key, message, conversation, detail) "
            f"FROM chatmig_violations({self.name}, {check}, 1000);\n"
            "SELECT json_build_array(status) "
            f"FROM chatmig_validate({self.name}) WHERE check_name = {check};\n"
            "ROLLBACK;")
        named = [name for name in findings[:-1] if fault.names(*name[:3])]
        if not named or findings[-1] != ["violation"]:
            raise Failure(f"planted {fault.check}",
                          f"planted: {fault.sql}\n  wanted {fault.check} to "
                          f"name {fault.row!r}\n  got    {findings}")

    # -- looking ---------------------------------------------------------------

    def counts(self, function, more=""):
        pairs = ", ".join(f"'{c}', {c}" for c in COUNTS)
        return self.session.one(
            f"SELECT json_build_object({pairs}) "
            f"FROM chatmig_{function}({self.name}{more});")

    def legacy(self):
        return self.session.one(
            "SELECT json_build_array(count(*), md5(string_agg(t::text, '|' "
            f"ORDER BY t::text COLLATE \"C\"))) FROM {self.history.qualified()} t;")

    def nothing_is_left(self):
        more = {}
        if self.history.owners:
            for part in ("owners", "links"):
                more[part] = (f"{ident(self.history.schema)}."
                              f"{ident(self.history.migration() + '_' + part)}")
        left = [table for part, table in {**self.tables, **more}.items()
                if not (self.layout.exists and part != "trace") and self.session.one(
            f"SELECT to_json(to_regclass({literal(table)}) IS NOT NULL);")]
        expect("tables that are left", left, [])
        expect("rejected rows that are left", self.session.run(
            "SELECT to_json(legacy_key) FROM chatmig_rejects;"), [])
        expect("state", self.session.one(
            "SELECT to_json(state) FROM chatmig_status "
            f"WHERE migration = {self.name};"), "registered")

    def findings(self):
        return self.session.run(
            "SELECT json_build_array(check_name, status, violations, example, "
            f"detail) FROM chatmig_validate({self.name}) "
            "WHERE status NOT IN ('ok', 'info');")

    def allowed(self):
        """Checks that may find something when legacy rows are gone. A row that
        comes later cannot know where such a row was, and a time that is missing
        may be that of such a row."""
        allowed = set()
        if self.deleted:
            allowed |= {"legacy_deleted", "conversation_order", "message_time"}
        if self.oracle.runs > 1 and \
                self.layout.exists and not self.layout.has("messages", "position"):
            # rows without times, or of one time, are in the order of their ids
            allowed.add("conversation_order")
        if self.oracle.runs > 1 and self.history.shape == "transcript" and \
                self.history._null_times:
            allowed.add("conversation_order")   # the times given are not known
        return allowed

    def valid(self, what, rejects):
        """No check says more than info; but of rejected rows."""
        codes = sum(rejects.values(), [])
        allowed = set()
        if rejects:
            allowed.add(("legacy_rejected", "warning"))
        if "unknown_role" in codes or "missing_role" in codes:
            allowed.add(("legacy_role", "warning"))
        if {"not_json", "no_messages", "missing_content",
                "not_an_object"} & set(codes):
            allowed.add(("legacy_content", "warning"))
        if self.others.get("messages"):     # it may say what a row has said
            allowed.add(("message_duplicate", "warning"))
        bad = [f for f in self.findings() if tuple(f[:2]) not in allowed
               and f[0] not in self.allowed()]
        if bad:
            raise Failure(f"validate {bad[0][0]}",
                          f"{what}: validate says {bad}")

    def compare_links(self, what, state):
        if self.history.owners is None:
            return
        now = self.history.owners.links_now(self.session)
        expect(f"{what}: links",
               self.history.owners.wrong_links(self.links, now, state), [])
        self.links = now

    def compare_rejects(self, what, rejects):
        got = {}
        for key, code, values, part in self.session.run(
                "SELECT json_build_array(legacy_key, code, legacy_row, part) "
                f"FROM chatmig_rejects WHERE migration = {self.name};"):
            if self.history.shape != "transcript":
                part = 0
            got[self.split_key(key), part] = code
            expect(f"{what}: columns of rejected row {key}", set(values),
                   {c.name for c in self.history.columns()})
        for (key, part), codes in rejects.items():
            # where a message has a fault, too, that may be what is named
            others = [at for at in got if at[0] == key and at[1] > 0]
            if part == 0 and "invalid_time" in codes and others:
                for at in others:
                    del got[at]
                got[key, 0] = "invalid_time"
        expect(f"{what}: rejected rows", set(got), set(rejects))
        for key, code in got.items():
            if code not in rejects[key]:
                raise Failure("code", f"{what}: {key} is rejected as {code}, "
                              f"not as one of {rejects[key]}")

    def compare_preview(self, what, state):
        """The preview was made before the first run."""
        if self.previewed is None:
            return
        wanted = sorted(([c, m["position"], m["role"], m["content"],
                          m["created_at"], state.key_text[m["id"]]]
                         for c, messages in state.messages.items()
                         for m in messages), key=repr)
        got = self.previewed
        if self.layout.exists:
            return
        if not self.has_stable_ids():
            got, wanted = [sorted((m[1:] for m in list_), key=repr)
                           for list_ in (got, wanted)]
        expect(f"{what}: preview", got, wanted)
        self.previewed = None

    def has_stable_ids(self):
        return self.history.options.get("id_type") != "bigint"

    def split_key(self, text):
        if len(self.history.keys) == 1:
            return (text,)
        return tuple(parse_json(text))
