"""What the messages in a transcript are, as the README's section "Transcripts"
has it. A part of the second implementation."""

import json

NESTED = ("data", "message")
EMPTY = (None, "", [], {})


def find(document, path):
    """What the path leads to."""
    at = [document]
    for step in path.replace("[*]", ".[*]").split(".")[1:]:
        found = []
        for value in at:
            if step == "[*]":
                found += value if isinstance(value, list) else [value]
            else:
                values = value if isinstance(value, list) else [value]
                found += [v[step] for v in values
                          if isinstance(v, dict) and step in v]
        at = found
    return at


def is_empty(value):
    return any(value is e or (type(value) is type(e) and value == e)
               for e in EMPTY)


class Element:
    """What one element says, or the code of why it is none."""

    def __init__(self, value, known_role, time_of):
        self.code = self.role = self.content = self.time = None
        if not isinstance(value, dict):
            self.code = "not_an_object"
            return
        self.rest = dict(value)
        self._take_role(value, known_role)
        if self.code is None:
            self._take_content(value)
        if self.code is None:
            self._take_time(value, time_of)

    def _take_role(self, value, known_role):
        found = []
        for name in ("role", "type", "sender", "from", "author"):
            said = value.get(name)
            if isinstance(said, dict):
                said = said.get("role")
            if is_empty(said) or isinstance(said, (list, dict)):
                continue
            if isinstance(said, bool):
                said = json.dumps(said)
            found.append((name, said, known_role(said)))
        if not found:
            self.code = "missing_role"
            return
        name, said, role = next((f for f in found if f[2]), found[0])
        if role is None:
            self.code = "unknown_role"
            return
        self.role, explained = role
        if not explained and not isinstance(value[name], dict):
            del self.rest[name]

    def _take_content(self, value):
        for name in ("content", "text", "message", "body", "parts"):
            said = value.get(name)
            if is_empty(said):
                continue
            if isinstance(said, list):
                texts = [t for t in map(text_of, said) if t]
                if not texts:
                    self.content = jsonb_text(said)
                    del self.rest[name]
                else:
                    self.content = "\n".join(texts)
                    if len(said) == 1 and is_text_alone(said[0]):
                        del self.rest[name]
            else:
                self.content = jsonb_text(said) \
                    if isinstance(said, bool) else str(said)
                del self.rest[name]
            return
        self.code = "missing_content"

    def _take_time(self, value, time_of):
        for name in ("created_at", "createdAt", "timestamp", "time", "date",
                     "ts", "at", "create_time", "sent_at", "sentAt"):
            if is_empty(value.get(name)):
                continue
            self.time = time_of(value[name])
            if self.time is None:
                self.code = "invalid_time"
            else:
                del self.rest[name]
            return

    def take_model(self):
        model = self.rest.get("model")
        if type(model) is str and model:
            return self.rest.pop("model")
        return None

    def members(self):
        """What becomes the metadata."""
        rest = dict(self.rest)
        own = rest.get("metadata")
        if isinstance(own, dict):
            del rest["metadata"]
            if set(own) & set(rest):
                rest["metadata"] = own
            else:
                rest.update(own)
        return rest


def text_of(part):
    if isinstance(part, dict):
        part = part.get("text")
    return part if type(part) is str else None


def is_text_alone(part):
    return type(part) is str or set(part) == {"text"} or \
        (set(part) == {"type", "text"} and part["type"] == "text")


def jsonb_text(value):
    """As jsonb writes it: keys by length, then bytes."""
    if isinstance(value, dict):
        keys = sorted(value, key=lambda k: (len(k.encode()), k.encode()))
        return "{" + ", ".join(f"{json.dumps(k, ensure_ascii=False)}: "
                               f"{jsonb_text(value[k])}" for k in keys) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(jsonb_text, value)) + "]"
    if isinstance(value, str) and type(value) is not str:
        return str(value)           # a number
    return json.dumps(value, ensure_ascii=False)
