"""The rows of a history: random values for its columns."""

import json
import uuid

import transcripts
from civil import DAY, civil
from vocabulary import GAPS, JSONS, KNOWN_ROLES, TEXTS


class Rows:
    """The part of a History that makes its rows."""

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
