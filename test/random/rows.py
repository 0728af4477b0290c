"""A legacy row, and what it says: its messages, or why it is rejected."""

import json
from decimal import Decimal

from elements import Element, find
from times import INVALID, time_of_iso, time_of_number
from vocabulary import KNOWN_ROLES

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
