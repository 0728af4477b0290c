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

from elements import Element, find
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
        self.row = row
        self.key = row.key
        self.part = part
        self.role = role
        self.content = content
        self.time = self.exact = row.time
        self.metadata = row.metadata
        self.model = row.part("model")
        self.tokens = None
        self.reply = None       # (key, part), or a key
        self.medium = None      # (url, type)
        self.summary = None


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
        self.names = set()
        self.elements = self._elements()

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

    def medium(self):
        """(url, type), or None."""
        if self.history.media_keys is None:
            url = self.part("media") or None
            return url and (url, self.part("media_type"))
        said = self.mapped_metadata()
        if said.get("hasMedia") is not True:
            return None
        return said.get("url", said.get("filename")), said.get("mediaType")

    def mapped_metadata(self):
        said = self.part("metadata")
        said = said and parse_json(said)
        return said if isinstance(said, dict) else {}

    def _elements(self):
        """Of a transcript; None for one that cannot be read."""
        if self.history.shape != "transcript":
            return []
        try:
            found = find(parse_json(self.part("transcript") or "null"),
                         self.history.path)
        except ValueError:
            return None
        zone = self.history.options.get("time_zone", "UTC")

        def time_of(value):
            if isinstance(value, Number):
                unit = 1
                while abs(Decimal(value)) >= 10**11 * unit:
                    unit *= 1000
                return time_of_number(value, unit)
            time = time_of_iso(value, zone) if isinstance(value, str) \
                else INVALID
            return None if time == INVALID else time

        return [Element(value, self._known_role, time_of) for value in found]

    def _known_role(self, spelling):
        """(role, whether roles explained it), or None."""
        if spelling in self.history.roles:
            return self.history.roles[spelling], True
        for role, spellings in KNOWN.items():
            if spelling.lower() in spellings:
                return role, False
        return None

    def is_empty(self):
        if self.history.shape == "transcript":
            return not self.part("transcript")
        return not self.halves()

    def messages(self):
        """Its messages in order, or [] for a row that holds none."""
        if self.history.shape == "transcript":
            result = self._transcribed()
        else:
            result = self.halves()
        if result:
            result[-1].tokens = self.part("tokens")
            if self.part("reply_to") is not None:
                result[0].reply = (self.part("reply_to"),)
        return result

    def halves(self):
        if self.history.shape == "pair":
            halves = [(1, "user", self.part("question")),
                      (2, "assistant", self.part("answer"))]
        else:
            halves = [(1, self.role(), self.part("content"))]
        result = []
        for part, role, content in halves:
            medium = self.medium() if part == 1 else None
            if not content and medium is None:
                continue
            message = Message(self, part, role, content)
            message.medium = medium
            if part == 2 and len(result) == 1:
                message.reply = self.key, 1
            result.append(message)
        return result

    def _transcribed(self):
        result = []
        for part, element in enumerate(self.elements or [], 1):
            if self.element_codes(element):
                continue
            message = Message(self, part, element.role, element.content)
            if element.time is not None:
                message.time = message.exact = element.time
            rest = Element.members(element)
            layout = self.history.layout
            if not message.model and layout.has("messages", "model"):
                own = element.rest.get("model")
                if message.model is None and own is not None and \
                        type(own) is str and own:
                    message.model = own
                    del rest["model"]
            message.metadata = self.with_members(rest, element.time)
            if element.role == "assistant" and result and \
                    result[-1].part == part - 1 and result[-1].role == "user":
                message.reply = self.key, part - 1
            result.append(message)
        return result

    def with_members(self, rest, time):
        base = dict(self.metadata or {})
        names = set(self.names) | set(base)
        if time is not None:
            base.pop(MARK, None)
        if names & set(rest):
            rest = {"chatmig_message": rest}
        base.update(rest)
        return base if base or self.metadata == {} else None

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
        """The reasons for which the row cannot be converted."""
        codes = []
        if self.elements is None:
            codes.append("not_json")
        elif self.history.shape == "transcript" and not self.elements:
            codes.append("no_messages")
        if self.history.shape == "flat":
            if self.part("role") is None:
                codes.append("missing_role")
            elif self.role() is None:
                codes.append("unknown_role")
        if self.own_time == INVALID:
            codes.append("invalid_time")
        if self.history.shape != "transcript":
            codes += [code for m in self.halves() for code in self.unfit(m)]
        return codes

    def unfit(self, message):
        """Why the target cannot hold it."""
        layout = self.history.layout
        if not layout.exists:
            return []
        codes = []
        if message.role is not None and message.role not in layout.roles:
            codes.append("role_not_allowed")
        limit = layout.limits.get(("messages", "content"))
        if limit and len(message.content or "") > limit:
            codes.append("too_long")
        return codes

    def rejects(self):
        """{(key, part): codes}; of a part that is a message among others."""
        if self.codes():
            return {(self.key, 0): self.codes()}
        return {(self.key, part): self.element_codes(element)
                for part, element in enumerate(self.elements, 1)
                if self.element_codes(element)}

    def element_codes(self, element):
        return [element.code] if element.code else self.unfit(element)

    def set_metadata(self):
        h = self.history
        columns = h.kept_columns()
        kept = {c.name: kept_json(c.type, self.values[c.name])
                for c in columns}
        names = self.names = set(kept) | {MARK}
        result = {}
        if any(self.values[c.name] is not None for c in columns):
            result.update(kept)
        result.update(parse_json(json.dumps(h.options.get("metadata", {}))))
        names |= set(h.options.get("metadata", {}))
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
        self.rejects = {}
        self.runs = 0
        self.done = {}        # key -> (conversation, time of its messages)

    def run(self, all_values, skips=lambda row: False):
        """Migrates what is new in the whole table. Returns counts and rejected
        rows: (key, part) -> possible codes. skips: whether a new row is left
        alone."""
        rows = [Row(self.history, values) for values in all_values]
        self._fill_in_times(rows)
        counts = dict.fromkeys(["legacy_rows", "already", "migrated", "empty",
                                "rejected", "skipped", "conversations",
                                "messages", "media"], 0)
        counts["legacy_rows"] = len(rows)
        # of a row of which others came through
        rejects = {at: codes for at, codes in self.rejects.items()
                   if at[0] in self.done}
        groups = {}
        for row in rows:
            if row.key in self.done:
                counts["already"] += 1
            elif skips(row):
                counts["skipped"] += 1
                continue
            elif row.is_empty():
                counts["empty"] += 1
                continue
            else:
                rejects.update(row.rejects())
                if row.codes() or not row.messages():
                    counts["rejected"] += 1
                    continue
            groups.setdefault(row.group, []).append(row)
        before = len(self.conversations)
        for group in groups.values():
            for row in self._run_group(group):
                counts["migrated"] += 1
                counts["messages"] += len(row.messages())
                counts["media"] += row.medium() is not None
        counts["conversations"] = len(self.conversations) - before
        self._resolve_replies()
        self._summarize()
        self.rejects = rejects
        self.runs += 1
        return counts, rejects

    def _resolve_replies(self):
        """A row that answers another one answers its last message."""
        last = {}
        for c in self.conversations:
            for m in c.messages:
                if m and m.part >= last.get(m.key, (0,))[0]:
                    last[m.key] = m.part, m
        by_key = {comparable(self.history.keys[0].type, key[0]): m
                  for key, (_, m) in last.items()}
        for c in self.conversations:
            for m in c.messages:
                if m and m.reply and len(m.reply) == 1:
                    other = by_key.get(comparable(self.history.keys[0].type,
                                                  m.reply[0]))
                    if other and other.key != m.key:
                        m.reply = other.key, other.part

    def _summarize(self):
        """A message may say what is in a medium before it."""
        if self.history.media_keys is None:
            return
        for c in self.conversations:
            media = {}
            for m in c.messages:
                if m is None:
                    continue
                said = m.row.mapped_metadata()
                if m.medium:
                    media.setdefault(said.get("filename"), []).append(m)
                elif said.get("isMediaAnalysis") is True and \
                        media.get(said.get("filename")):
                    # of several, the last that has none yet
                    media[said["filename"]].pop().summary = m.content

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
            if row.key in self.done and self.done[row.key][1] is not None \
                    and not self._is_forgotten(row):
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

    def _is_forgotten(self, row):
        """The time that a transcript was given, if its last message has one
        of its own."""
        if self.history.shape != "transcript" or row.own_time is not None:
            return False
        messages = [m for m in self.done[row.key][0].messages
                    if m and m.key == row.key]
        return bool(messages) and MARK not in (messages[-1].metadata or {})

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
        messages = row.messages()
        self._keep_apart(conversation, messages, previous)
        for message in messages:
            message.run = self.runs
        conversation.messages[at:at] = messages
        self.done[row.key] = (conversation, row.time)

    def _keep_apart(self, conversation, messages, previous):
        """Where readers sort by time alone, a question is a step older than its
        answer, and each message younger than the one before it."""
        layout = self.history.layout
        if not layout.exists:
            return
        last = None
        if previous and self.done[previous.key][0] is conversation:
            of_it = [m for m in conversation.messages
                     if m and m.key == previous.key and m.time is not None]
            last = max((m.time for m in of_it), default=None)
            if of_it and of_it[0].run < self.runs and \
                    previous.time is not None:
                last = max(previous.time, last)
        step = layout.step("messages")
        for n, message in enumerate(messages):
            message.exact = message.time
            message.time = layout.rounded("messages", message.time)
            if not layout.keeps_apart() or message.time is None or \
                    abs(message.time) == float("inf"):
                continue
            if n + 1 < len(messages):
                message.time -= step
            if last is not None and message.time <= last:
                message.time = last + step
            last = message.exact = message.time
            message.time = layout.rounded("messages", message.time)

    def _is_pause(self, before, after):
        gap = self.history.options.get("idle_gap")
        if gap is None or before is None or after is None or before == after:
            return False
        return after - before > GAPS[gap]

    def _describe(self, conversation, row):
        options = self.history.options
        first = row.messages()[0].content
        title = options.get("title", "{first_message}")
        if row.part("counterpart") is None:
            title = options.get("title_without_counterpart", title)
        conversation.title = fill(title, row, first)
        limit = self.history.layout.limits.get(("conversations", "title"))
        if limit and len(conversation.title or "") > limit:
            conversation.title = conversation.title[:limit - 3] + "..."
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
