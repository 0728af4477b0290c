"""Random transcripts: JSON that holds messages, and things that are none."""

import json

from civil import civil

PATHS = {"$.messages[*]": lambda x: {"id": 1, "messages": x},
         "$[*]": lambda x: x,
         "$.thread.turns[*]": lambda x: {"thread": {"turns": x, "n": 1.50}}}

ROLE_MEMBERS = ["role", "type", "sender", "from", "author"]
CONTENT_MEMBERS = ["content", "text", "message", "body"]
TIME_MEMBERS = ["created_at", "createdAt", "timestamp", "time", "date", "ts",
                "at", "create_time", "sent_at", "sentAt"]
SPELLINGS = ["user", "human", "Assistant", "AI", "bot", "system", "tool",
             "USER", "model"]
OTHERS = {"id": ["x1", 7], "name": [None, "Ada"], "ms": [840, 1.50],
          "tool_calls": [[], [{"a": None}]], "x": [1, "é 😀"],
          "model": ["gpt-4", "", 4], "metadata": [{}, {"deep": {"a": [1]}}, [1]],
          "kept_1": ["own"]}


def document(r, path, text, clock, bad):
    """As text, or None."""
    if r.random() < 0.08:
        return r.choice([None, ""])
    if r.random() < bad:
        return r.choice(["hello", "{", '{"messages": 1', " ", "[", "[1,]"])
    if path == "$":
        return json.dumps(element(r, text, clock, bad), ensure_ascii=False)
    elements = [element(r, text, clock, bad)
                for _ in range(r.choice([0, 1, 2, 2, 3, 5]))]
    if not elements and bad == 0:
        elements = [element(r, text, clock, 0)]
    return json.dumps(PATHS[path](elements),
                      ensure_ascii=r.random() < 0.5)


def element(r, text, clock, bad):
    if r.random() < bad / 2:
        return r.choice(["a string", 1, None, True, [1], {}])
    result = {}
    _role(r, result, bad)
    _content(r, result, text, bad)
    _time(r, result, clock, bad)
    for name, values in OTHERS.items():
        if name not in result and r.random() < 0.12:
            result[name] = r.choice(values)
    members = list(result.items())
    r.shuffle(members)
    return dict(members)


def _role(r, result, bad):
    if r.random() < bad:
        result[r.choice(ROLE_MEMBERS)] = r.choice([None, "", "zebra", 1, []])
        return
    role = r.choice(SPELLINGS + ["user", "assistant"] * 3 + ["lyra", "Me"])
    name = r.choice(["role"] * 4 + ROLE_MEMBERS)
    if name == "author" and r.random() < 0.5:
        role = {"role": role}
    elif name != "type" and r.random() < 0.1:
        result["type"] = r.choice(["message", "", None])
    elif name != "role" and r.random() < 0.1:
        result["role"] = r.choice(["", None, {}, "stranger"])
    result[name] = role


def _content(r, result, text, bad):
    if r.random() < bad:
        result["content"] = r.choice([None, "", [], {}])
        return
    name = r.choice(["content"] * 4 + CONTENT_MEMBERS)
    kind = r.random()
    if kind < 0.65:
        result[name] = text() or "x"
    elif kind < 0.75:
        result[name] = r.choice([42, 1.5, True, False, -7])
    else:
        said = text() or "y"
        result[r.choice([name, "parts"])] = r.choice([
            [said], [said, "more"], [{"type": "text", "text": said}],
            [{"text": said}, {"text": "é"}],
            [{"type": "text", "text": said},
             {"type": "image_url", "image_url": {"url": "x"}}],
            [{"type": "tool_use", "name": "f", "input": {}}],
        ])


def _time(r, result, clock, bad):
    if r.random() < 0.6:
        return
    name = r.choice(TIME_MEMBERS)
    if r.random() < bad:
        result[name] = r.choice(["10:30 AM", "later", True])
        return
    time = clock + r.choice([0, 1, -10**6, 3600 * 10**6])
    result[name] = r.choice([
        time // 10**6, time // 10**3, time, civil_z(time), civil_z(time)[:10]])


def civil_z(time):
    return civil(time).replace(" ", "T") + "Z"
