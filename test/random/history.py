"""Random legacy tables: what an application might have left behind.

A History is a table with its columns, its rows, and what a user says of it in
chatmig_register(). Every value is a string in the server's own text form, or
None for NULL, so that a history can be loaded by COPY, printed, and reduced.
Nothing here says what must come of it: that is oracle.py.
"""

import json
import random
import re
import uuid

import transcripts

# Quoting, keywords, the names that the new tables and queries use themselves.
NAMES = [
    "id", "who", "user", "select", "order by", 'quo"ted', "it's", "naïve",
    "camelCase", "s", "t", "m", "f", "q", "h", "c", "key_1", "conversation_id",
    "position", "content", "created_at", "metadata", "title", "role", "$1",
    "message_ids", "back\\slash", "%s", "x" * 63, "😀", "part", "time", "owner",
    "updated_at", "model", "tokens", "media_id", "description", "a.b", " ",
    "is_active", "conversation", "known", "keys", "fingerprint", "{owner}",
]

TABLES = ["chat_messages", "Chat Messages", 'the "old" one', "it's", "select",
          "s", "conversation", "t", "back\\slash", "😀", "y" * 50]

ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata",
         "Australia/Lord_Howe"]

GAPS = {"1 microsecond": 1, "1 second": 10**6, "30 minutes": 1800 * 10**6,
        "1 hour": 3600 * 10**6, "1 day": 86400 * 10**6,
        "1 month": 30 * 86400 * 10**6}

KEY_TYPES = ["int", "bigint", "smallint", "uuid", "text", "varchar(40)",
             "numeric", "date"]
OWNER_TYPES = ["int", "bigint", "uuid", "text", "varchar(20)", "numeric",
               "date", "bool", "float8"]
TIME_TYPES = ["timestamp", "timestamp(3)", "timestamptz", "date", "int",
              "bigint", "float8", "numeric", "text", "varchar(60)"]
KEPT_TYPES = ["text", "int", "numeric", "bool", "jsonb", "timestamptz", "date",
              "uuid", "text[]"]

KNOWN_ROLES = ["user", "human", "customer", "client", "visitor", "guest",
               "assistant", "ai", "bot", "machine", "agent", "model", "chatbot",
               "system", "developer", "tool", "function", "apiMessage",
               "userMessage"]
OWN_ROLES = {"lyra": "assistant", "Me": "user", "agent": "user", "": "system",
             "it's \"x\" \\": "tool", "северная": "assistant"}

TEXTS = [
    "Hello", "Hi!", "How are you?", "no", " ", "\n", "\t\r\n ", "it's \"x\"",
    "back\\slash \\N \\.", "\\.", "line one\nline two", "\r\nafter", "😀" * 3,
    "𝄞 and \U0010fffd", "{owner} {\"a\": 1}", "a,b;c|d", "NULL", "null",
    "$1 %s :x :'x' :\"x\"", "trailing  ", "  leading", "\x01\x7f", "é e\u0301",
    "\u2028\u00a0", "-- comment", "\x0bv\x0c", "<b>&amp;</b>",
]

JSONS = [
    {}, {"a": 1}, {"a": "1"}, {"a": None}, {"deep": {"er": [1, 2.50, None]}},
    {"é": "😀", "q\"": "\\"}, [], [1, "x"], "text", 17.25, None, True,
    {"role": "x", "content": "y"}, {"kept_1": "mine"}, {"spoken_by": 5},
    {"chatmig_time_missing": "mine"}, {"meta": 1},
]

DAY = 86400 * 10**6


def ident(name):
    return '"' + name.replace('"', '""') + '"'


def literal(value):
    if value is None:
        return "NULL"
    return "E'" + value.replace("\\", "\\\\").replace("'", "''") + "'"


class Column:
    def __init__(self, name, type_, collation=""):
        self.name = name
        self.type = type_
        self.collation = collation


class History:
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
        from layout import Layout
        self.layout = Layout(self)
        if self.random.random() < 0.4:
            self.layout.existing(self.random)

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

    # -- rows --------------------------------------------------------------

    def _fill(self):
        r = self.random
        self._pools = {part: self._pool(column.type)
                       for part, column in self.parts.items()
                       if part in ("owner", "counterpart", "session")}
        self._clock = r.choice([
            1711846800 * 10**6,           # Berlin's spring, UTC 2024-03-31 01:00
            1729987200 * 10**6,           # and autumn: 2024-10-27 00:00
            1710054000 * 10**6,           # New York: 2024-03-10 07:00
            1714557600 * 10**6 + 123456,
            1000000000 * 10**6])
        self._clocks = []       # what it has shown
        self._steps = [0, 0, 1, 1000, 10**6, 10**6, 60 * 10**6, 1800 * 10**6,
                       1800 * 10**6 + 1, 3600 * 10**6, DAY, 30 * DAY]
        if "idle_gap" in self.options and r.random() < 0.7:
            gap = GAPS[self.options["idle_gap"]]
            self._steps = [0, gap // 3, gap // 2, gap // 2 + 1, gap, gap + 1]
        self._between = False   # rows come before and between those there
        self._taken = set()
        self._keys = []
        self._next = r.randint(-5, 1000)
        self.epoch_unit = r.choice([1, 10**3, 10**6])
        if "time" in self.parts and self.parts["time"].type == "int":
            self.epoch_unit = 1
        self._null_times = r.choice([0, 0, 0.05, 0.3, 1])
        self._bad = r.choice([0, 0, 0, 0.1])
        self._extreme = r.choice([0, 0, 0, 0.1])
        self._empty = r.choice([0.05, 0.3])
        self._long = r.choice([0, 0, 0, 0.05])

        count = r.choice([r.randint(0, 3), r.randint(3, 12), r.randint(5, 40)])
        batch = [self._row() for _ in range(count)]
        self.batches.append(batch)
        for _ in range(r.choice([1, 1, 2])):
            self._between = r.random() < 0.5
            if r.random() < 0.3:
                self._next -= r.randint(1, 40)
            self.batches.append([self._row() for _ in range(r.randint(1, 8))])
        if "time" in self.parts and self.is_epoch():
            self.epoch = {1: "seconds", 10**3: "milliseconds",
                          10**6: "microseconds"}[self.epoch_unit]

    def is_epoch(self):
        return self.parts["time"].type in ("int", "bigint", "float8", "numeric")

    def _pool(self, type_):
        r = self.random
        pool = {
            "int": ["1", "2", "0", "2147483647"],
            "bigint": ["0", "9223372036854775807", "-5"],
            "float8": ["0", "-0", "1.5", "NaN"],
            "uuid": [str(uuid.UUID(int=r.getrandbits(128))) for _ in range(3)],
            "text": ["ann", "Ann", "", "ann ", "b\nob", "it's \"x\" \\", "😀",
                     "{owner}"],
            "varchar(20)": ["ann", "+49 170 1", ""],
            "numeric": ["0", "1.5", "1.50", "-2", "NaN"],
            "date": ["2024-05-01", "2024-05-02", "infinity"],
            "bool": ["t", "f"],
        }[type_]
        pool = r.sample(pool, min(len(pool), r.randint(1, 4)))
        if r.random() < 0.6:
            pool.append(None)
        return pool

    def _row(self):
        r = self.random
        row = self._new_key()
        for part, column in self.parts.items():
            row[column.name] = self._value(part, column)
        for column in self.kept:
            row[column.name] = self._kept_value(column.type)
        return row

    def _new_key(self):
        while True:
            key = tuple(self._key_value(column.type) for column in self.keys)
            # 1.5 and 1.50 are one key
            same = tuple(float(v) if c.type == "numeric" else v
                         for v, c in zip(key, self.keys))
            if same not in self._taken:
                self._taken.add(same)
                self._keys.append(key[0])
                return {c.name: v for c, v in zip(self.keys, key)}

    def _key_value(self, type_):
        r = self.random
        if len(self.keys) > 1 and r.random() < 0.5:
            n = r.randint(0, 5)
        elif r.random() < 0.8:
            self._next += 1
            n = self._next
        else:
            n = r.randint(-500, 5000)
        if type_ == "uuid":
            if r.random() < 0.5:
                return str(uuid.UUID(int=n + 10**6))
            return str(uuid.UUID(int=r.getrandbits(128)))
        if type_ in ("text", "varchar(40)"):
            return r.choice(["", "c", "k ", "it's \\ \"", "😀", "Z\n", "é"]) \
                + str(n)
        if type_ == "numeric":
            return r.choice(["%d", "%d.5", "%d.50", "%d.25"]) % n
        if type_ == "date":
            return civil(n * DAY + 1711846800 * 10**6)[:10]
        return str(n)

    def _value(self, part, column):
        r = self.random
        if part in self._pools:
            return r.choice(self._pools[part])
        if part in ("question", "answer", "content"):
            if r.random() < self._empty:
                return r.choice([None, ""])
            return self._text()
        if part == "role":
            return self._role_value()
        if part == "time":
            return self._time_value(column.type)
        if part == "model":
            return r.choice([None, "gpt-4", "", "llama 3\n\"x\"", "é"])
        if part == "tokens":
            return r.choice([None, "0", "17", "-1", "32767"] +
                            (["5000000000"] if column.type == "bigint" else []))
        if part == "metadata":
            if self.media_keys and r.random() < 0.6:
                return json.dumps(self._medium())
            return r.choice([None, None, json.dumps(r.choice(JSONS))])
        if part == "media":
            return r.choice([None, None, "", "http://x/1.png", "file:é 😀"])
        if part == "media_type":
            return r.choice([None, "image", ""])
        if part == "reply_to":
            if r.random() < 0.4:
                return None
            return r.choice(self._keys[-3:] + [self._key_value(column.type)])
        if part == "transcript":
            text = transcripts.document(
                r, self.path, lambda: self._text().replace("\x00", ""),
                self._clock, self._bad)
            if text is not None and column.type in ("json", "jsonb"):
                try:
                    json.loads(text)
                except ValueError:
                    return None
            return text
        raise ValueError(part)

    def _medium(self):
        r = self.random
        name = r.choice(["a.png", "b.png", "é 😀"])
        if r.random() < 0.4:
            return {"isMediaAnalysis": r.choice([True, True, False]),
                    "filename": name}
        medium = {"hasMedia": r.choice([True, True, False]), "filename": name}
        if r.random() < 0.5:
            medium["url"] = f"http://x/{name}"
        if r.random() < 0.5:
            medium["mediaType"] = "image/png"
        return medium

    def has_media(self):
        return "media" in self.parts or self.media_keys is not None

    def _text(self):
        r = self.random
        if r.random() < self._long:
            piece = r.choice(["words and ", "😀", "x\n", "é\\"])
            return piece * (50000 // len(piece.encode()))
        if r.random() < 0.15:       # around the length of a title
            return r.choice(["x", "😀", "a b"]) * r.randint(25, 85)
        return " ".join(r.choice(TEXTS) for _ in range(r.choice([1, 1, 1, 2])))

    def _role_value(self):
        r = self.random
        if r.random() < self._bad:
            bad = {"bool": [None], "int": [None, "99"], "enum": [None, "zebra"],
                   "text": [None, "zebra", " user", "assistant ", "ME"]}
            return r.choice(bad[self.role_is])
        if self.role_is == "bool":
            return r.choice(["t", "f"])
        if self.role_is == "int":
            return r.choice(list(self.roles))
        if self.role_is == "enum":
            return r.choice(["USER", "BOT", "SYSTEM", "aurora"])
        known = r.choice(KNOWN_ROLES + ["user", "assistant"] * 8)
        known = r.choice([known, known.upper(), known.capitalize()])
        return r.choice([known, known] + list(self.roles))

    def _time_value(self, type_):
        r = self.random
        if r.random() < self._null_times:
            return None
        if self._between and self._clocks:
            gap = GAPS.get(self.options.get("idle_gap"), 1800 * 10**6)
            self._clock = r.choice(self._clocks) + r.choice(
                [0, 1, -1, 10**6, -10**6, gap, gap + 1, -gap, gap // 2,
                 gap // 2 + 1, -gap // 2])
        elif r.random() < 0.9:
            self._clock += r.choice(self._steps)
        time = self._clock
        self._clocks.append(time)
        if r.random() < 0.2:
            time -= r.randint(0, 20) * 900 * 10**6
        extreme = r.random() < self._extreme
        if type_ in ("text", "varchar(60)"):
            return self._time_text(time, extreme)
        if type_ in ("int", "bigint", "float8", "numeric"):
            return self._time_number(type_, time, extreme)
        if extreme:
            return r.choice(["infinity", "-infinity"] + [
                date + ("" if type_ == "date" else " 00:00:00")
                + ("+00" if type_ == "timestamptz" else "")
                for date in ("1890-01-01", "1970-01-01", "9999-12-31")])
        if type_ == "date":
            return civil(time)[:10]
        if type_ == "timestamp(3)":
            time -= time % 1000
        if type_ == "timestamptz":
            return civil(time) + "+00"
        return civil(time)

    def _time_number(self, type_, time, extreme):
        r = self.random
        if extreme:
            return r.choice({"int": ["0", "-1", "2147483647"],
                             "bigint": ["0", "-1"],
                             "float8": ["Infinity", "-Infinity", "NaN", "-0.5"],
                             "numeric": ["NaN", "0", "-1.5"]}[type_])
        unit = self.epoch_unit
        if type_ in ("int", "bigint"):
            return str(time * unit // 10**6)
        if unit == 10**6:
            return str(time)
        digits = 6 if unit == 1 else 3
        whole, rest = divmod(time, 10**6 // unit)
        text = f"{whole}.{rest:0{digits}d}"
        return r.choice([text, str(whole)])

    def _time_text(self, time, extreme):
        r = self.random
        if r.random() < self._bad:
            return r.choice(["", "yesterday", "now", "01/02/2024", "1714557600",
                             "2024-02-30", "2024-05-01 25:00", "10:00", " ",
                             "2024-5-1", "0000-01-01"])
        if extreme:
            return r.choice(["infinity", "-infinity", "0044-03-15 12:00:00Z BC",
                             "1969-12-31T23:59:59.5Z", "2024-05-01 24:00:00",
                             "2016-12-31 23:59:60"])
        text = civil(time)
        return r.choice([
            text, text.replace(" ", "T"), text + "Z", text + "+00",
            text + "+05:30", text + " -0800", text + " UTC", text[:10],
            text[:16], "  " + text + " ", text[:19] + ".123456789",
            text.replace(".", ","),
            text[:19].replace("-", "").replace(":", "").replace(" ", "T") + "Z",
        ])

    def _kept_value(self, type_):
        r = self.random
        if r.random() < 0.35:
            return None
        if type_ == "text":
            return r.choice(TEXTS + [""])
        if type_ == "int":
            return str(r.randint(-5, 5))
        if type_ == "numeric":
            return r.choice(["1.50", "0", "123456789012345678901234567890.1"])
        if type_ == "bool":
            return r.choice(["t", "f"])
        if type_ == "jsonb":
            return json.dumps(r.choice(JSONS))
        if type_ == "timestamptz":
            return civil(self._clock) + "+00"
        if type_ == "date":
            return civil(self._clock)[:10]
        if type_ == "uuid":
            return str(uuid.UUID(int=r.getrandbits(128)))
        return r.choice(["{}", '{a,NULL,"",b c}', '{"NULL","q\\"\\\\"}'])

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
                for c in columns]
        dropped = r.random() < 0.2
        if dropped:
            defs.insert(r.randint(0, len(defs)), '"dropped column" text')
        keys = ", ".join(ident(c.name) for c in self.keys)
        if self.source != "view":
            defs.append(f"PRIMARY KEY ({keys})")
        sql = [f"CREATE SCHEMA {schema};",
               f"CREATE TYPE {schema}.speaker AS "
               "ENUM ('USER', 'BOT', 'SYSTEM', 'aurora', 'zebra');",
               f"CREATE TABLE {self.qualified()} ({', '.join(defs)})"
               + (f" PARTITION BY HASH ({ident(self.keys[0].name)})"
                  if self.source == "partitioned" else "") + ";"]
        if self.source == "partitioned":
            sql += [f"CREATE TABLE {schema}.part_{i} PARTITION OF "
                    f"{self.qualified()} FOR VALUES "
                    f"WITH (MODULUS 2, REMAINDER {i});" for i in (0, 1)]
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


def copy_field(value):
    if value is None:
        return "\\N"
    for char, escape in (("\\", "\\\\"), ("\n", "\\n"), ("\r", "\\r"),
                         ("\t", "\\t")):
        value = value.replace(char, escape)
    return value


def civil(microseconds):
    """2024-05-01 10:00:00.123456 of microseconds since 1970; years 1 to 9999."""
    days, rest = divmod(microseconds, DAY)
    year, month, day = civil_from_days(days)
    seconds, fraction = divmod(rest, 10**6)
    text = f"{year:04d}-{month:02d}-{day:02d} {seconds // 3600:02d}:" \
        f"{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    return text + (f".{fraction:06d}" if fraction else "")


def civil_from_days(days):
    year = 1970 + days // 366
    while days_from_civil(year + 1, 1, 1) <= days:
        year += 1
    month = 1
    while month < 12 and days_from_civil(year, month + 1, 1) <= days:
        month += 1
    return year, month, days - days_from_civil(year, month, 1) + 1


def days_from_civil(year, month, day):
    """Days since 1970-01-01; year 0 is 1 BC."""
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    lengths = [31, 29 if leap else 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    before = year - 1
    days = 365 * year + before // 4 - before // 100 + before // 400 + 1
    return days - 719528 + sum(lengths[:month - 1]) + day - 1
