"""What must come of a legacy table: a second implementation, slow and obvious.

Written from the README and the comments of the headers, to be compared with
what the extension makes. It knows all rows and all that earlier runs have made,
and goes through them one by one.
"""

import json
import re
from datetime import datetime, timedelta, timezone
from decimal import ROUND_HALF_UP, Decimal
from zoneinfo import ZoneInfo

from history import DAY, GAPS, KNOWN_ROLES, days_from_civil

KNOWN = {
    "user": ["user", "human", "customer", "client", "visitor", "guest",
             "usermessage"],
    "assistant": ["assistant", "ai", "bot", "machine", "agent", "model",
                  "chatbot", "apimessage"],
    "system": ["system", "developer"],
    "tool": ["tool", "function"],
}
assert sum(KNOWN.values(), []).sort() == \
    [name.lower() for name in KNOWN_ROLES].sort()

FOREVER = {"infinity": float("inf"), "-infinity": float("-inf")}
INVALID = "invalid"
MARK = "chatmig_time_missing"


class Number(str):
    """A number in JSON, by its digits: 1.5 is not 1.50."""


def parse_json(text):
    return json.loads(text, parse_int=Number, parse_float=Number,
                      parse_constant=Number)


class Message:
    def __init__(self, row, part, role, content):
        self.key = row.key
        self.part = part
        self.role = role
        self.content = content
        self.time = row.time
        self.metadata = row.metadata
        self.model = row.part("model")
        self.tokens = None
        self.replies = False
        self.medium = None


class Conversation:
    def __init__(self, first, group):
        self.group = group
        self.messages = []    # None: one that comes from elsewhere
        self.owner = first.part("owner")
        self.counterpart = first.part("counterpart")
        self.session = first.part("session")
        self.title = None
        self.description = None
        self.metadata = None

    def places(self, row):
        """The positions of a row's messages."""
        return [n for n, message in enumerate(self.messages)
                if message and message.key == row.key]


class Row:
    """A legacy row, and what it says."""

    def __init__(self, history, values):
        self.history = history
        self.values = values
        self.key = tuple(values[c.name] for c in history.keys)
        self.sort_key = tuple(sortable(c.type, values[c.name])
                              for c in history.keys)
        self.group = tuple(
            comparable(history.parts[part].type, self.part(part))
            if part in history.parts else None
            for part in ("owner", "counterpart", "session"))
        self.own_time = self._own_time()
        self.time = self.own_time
        self.metadata = None

    def part(self, name):
        column = self.history.parts.get(name)
        return self.values[column.name] if column else None

    def _own_time(self):
        text = self.part("time")
        if text is None:
            return None
        column = self.history.parts["time"]
        zone = self.history.options.get("time_zone", "UTC")
        if column.type in ("text", "varchar(60)"):
            return time_of_iso(text, zone)
        if self.history.is_epoch():
            return time_of_number(text, self.history.epoch_unit)
        return time_of_iso(text, zone)

    def url(self):
        return self.part("media") or None

    def messages(self):
        """Its messages in order, or [] for a row that holds none."""
        if self.history.shape == "pair":
            halves = [(1, "user", self.part("question")),
                      (2, "assistant", self.part("answer"))]
        else:
            halves = [(1, self.role(), self.part("content"))]
        result = []
        for part, role, content in halves:
            has_medium = part == 1 and self.url() is not None
            if not content and not has_medium:
                continue
            message = Message(self, part, role, content)
            if has_medium:
                message.medium = (self.url(), self.part("media_type"))
            message.replies = part == 2 and len(result) == 1
            result.append(message)
        if result:
            result[-1].tokens = self.part("tokens")
        return result

    def role(self):
        spelling = self.part("role")
        if self.history.role_is == "bool":
            return {"t": "user", "f": "assistant"}.get(spelling)
        if spelling in self.history.roles:
            return self.history.roles[spelling]
        for role, spellings in KNOWN.items():
            if spelling is not None and spelling.lower() in spellings:
                return role
        return None

    def codes(self):
        """The reasons for which it cannot be converted."""
        codes = []
        if self.history.shape == "flat":
            if self.part("role") is None:
                codes.append("missing_role")
            elif self.role() is None:
                codes.append("unknown_role")
        if self.own_time == INVALID:
            codes.append("invalid_time")
        return codes

    def set_metadata(self):
        h = self.history
        kept = {c.name: kept_json(c.type, self.values[c.name]) for c in h.kept}
        names = set(kept) | {MARK}
        result = {}
        if any(self.values[c.name] is not None for c in h.kept):
            result.update(kept)
        if h.shape == "flat" and h.roles and h.role_is in ("text", "enum"):
            names.add(h.parts["role"].name)
            if self.part("role") in h.roles:
                result[h.parts["role"].name] = self.part("role")
        if "time" in h.parts and self.part("time") is None:
            result[MARK] = True
        mapped = self.part("metadata")
        if mapped is not None:
            mapped = parse_json(mapped)
            if isinstance(mapped, dict) and not names & set(mapped):
                result.update(mapped)
                self.metadata = result
                return
            result[h.parts["metadata"].name] = mapped
        self.metadata = result or None


class Oracle:
    def __init__(self, history):
        self.history = history
        self.conversations = []
        self.done = {}        # key -> (conversation, time of its messages)

    def run(self, all_values):
        """Migrates what is new in the whole table. Returns counts and rejected
        rows: key -> possible codes."""
        rows = [Row(self.history, values) for values in all_values]
        self._fill_in_times(rows)
        counts = dict.fromkeys(["legacy_rows", "already", "migrated", "empty",
                                "rejected", "conversations", "messages",
                                "media"], 0)
        counts["legacy_rows"] = len(rows)
        rejects = {}
        groups = {}
        for row in rows:
            if row.key in self.done:
                counts["already"] += 1
            elif not row.messages():
                counts["empty"] += 1
                continue
            elif row.codes():
                counts["rejected"] += 1
                rejects[row.key] = row.codes()
                continue
            groups.setdefault(row.group, []).append(row)
        before = len(self.conversations)
        for group in groups.values():
            for row in self._run_group(group):
                counts["migrated"] += 1
                counts["messages"] += len(row.messages())
                counts["media"] += row.url() is not None
        counts["conversations"] = len(self.conversations) - before
        return counts, rejects

    def _fill_in_times(self, rows):
        if "time" not in self.history.parts:
            return
        by_key = sorted(rows, key=lambda row: row.sort_key)
        for row in rows:
            row.time = None if row.own_time == INVALID else row.own_time
        for i, row in enumerate(by_key):
            if row.own_time is not None:
                continue
            for other in by_key[i::-1] + by_key[i:]:
                if other.group == row.group and \
                        other.own_time not in (None, INVALID):
                    row.time = other.own_time
                    break

    def _run_group(self, rows):
        """Yields the new rows of one group."""
        for row in rows:
            if row.key in self.done and self.done[row.key][1] is not None:
                row.time = self.done[row.key][1]
        rows.sort(key=lambda row: (row.time is None, row.time or 0,
                                   row.sort_key))
        known = [i for i, row in enumerate(rows) if row.key in self.done]
        previous = None
        for i, row in enumerate(rows):
            if row.key in self.done:
                previous = row
                continue
            row.set_metadata()
            following = next((rows[n] for n in known if n > i), None)
            self._place(row, previous, following)
            previous = row
            yield row

    def _place(self, row, previous, following):
        if previous and not self._is_pause(previous.time, row.time):
            conversation = self.done[previous.key][0]
            if following is None or \
                    self.done[following.key][0] is not conversation:
                at = len(conversation.messages)
            else:
                at = 1 + max(conversation.places(previous))
        elif following and not self._is_pause(row.time, following.time):
            conversation = self.done[following.key][0]
            at = 0
            if previous and self.done[previous.key][0] is conversation:
                at = 1 + max(conversation.places(previous))
        else:
            conversation = Conversation(row, row.group)
            self._describe(conversation, row)
            self.conversations.append(conversation)
            at = 0
        conversation.messages[at:at] = row.messages()
        self.done[row.key] = (conversation, row.time)

    def _is_pause(self, before, after):
        gap = self.history.options.get("idle_gap")
        if gap is None or before is None or after is None or before == after:
            return False
        return after - before > GAPS[gap]

    def _describe(self, conversation, row):
        options = self.history.options
        first = row.messages()[0].content
        conversation.title = fill(options.get("title", "{first_message}"),
                                  row, first)
        conversation.description = fill(options.get("description"), row, first)
        if row.part("session") is not None:
            column = self.history.parts["session"]
            value = row.part("session")
            if column.type in ("int", "bigint", "numeric", "float8"):
                value = kept_json(column.type, value)
            conversation.metadata = {column.name: value}


def fill(template, row, first):
    if template is None:
        return None
    values = {"{owner}": row.part("owner"), "{session}": row.part("session"),
              "{counterpart}": row.part("counterpart"),
              "{first_message}": first_line(first)}
    text = re.sub(r"\{(owner|session|counterpart|first_message)\}",
                  lambda match: values[match.group()] or "", template)
    return text or None


def first_line(content):
    blanks = " \t\n\r\f"
    line = re.split(r"[\r\n]", (content or "").lstrip(blanks))[0]
    line = line.rstrip(blanks)
    return line if len(line) <= 80 else line[:80] + "..."


# -- values ----------------------------------------------------------------

def sortable(type_, text):
    """In the order of the type."""
    if type_ in ("int", "bigint", "smallint"):
        return int(text)
    if type_ == "numeric":
        return Decimal(text)
    if type_ == "date":
        return time_of_iso(text, "UTC")
    return text.encode()


def comparable(type_, text):
    """The same for what the type holds to be equal."""
    if text is None:
        return None
    if type_ in ("numeric", "float8"):
        return "NaN" if text == "NaN" else Decimal(text)
    return text


def kept_json(type_, text):
    if text is None:
        return None
    if type_ in ("int", "bigint", "smallint"):
        return Number(text)
    if type_ in ("numeric", "float8"):
        return text if text == "NaN" else Number(text.replace("-0", "0"))
    if type_ == "bool":
        return text == "t"
    if type_ == "jsonb":
        return parse_json(text)
    if type_ == "timestamptz":
        day, clock = text.removesuffix("+00").split(" ")
        if "." in clock:
            clock = clock.rstrip("0")
        return f"{day}T{clock}+00:00"
    if type_ == "text[]":
        return {"{}": [], '{a,NULL,"",b c}': ["a", None, "", "b c"],
                '{"NULL","q\\"\\\\"}': ["NULL", 'q"\\']}[text]
    return text


# -- times: microseconds since 1970, UTC -----------------------------------

ISO = re.compile(
    r"(?:(\d{4,6})-(\d\d)-(\d\d)|(\d{4})(\d\d)(\d\d)(?=T))"
    r"(?:(?:T|\s+)(\d\d):?(\d\d)(?::?(\d\d)(?:[.,](\d+))?)?"
    r"(?:\s*(Z|UTC|([+-])(\d\d):?(\d\d)?))?)?(\s+BC)?", re.ASCII)


def time_of_iso(text, zone):
    text = text.strip()
    if text in FOREVER:
        return FOREVER[text]
    match = ISO.fullmatch(text)
    if not match:
        return INVALID
    (y1, m1, d1, y2, m2, d2, hour, minute, second, fraction, offset, sign,
     zone_hour, zone_minute, bc) = match.groups()
    year, month, day = int(y1 or y2), int(m1 or m2), int(d1 or d2)
    if year == 0 or not 1 <= month <= 12:
        return INVALID
    year = 1 - year if bc else year
    days = days_from_civil(year, month, day)
    after = days_from_civil(*((year, month + 1, 1) if month < 12
                              else (year + 1, 1, 1)))
    if day < 1 or days >= after:
        return INVALID
    hour, minute, second = int(hour or 0), int(minute or 0), int(second or 0)
    rounded = (Decimal("0." + (fraction or "0")) * 10**6).quantize(
        Decimal(1), ROUND_HALF_UP)
    if minute > 59 or second > 60 or \
            (hour, minute, second, int(rounded)) > (24, 0, 0, 0):
        return INVALID
    local = days * DAY + ((hour * 60 + minute) * 60 + second) * 10**6 \
        + int(rounded)
    if offset in ("Z", "UTC"):
        return local
    if offset:
        seconds = int(zone_hour) * 3600 + int(zone_minute or 0) * 60
        return local - (seconds if sign == "+" else -seconds) * 10**6
    return local - offset_of_local(local, zone) * 10**6


def offset_of_local(local, zone):
    """Seconds east of UTC. In the gap of spring the time before it counts, in
    the fold of autumn the time after it."""
    if zone == "UTC":
        return 0
    naive = datetime(1970, 1, 1) + timedelta(microseconds=local)
    early, late = (naive.replace(tzinfo=ZoneInfo(zone), fold=fold).utcoffset()
                   for fold in (0, 1))
    chosen = late if early > late else early
    return int(chosen.total_seconds())


def time_of_number(text, unit):
    if text in ("Infinity", "-Infinity"):
        return FOREVER[text.lower()]
    if text == "NaN":
        return INVALID
    return int((Decimal(text) * 10**6 / unit).to_integral_value())
