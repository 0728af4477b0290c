"""What is there against what the oracle says."""

import shapes
from failure import Failure, expect
from rows import comparable, parse_json
from seconds import seconds


def metadata(text):
    if text is None or not isinstance(text, str):
        return text
    return parse_json(text)


def compare(what, state, oracle, deleted):
    """Every conversation with all its messages, whatever its id. Once legacy
    rows are gone, later ones may stand behind them that are older."""
    got = sorted((describe_made(state, id_) for id_ in state.conversations),
                 key=first_key)
    wanted = sorted((describe_wanted(oracle, c) for c in oracle.conversations),
                    key=first_key)
    for g, w in zip(got, wanted):
        if state.trial.layout.exists:
            shapes.compare_shapes(state.trial.layout, g, w)
        if deleted:
            g["created_at"] = w["created_at"]
            g["updated_at"] = w["updated_at"]
        if oracle.runs > 1:     # it is only looked for in the same run
            for m in g["messages"] + w["messages"]:
                m["summary"] = None
        if None in w["keys"]:
            g["updated_at"] = w["updated_at"]
        w.pop("times")
        if state.trial.layout.is_grouped:   # each message has its row's spelling
            for part in ("owner", "counterpart", "session"):
                if same(oracle.history, part, g[part], w[part]):
                    g[part] = w[part]
        if g != w:
            raise Failure("conversation",
                          f"{what}: conversation " + difference(g, w))
    expect(f"{what}: conversations", len(got), len(wanted))
    traced = {key: (c, m is not None) for key, (c, m) in state.traced.items()}
    expect(f"{what}: traced keys", set(traced), set(oracle.done))
    for id_, messages in state.messages.items():
        for message in messages:
            if message["id"] in state.entry:
                key, _ = state.entry[message["id"]]
                expect(f"{what}: conversation of {key} in the trace",
                       traced[key][0], id_)


def same(history, part, a, b):
    return part in history.parts and None not in (a, b) and \
        comparable(history.parts[part].type, a) == \
        comparable(history.parts[part].type, b)


def first_key(conversation):
    return repr(min(key for key in conversation["keys"] if key is not None)) \
        if any(conversation["keys"]) else f"owner {conversation['owner']!r}"


def difference(got, wanted):
    lines = [str(wanted["keys"]) + " instead of " + str(got["keys"])]
    for name in wanted:
        if got[name] != wanted[name] and name != "messages":
            lines.append(f"  {name}: got {got[name]!r}, wanted {wanted[name]!r}")
    for g, w in zip(got["messages"], wanted["messages"]):
        for name in w:
            if g.get(name) != w[name]:
                lines.append(f"  {w['key']} part {w.get('part')} {name}: got "
                             f"{g.get(name)!r:.300}, wanted {w[name]!r:.300}")
    return "\n".join(lines)


def describe_made(state, id_):
    c = state.conversations[id_]
    result = {
        "owner": c.get("the_owner"), "counterpart": c.get("the_counterpart"),
        "title": c["title"], "description": c["description"],
        "metadata": metadata(c["metadata"]), "is_active": c["is_active"],
        "created_at": c["created_at"], "updated_at": c["updated_at"],
        "session": c["the_session"] if state.trial.layout.exists else None,
        "messages": []}
    for m in state.messages[id_]:
        key, part = state.entry.get(m["id"], (None, None))
        if key is None:
            result["messages"].append({"position": m["position"], "key": None})
            continue
        medium = state.media.get(m["media_id"])
        if medium:
            expect("medium in the trace", state.traced[key][1], m["media_id"])
            expect("owner of a medium",
                   *(owner and comparable(state.owner_type, owner) for owner in
                     (medium.get("the_owner"), c.get("the_owner"))))
            if not state.trial.layout.exists:
                expect("time of a medium", medium["created_at"],
                       m["created_at"])
        left = state.left.get((key, part), {})
        m = dict(m, model=left.get("model", m["model"]),
                 tokens=m["tokens"] or left.get("tokens") and
                 str(left["tokens"]),
                 metadata=m["metadata"] or left.get("metadata") and
                 left["metadata"])
        if state.trial.layout.exists:
            shapes.note_session(state, result, m, left)
        result["messages"].append({
            "key": key, "part": part, "position": m["position"],
            "role": m["role"],
            "content": (m["content"] or "") if medium else m["content"],
            "model": m["model"], "tokens": m["tokens"],
            "metadata": metadata(m["metadata"]), "created_at": m["created_at"],
            "reply_to": state.entry.get(m["reply_to_id"]),
            "medium": medium and (medium["url"], medium["type"]),
            "summary": medium and medium["summary"]})
    result["keys"] = [m["key"] for m in result["messages"]]
    return result


def describe_wanted(oracle, c):
    times = sorted(m.exact for m in c.messages if m and m.exact is not None) \
        or [None]
    if c.is_owners:
        times = [min((t for t in (c.begins, times[0]) if t is not None),
                     default=None),
                 max((t for t in (c.ends, times[-1]) if t is not None),
                     default=None)]
    result = {
        "owner": c.owner, "counterpart": c.counterpart, "title": c.title,
        "description": c.description, "metadata": c.metadata,
        "is_active": True, "created_at": seconds(times[0]),
        "updated_at": seconds(times[-1]),
        "session": c.session if oracle.history.layout.exists else None,
        "times": (times[0], times[-1]), "messages": []}
    for position, m in enumerate(c.messages):
        if m is None:
            result["messages"].append({"position": position, "key": None})
            continue
        result["messages"].append({
            "key": m.key, "part": m.part, "position": position, "role": m.role,
            "content": (m.content or "") if m.medium else m.content,
            "model": m.model, "tokens": m.tokens, "metadata": m.metadata,
            "created_at": seconds(m.time),
            "reply_to": m.reply if m.reply and len(m.reply) == 2 else None,
            "medium": m.medium, "summary": m.summary})
    result["keys"] = [m["key"] for m in result["messages"]]
    return result
