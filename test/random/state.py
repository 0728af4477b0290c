"""All rows of the new tables, as plain SQL reads them."""

import json

from rows import parse_json
from text import literal


class State:
    """All rows of the new tables, read by plain SQL."""

    def __init__(self, trial):
        self.trial = trial
        self._read()
        self._connect()

    def _read(self):
        h, tables = self.trial.history, self.trial.tables
        layout, session = self.trial.layout, self.trial.session
        layout.read_names(session)
        self.owner_type = h.parts["owner"].type if "owner" in h.parts else None
        has_leftovers = session.one(
            "SELECT to_json(count(*)) FROM pg_attribute "
            f"WHERE attrelid = {literal(tables['trace'])}::regclass "
            "AND attname = 'metadata' AND attnum > 0;") > 0

        def text(part, field, name=None):
            return f"{layout.column(part, field)}::text AS {name or field}"

        def time(part, field):
            column = layout.column(part, field)
            if column == "NULL":
                return f"NULL AS {field}"
            type_, _ = layout.times[part]
            if type_ == "timestamp":
                zone = h.options.get("time_zone", "UTC")
                column = f"{column} AT TIME ZONE {literal(zone)}"
            return f"extract(epoch FROM {column})::text AS {field}"

        def group(part, field):
            column = layout.column(part, field)
            if column == "NULL":
                return f"NULL AS the_{field}"
            return f"CASE WHEN {column} IS NOT NULL THEN " \
                f"format('%s', {column}) END AS the_{field}"

        queries = {
            "conversations": [text("conversations", f) for f in
                              ("id", "title", "description", "metadata")]
            + [layout.column("conversations", "is_active") + " AS is_active",
               time("conversations", "created_at"),
               time("conversations", "updated_at")]
            + [group("conversations", f)
               for f in ("owner", "counterpart", "session")],
            "messages": [text("messages", f) for f in
                         ("id", "role", "content", "model", "tokens",
                          "metadata")]
            + [text("messages", "conversation", "conversation_id"),
               text("messages", "media", "media_id"),
               text("messages", "reply_to", "reply_to_id"),
               layout.column("messages", "position") + " AS position",
               time("messages", "created_at")]
            + [group("messages", f)
               for f in ("owner", "counterpart", "session")],
            "trace": ["array_to_json(ARRAY[" + ", ".join(
                f"format('%s', key_{n + 1})" for n in range(len(h.keys)))
                + "]) AS key", "conversation_id::text", "message_ids::text[]",
                "media_id::text",
                f"{'metadata' if has_leftovers else 'NULL'}::text AS metadata"],
        }
        if "media" in tables:
            queries["media"] = [text("media", f) for f in
                                ("id", "url", "type", "summary", "metadata")] \
                + [time("media", "created_at"), group("media", "owner")]
        froms = dict(tables)
        if layout.is_grouped:
            id_ = layout.column("messages", "conversation")
            # y: or else it might be one of the names behind AS
            queries["conversations"] = [
                f"DISTINCT ON (y.{id_}) y.{id_}::text AS id",
                "NULL AS title", "NULL AS description", "NULL AS metadata",
                "NULL AS is_active", "NULL AS created_at",
                "NULL AS updated_at"] \
                + [group("messages", f)
                   for f in ("owner", "counterpart", "session")]
            froms["conversations"] = tables["messages"] + " AS y"
        sql = ["BEGIN; SET LOCAL DateStyle = 'ISO, YMD';"]
        for part, columns in queries.items():
            sql.append(f"SELECT json_build_array('{part}', to_json(x)) FROM "
                       f"(SELECT {', '.join(columns)} FROM {froms[part]}) AS x;")
        sql.append("COMMIT;")
        self.raw = {part: [] for part in queries}
        for part, row in session.run("\n".join(sql)):
            if row.get("id") not in self.trial.others.get(part, ()):
                self.raw[part].append(row)
        for part, rows in self.raw.items():
            rows.sort(key=repr)
        self.ids = {part: {row["id"] for row in self.raw.get(part, [])}
                    for part in ("conversations", "messages", "media")}

    def _connect(self):
        self.conversations = {c["id"]: c for c in self.raw["conversations"]}
        self.media = {m["id"]: m for m in self.raw.get("media", [])}
        self.messages = {id_: [] for id_ in self.conversations}
        self.positions = {}
        for message in sorted(self.raw["messages"],
                              key=lambda m: (m["position"] or 0)):
            self.messages[message["conversation_id"]].append(message)
            self.positions[message["id"]] = message["position"]
        self.times = {m["id"]: m["created_at"] for m in self.raw["messages"]}
        self.entry = {}         # message id -> (key, part)
        self.by_entry = {}
        self.key_text = {}      # message id -> key as text
        self.traced = {}        # key -> (conversation, medium)
        self.left = {}          # (key, part) -> what has no column
        inverse = {v: k for k, v in self.trial.layout.roles.items()}
        for message in self.raw["messages"]:
            message["role"] = inverse.get(message["role"], message["role"])
        for trace in self.raw["trace"]:
            key = tuple(trace["key"])
            self.traced[key] = trace["conversation_id"], trace["media_id"]
            for part, left in parse_json(trace["metadata"] or "{}").items():
                self.left[key, int(part)] = left
            for part, id_ in enumerate(trace["message_ids"], 1):
                if id_ is not None:
                    self.entry[id_] = key, part
                    self.by_entry[key, part] = id_
                    self.key_text[id_] = key[0] if len(key) == 1 else \
                        json.dumps(list(key), ensure_ascii=False)
        self.first_entry = {
            id_: next((self.entry[m["id"]] for m in messages
                       if m["id"] in self.entry), None)
            for id_, messages in self.messages.items()}

    def is_timeless(self, message):
        """Whether it is marked as having a neighbour's time, in its metadata or,
        where the target has none, in the trace."""
        left = self.left.get(self.entry.get(message["id"]), {})
        return "chatmig_time_missing" in \
            (message["metadata"] or "") + str(left)

