"""What the application's tables can show of a conversation."""

from rows import comparable
from seconds import seconds


def note_session(state, conversation, message, left):
    """It may be in a column, in the conversation's metadata or in the trace."""
    column = state.trial.history.parts.get("session")
    if column is None:
        return
    left = left.get("session") or {}
    for value in (message["the_session"], left.get(column.name),
                  (conversation["metadata"] or {}).get(column.name)):
        if conversation["session"] is None and value is not None:
            conversation["session"] = str(value)


def compare_shapes(layout, got, wanted):
    """Takes out of both what these tables have no column for."""
    for field in ("title", "description", "is_active"):
        if not layout.has("conversations", field):
            wanted[field] = None
    got["metadata"] = wanted["metadata"] = None
    if "session" in layout.history.parts:
        for c in (got, wanted):
            c["session"] = comparable(layout.history.parts["session"].type,
                                      c["session"])
    for name, time in zip(("created_at", "updated_at"), wanted["times"]):
        wanted[name] = seconds(layout.rounded("conversations", time)) \
            if layout.has("conversations", name) else None
    for description in (got, wanted):
        if not layout.has("messages", "position"):
            description["messages"].sort(
                key=lambda m: repr((m["key"], m.get("part"))))
            description["keys"] = [m["key"] for m in description["messages"]]
        for m in description["messages"]:
            if not layout.has("messages", "position"):
                m["position"] = None
            if not layout.has("messages", "reply_to"):
                m["reply_to"] = None
            if not layout.has("media", "summary"):
                m["summary"] = None
            if m.get("medium") and not layout.has("media", "type"):
                m["medium"] = m["medium"][0]
