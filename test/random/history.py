"""Random legacy tables: what an application might have left behind.

A History is a table with its columns, its rows, and what a user says of it in
chatmig_register(). Every value is a string in the server's own text form, or
None for NULL, so that a history can be loaded by COPY, printed, and reduced.
Nothing here says what must come of it: that is oracle.py.
"""

import json
import random
import re

import transcripts
from layout import Layout
from owners import Owners
from text import copy_field, ident, literal
from values import Rows
from vocabulary import (Column, GAPS, KEPT_TYPES, KEY_TYPES, NAMES, OWN_ROLES,
                        OWNER_TYPES, TABLES, TIME_TYPES, ZONES)


class History(Rows):
    """One legacy table. The rows come in batches: the first is there before
    the first run, the others are added one after the other."""

    def __init__(self, seed):
        self.seed = seed
        self.random = random.Random(seed)
        self.parts = {}    # part -> Column
        self.keys = []     # Columns
        self.kept = []     # Columns that no part names
        self.role_is = "text"
        self.roles = {}    # spelling -> role, as the mapping says
        self.epoch = None
        self.batches = []
        self._choose()
        self._fill()
        self.layout = Layout(self)
        if self.random.random() < 0.4:
            self.layout.existing(self.random)
        self.owners = None
        if "owner" in self.parts and not self.layout.exists \
                and self.source != "view" \
                and random.Random(f"{seed} has owners").random() < 0.35:
            self.owners = Owners(self)
            self.options.update(self.owners.options())

    # -- what kind of table ------------------------------------------------

    def _choose(self):
        r = self.random
        self.odd_names = r.random() < 0.4
        self._names = list(NAMES)
        r.shuffle(self._names)
        self.schema = r.choice(["legacy", "legacy", "Le \"gacy\""])
        self.table = r.choice(TABLES) if self.odd_names else "chat_messages"
        self.name = r.choice([None, None, None, "it's \"x\""])
        self.shape = r.choice(["pair", "pair", "flat", "flat", "transcript"])
        self.source = r.choice(["table"] * 6 + ["view", "partitioned"])
        self.settings = {
            "TimeZone": r.choice(["UTC", "Pacific/Auckland", "America/Lima"]),
            "DateStyle": r.choice(["ISO, YMD", "German, DMY", "SQL, MDY"]),
            "IntervalStyle": r.choice(["postgres", "iso_8601"]),
            "bytea_output": r.choice(["hex", "escape"]),
            "extra_float_digits": r.choice(["1", "-10"]),
            "search_path": r.choice(
                ["public", '"$user", public', "pg_catalog, public"]),
        }

        for _ in range(r.choice([1, 1, 1, 1, 2, 3])):
            self.keys.append(self._column("key", r.choice(KEY_TYPES)))
        for part, chance in (("owner", 0.8), ("counterpart", 0.3),
                             ("session", 0.4)):
            if r.random() < chance:
                self.parts[part] = self._column(part, r.choice(OWNER_TYPES))
        if self.shape == "pair":
            self.parts["question"] = self._text_column("question")
            self.parts["answer"] = self._text_column("answer")
        elif self.shape == "flat":
            self._choose_role()
            self.parts["content"] = self._text_column("content")
        else:
            self.parts["transcript"] = self._column("transcript", r.choice(
                ["text", "text", "varchar", "jsonb", "json"]))
            self.path = r.choice(list(transcripts.PATHS) + ["$"])
            if r.random() < 0.7:
                self.roles = {"lyra": "assistant", "Me": "user"}
        if r.random() < 0.85:
            self.parts["time"] = self._column("time", r.choice(TIME_TYPES))
        if r.random() < 0.4:
            self.parts["model"] = self._column(
                "model", r.choice(["text", "varchar(100)"]))
        if r.random() < 0.3:
            self.parts["tokens"] = self._column(
                "tokens", r.choice(["int", "bigint", "smallint"]))
        if r.random() < 0.4:
            self.parts["metadata"] = self._column("metadata", "jsonb")
        self.media_keys = None
        if self.shape == "flat" and "metadata" in self.parts \
                and r.random() < 0.4:
            self.media_keys = {"when": "hasMedia", "url": "url",
                               "type": "mediaType", "name": "filename",
                               "summary_when": "isMediaAnalysis"}
        elif self.shape != "transcript" and r.random() < 0.25:
            self.parts["media"] = self._column("media", "text")
            if r.random() < 0.6:
                self.parts["media_type"] = self._column("media_type", "text")
        if len(self.keys) == 1 and self.shape != "transcript" \
                and r.random() < 0.3:
            self.parts["reply_to"] = self._column("reply_to", self.keys[0].type)
        for _ in range(r.choice([0, 0, 1, 2, 3])):
            self.kept.append(self._column("kept", r.choice(KEPT_TYPES)))
        self._choose_options()

    def _choose_role(self):
        r = self.random
        self.role_is = r.choice(["text", "text", "text", "enum", "bool", "int"])
        if self.role_is == "bool":
            self.parts["role"] = Column("is_user", "bool")
            if self.odd_names and r.random() < 0.8:
                self.parts["role"].name = self._take("is_user")
                self.roles = {"true": "user", "false": "assistant"}
        elif self.role_is == "int":
            self.parts["role"] = self._column("role", "int")
            self.roles = {"0": "user", "1": "assistant", "-7": "system"}
        elif self.role_is == "enum":
            self.parts["role"] = self._column("role", "speaker")
            self.roles = {"aurora": "assistant"}
        else:
            self.parts["role"] = self._column("role", "text")
            if r.random() < 0.5:
                self.roles = {k: OWN_ROLES[k] for k in
                              r.sample(sorted(OWN_ROLES), r.randint(1, 4))}

    def _choose_options(self):
        r = self.random
        self.options = {}
        if r.random() < 0.45:
            self.options["idle_gap"] = r.choice(list(GAPS))
        if r.random() < 0.3:
            self.options["title"] = r.choice([
                None, "fixed", "{owner}", "({owner})",
                "{owner}/{counterpart}/{session}", "{first_message} }"])
        if r.random() < 0.2:
            self.options["description"] = r.choice(
                ["moved from {owner}", "{session}", "{first_message}"])
        if r.random() < 0.4:
            self.options["time_zone"] = r.choice(ZONES)
        if r.random() < 0.35:
            self.options["id_type"] = r.choice(["text", "bigint", "uuid"])
        if "counterpart" in self.parts and r.random() < 0.4:
            self.options["title_without_counterpart"] = r.choice(
                ["General Chat", None, "{owner}: {first_message}"])
        if r.random() < 0.25:
            self.options["metadata"] = r.choice(
                [{"moved": True}, {"moved": {"by": ["é", 1.50]}, "n": None}])
        self.keep = None
        if r.random() < 0.25:
            able = [c for part, c in self.parts.items() if part in
                    ("tokens", "model", "owner", "counterpart")
                    and c.type != "float8"] + self.kept
            self.keep = r.sample(able, r.randint(0, min(3, len(able))))
        self.target = {}
        if r.random() < 0.3:
            for table in ("conversations", "messages", "media", "trace"):
                if r.random() < 0.6:
                    self.target[table] = r.choice(["New ", "it's ", ""]) + table

    def _column(self, part, type_):
        plain = {"key": "id", "owner": "user_id", "counterpart": "bot_id",
                 "session": "session_id", "time": "asked",
                 "model": "which_model", "tokens": "used_tokens",
                 "metadata": "meta", "media": "url", "media_type": "kind",
                 "role": "spoken_by", "kept": "kept_1",
                 "transcript": "envelope", "reply_to": "answers"}[part]
        collation = ' COLLATE "C"' if type_ in ("text", "varchar(40)") else ""
        return Column(self._take(plain), type_, collation)

    def _text_column(self, part):
        type_ = self.random.choice(["text", "text", "varchar"])
        return Column(self._take("words" if part == "content" else part), type_)

    def _take(self, plain):
        if self.odd_names and self.random.random() < 0.8:
            plain = self._names.pop()
        taken = [column.name for column in self.columns()]
        return next(name for name in
                    [plain] + [f"{plain}_{n}" for n in range(2, 100)]
                    if name not in taken)

    def columns(self):
        return self.keys + list(self.parts.values()) + self.kept

    def kept_columns(self):
        """What is kept in the metadata."""
        if self.keep is not None:
            return self.keep
        return self.kept + [column for part, column in self.parts.items()
                            if part == "reply_to"]

    # -- SQL ---------------------------------------------------------------

    def migration(self):
        return self.name or self.registered()

    def registered(self):
        return self.table + " v" if self.source == "view" else self.table

    def qualified(self):
        return f"{ident(self.schema)}.{ident(self.table)}"

    def set(self):
        """Settings of the session, none of which must matter."""
        return "".join(
            f"SET {name} = "
            f"{value if name == 'search_path' else literal(value)};\n"
            for name, value in self.settings.items())

    def create(self):
        r = random.Random(self.seed + 1)    # not to depend on the rows
        schema = ident(self.schema)
        columns = self.columns()
        r.shuffle(columns)
        defs = [f"{ident(c.name)} {self._type(c)}{c.collation}"
                + (self.owners.references() if self.owners
                   and c is self.parts["owner"] else "") for c in columns]
        dropped = r.random() < 0.2
        if dropped:
            defs.insert(r.randint(0, len(defs)), '"dropped column" text')
        keys = ", ".join(ident(c.name) for c in self.keys)
        if self.source != "view":
            defs.append(f"PRIMARY KEY ({keys})")
        sql = [f"CREATE SCHEMA {schema};",
               self.owners.create() if self.owners else "",
               f"CREATE TYPE {schema}.speaker AS "
               "ENUM ('USER', 'BOT', 'SYSTEM', 'aurora', 'zebra');",
               f"CREATE TABLE {self.qualified()} ({', '.join(defs)})"
               + (f" PARTITION BY HASH ({ident(self.keys[0].name)})"
                  if self.source == "partitioned" else "") + ";"]
        if self.source == "partitioned":
            sql += [f"CREATE TABLE {schema}.part_{i} PARTITION OF "
                    f"{self.qualified()} FOR VALUES "
                    f"WITH (MODULUS 2, REMAINDER {i});" for i in (0, 1)]
        if self.owners:
            sql.append(self.owners.create_linked())
        if dropped:
            sql.append(f"ALTER TABLE {self.qualified()} "
                       'DROP COLUMN "dropped column";')
        if self.source == "view":
            sql.append(f"CREATE VIEW {schema}.{ident(self.registered())} AS "
                       f"SELECT * FROM {self.qualified()};")
        return "\n".join(sql)

    def _type(self, column):
        if column.type == "speaker":
            return f"{ident(self.schema)}.speaker"
        return column.type

    def copy(self, rows):
        columns = self.columns()
        names = ", ".join(ident(c.name) for c in columns)
        lines = ["\t".join(copy_field(row[c.name]) for c in columns)
                 for row in rows]
        return f"COPY {self.qualified()} ({names}) FROM STDIN;\n" + \
            "".join(line + "\n" for line in lines) + "\\."

    def mapping(self):
        mapping = {"shape": self.shape, "key": [c.name for c in self.keys]}
        all_parts = ["owner", "counterpart", "session", "time", "model",
                     "tokens", "metadata", "media", "media_type"]
        if self.shape == "transcript":
            all_parts = all_parts[:-2]
            mapping["path"] = self.path
        all_parts += {"pair": ["question", "answer"], "flat":
                      ["role", "content"], "transcript": ["transcript"]
                      }[self.shape]
        if len(self.keys) == 1 and self.shape != "transcript":
            all_parts.append("reply_to")
        for part in all_parts:
            column = self.parts.get(part)
            mapping[part] = column.name if column else None
        if self.media_keys:
            mapping["media"] = self.media_keys
        if self.keep is not None:
            mapping["keep"] = [c.name for c in self.keep]
        if self.roles:
            mapping["roles"] = self.roles
        if self.epoch:
            mapping["epoch"] = self.epoch
        return mapping

    def register(self, max_rejects):
        options = dict(self.options, max_rejects=max_rejects)
        relation = f"{ident(self.schema)}.{ident(self.registered())}"
        name = f", name => {literal(self.name)}" if self.name else ""
        return (f"SELECT to_json(chatmig_register({literal(relation)}, "
                f"{literal(json.dumps(self.mapping()))}, "
                f"{literal(json.dumps(self.layout.target()))}, "
                f"{literal(json.dumps(options))}{name}));")

    def show(self):
        lines = [self.create(), "-- mapping: " + json.dumps(self.mapping()),
                 "-- options: " + json.dumps(self.options)
                 + " target: " + json.dumps(self.layout.target())]
        if self.layout.exists:
            lines.append(self.layout.create())
        for n, batch in enumerate(self.batches):
            lines.append(f"-- batch {n}")
            lines.append(re.sub(r"[^\t\n]{300,}", lambda match:
                                f"{match.group()[:60]}...", self.copy(batch)))
        return "\n".join(lines)
