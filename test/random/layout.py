"""The new tables of a history: those that chatmig makes, or those that an
application has made already, with names and types of its own.

A field is what a column is for, as the README's table in "Filling tables that
exist" calls it. Nothing here says what must come into them.
"""

import random

from text import ident, literal
from vocabulary import Column, NAMES

FIELDS = {
    "conversations": ["id", "owner", "counterpart", "session", "title",
                      "description", "is_active", "metadata", "created_at",
                      "updated_at"],
    "messages": ["id", "conversation", "position", "role", "content", "model",
                 "tokens", "metadata", "media", "reply_to", "created_at",
                 "owner", "counterpart", "session"],
    "media": ["id", "owner", "url", "type", "summary", "metadata",
              "created_at"],
}

PLAIN = {"conversation": "conversation_id", "owner": "user_id",
         "counterpart": "mentor_id", "session": "session_id",
         "media": "media_id", "reply_to": "reply_to_id"}
CAMEL = {"conversation": "conversationId", "owner": "userId",
         "counterpart": "mentorId", "session": "sessionId",
         "media": "mediaId", "reply_to": "replyToId",
         "created_at": "createdAt", "updated_at": "updatedAt",
         "is_active": "isActive"}

# How the target calls a role; what is not there is not allowed.
ROLE_VALUES = [
    {"user": "user", "assistant": "assistant", "system": "system",
     "tool": "tool"},
    {"user": "user", "assistant": "assistant", "system": "system"},
    {"user": "USER", "assistant": "BOT", "system": "SYSTEM"},
    {"user": "USER", "assistant": "BOT", "system": "SYSTEM", "tool": "TOOL"},
    {"user": "Human", "assistant": "AI"},
    {"user": "user", "assistant": "aurora"},
    {"user": "it's \"me\"", "assistant": "ünit"},
]
OWN_VALUES = ("aurora", "it's \"me\"", "ünit")


def plain(name):
    """Without case and what is between the words."""
    return "".join(c for c in name.lower() if c not in "_- ")


class Layout:
    """tables: part -> name; columns: part -> field -> Column."""

    def __init__(self, history):
        self.history = history
        self.exists = False
        self.is_grouped = False     # conversations have no table of their own
        self.created()

    # -- made by chatmig ----------------------------------------------------

    def created(self):
        h = self.history
        self.tables = {"conversations": "conversations", "messages": "messages",
                       "media": "media", "trace": h.migration() + "_trace"}
        self.tables.update(h.target)
        if not h.has_media():
            del self.tables["media"]
        id_type = h.options.get("id_type", "uuid")
        self.id_types = {part: id_type for part in FIELDS}
        self.columns = {part: {f: Column(PLAIN.get(f, f), "text")
                               for f in fields}
                        for part, fields in FIELDS.items()}
        for part in ("owner", "counterpart", "session"):
            del self.columns["messages"][part]
        del self.columns["conversations"]["session"]
        # how the column for a group is called is read from the catalog
        self.roles = ROLE_VALUES[0]
        self.times = {part: ("timestamptz", 6) for part in FIELDS}
        self.limits = {}

    def read_names(self, session):
        """The owner's and the counterpart's column have the legacy names, or
        others where these are taken."""
        if self.exists:
            return
        h = self.history
        names = session.one(
            "SELECT json_agg(attname ORDER BY attnum) FROM pg_attribute "
            f"WHERE attrelid = {literal(self.qualified('conversations'))}"
            "::regclass AND attnum > 0;")
        at = 1
        for part in ("owner", "counterpart"):
            if part in h.parts:
                self.columns["conversations"][part] = Column(names[at], "text")
                at += 1
            else:
                self.columns["conversations"].pop(part, None)
        if "owner" in h.parts:
            self.columns["media"]["owner"] = self.columns["conversations"]["owner"]
        else:
            self.columns["media"].pop("owner", None)

    # -- made by the application ---------------------------------------------

    def existing(self, r):
        h = self.history
        self.exists = True
        self.style = r.choice(["plain", "camel", "odd"])
        names = {"conversations": "app_chats", "messages": "app_messages",
                 "media": "app_media"}
        if self.style == "camel":
            names = {"conversations": "Conversation", "messages": "Message",
                     "media": "Media"}
        elif self.style == "odd":
            names = {"conversations": "it's \"mine\"", "messages": "select from",
                     "media": "😀 %s"}
        self.tables.update(names)
        if not h.has_media():
            del self.tables["media"]
        self.id_types = {part: r.choice(["uuid", "text", "bigint", "int"])
                         for part in FIELDS}
        self.id_default = {part: r.choice(["BY DEFAULT", "ALWAYS"])
                           for part in FIELDS}
        self.role_kind = r.choice(["text", "check", "enum"])
        roles = ROLE_VALUES if self.role_kind != "text" else ROLE_VALUES[:1]
        if h.shape == "flat":       # every role that occurs must have a value
            roles = [values for values in roles if len(values) == 4]
        self.roles = r.choice(roles)
        # of the hour that autumn has twice, a local time keeps but one
        kinds = ["timestamptz", "timestamp"]
        if h.options.get("time_zone", "UTC") not in ("UTC", "Asia/Kolkata"):
            kinds = kinds[:1]
        self.times = {part: (r.choice(kinds),
                             r.choice([0, 2, 3, 6, 6]))
                      for part in FIELDS}
        # in a later run, a row without a time has what the target kept of it
        self.rounds = h._null_times == 0 or "time" not in h.parts
        if not self.rounds:
            self.times["messages"] = (self.times["messages"][0], 6)
        self.limits = {}
        self.columns = {}
        for part in FIELDS:
            self._taken = set()
            self._odd = list(NAMES)
            r.shuffle(self._odd)
            self.columns[part] = {}
            for field in FIELDS[part]:
                type_ = self._choose(r, part, field)
                if type_ is not None:
                    self.columns[part][field] = Column(
                        self._name(part, field), type_)

        if random.Random(f"{h.seed} grouped").random() < 0.3:
            self._group()

    def _group(self):
        """Takes the table of conversations away: their ids alone group the
        messages, which say whose they are."""
        h = self.history
        self.is_grouped = True
        del self.tables["conversations"]
        self.columns["conversations"] = {}
        if self.id_types["conversations"] not in ("uuid", "text"):
            self.id_types["conversations"] = "uuid"
        messages = self.columns["messages"]
        messages["conversation"].type = self.id_types["conversations"]
        for field in ("owner", "counterpart", "session"):
            if field in h.parts and field not in messages:
                messages[field] = Column(f"grp_{field}", h.parts[field].type)

    def _choose(self, r, part, field):
        """The field's type, or None for no such column."""
        h = self.history
        if field == "id":
            return {"int": "int", "bigint": "bigint"}.get(
                self.id_types[part], self.id_types[part])
        if field == "conversation":
            return self.id_types["conversations"]
        if field == "media":
            return self.id_types["media"] if h.has_media() else None
        if field == "reply_to":
            return self.id_types["messages"] if r.random() < 0.7 else None
        if field in ("owner", "counterpart", "session"):
            if field not in h.parts or (part == "media" and field != "owner"):
                return None
            if part == "messages" and r.random() < 0.6:
                return None
            if part == "conversations" and field == "session" \
                    and r.random() < 0.5:
                return None
            return h.parts[field].type
        if field in ("created_at", "updated_at"):
            type_, precision = self.times[part]
            return type_ + (f"({precision})" if precision < 6 else "")
        if field == "role":
            return "app_role" if self.role_kind == "enum" else "text"
        if field in ("title", "content"):
            if r.random() < 0.3:
                limit = r.choice([20, 60, 200])
                if field == "content":
                    limit = r.choice([60, 500])
                self.limits[part, field] = limit
                return f"varchar({limit})"
            return "text" if field == "content" or r.random() < 0.8 else None
        if field == "position":
            return "int" if r.random() < 0.5 or not self.rounds \
                or "time" not in h.parts else None
        if field == "tokens":
            return "bigint" if r.random() < 0.5 else None
        if field == "is_active":
            return "boolean DEFAULT true" if r.random() < 0.5 else None
        if field == "metadata":
            return r.choice(["jsonb", "jsonb", None])
        if field in ("description", "model"):
            return r.choice(["text", None])
        if field in ("type", "summary"):
            return r.choice(["text", "text", None])
        return "text"

    def _name(self, part, field):
        name = PLAIN.get(field, field)
        if self.style == "camel":
            name = CAMEL.get(field, name)
        elif self.style == "odd":
            name = self._odd.pop()
        return name

    def create(self):
        """SQL that makes the application's tables."""
        schema = ident(self.history.schema)
        sql = []
        if self.role_kind == "enum":
            values = ", ".join(literal(v) for v in self.roles.values())
            sql.append(f"CREATE TYPE {schema}.app_role AS ENUM ({values});")
        for part in ("conversations", "media", "messages"):
            if part in self.tables:
                defs = [self._definition(part, field, column)
                        for field, column in self.columns[part].items()]
                sql.append(f"CREATE TABLE {self.qualified(part)} "
                           f"({', '.join(defs)});")
        return "\n".join(sql)

    def _definition(self, part, field, column):
        type_ = column.type
        if type_ == "app_role":
            type_ = f"{ident(self.history.schema)}.app_role"
        text = f"{ident(column.name)} {type_}"
        if field == "id":
            if self.id_types[part] in ("bigint", "int"):
                text += f" GENERATED {self.id_default[part]} AS IDENTITY"
            return text + " PRIMARY KEY"
        if field == "conversation" and not self.is_grouped:
            return text + f" REFERENCES {self.qualified('conversations')}"
        if field == "media":
            return text + f" REFERENCES {self.qualified('media')}"
        if field == "reply_to":
            return text + f" REFERENCES {self.qualified('messages')}"
        if field == "role" and self.role_kind == "check":
            values = ", ".join(literal(v) for v in self.roles.values())
            return text + f" CHECK ({ident(column.name)} IN ({values}))"
        return text

    def target(self):
        """As chatmig_register() takes it."""
        if not self.exists:
            owners = self.history.owners
            return {**{k: v for k, v in self.history.target.items()
                       if k in self.tables},
                    **(owners.target() if owners else {})}
        result = {k: v for k, v in self.history.target.items() if k == "trace"}
        for part in FIELDS:
            if part not in self.tables:
                continue
            result[part] = {"table": self.tables[part]}
            named = {field: column.name
                     for field, column in self.columns[part].items()
                     if self.style == "odd"
                     or field in ("owner", "counterpart", "session")}
            named.update(self._called_otherwise(part))
            if named:
                result[part]["columns"] = named
        own = {role: value for role, value in self.roles.items()
               if value in OWN_VALUES}
        if own:
            result["messages"]["roles"] = own
        return result

    def _called_otherwise(self, part):
        """A column that is called like the owner's, counterpart's or session's
        in the legacy table would be taken for it; here, it is for something
        else."""
        h = self.history
        called = {plain(column.name) for column in self.columns[part].values()}
        return {field: None for field in ("owner", "counterpart", "session")
                if field in h.parts and field in FIELDS[part]
                and field not in self.columns[part]
                and plain(h.parts[field].name) in called}

    # -- both ----------------------------------------------------------------

    def qualified(self, part):
        return f"{ident(self.history.schema)}.{ident(self.tables[part])}"

    def has(self, part, field):
        return part in self.tables and field in self.columns[part]

    def column(self, part, field):
        """Quoted, or NULL."""
        if not self.has(part, field):
            return "NULL"
        return ident(self.columns[part][field].name)

    def rounded(self, part, time):
        """As the column of its times keeps it, to half a step from 2000 on."""
        if time is None or abs(time) == float("inf"):
            return time
        step = self.step(part)
        since = time - 946684800 * 10**6
        size = (abs(since) + step // 2) // step * step
        return 946684800 * 10**6 + (size if since >= 0 else -size)

    def step(self, part):
        return 10 ** (6 - self.times[part][1])

    def keeps_apart(self):
        """Readers sort by time, and nothing else has an order."""
        if not self.exists or self.has("messages", "position"):
            return False
        return self.history.shape == "pair" or (
            self.history.shape == "flat"
            and self.id_types["messages"] in ("uuid", "text"))

    def new_id(self, part):
        """SQL for an id of the application's, or None for the default."""
        return {"uuid": "gen_random_uuid()", "text": "gen_random_uuid()::text"
                }.get(self.id_types[part])
