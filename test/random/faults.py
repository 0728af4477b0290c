"""Faults to plant by plain SQL, and the row that validate must then name."""

import json
import re
import time

from text import ident, literal


class Fault:
    """SQL that does the damage, the check that must find it, and the legacy
    key, message or conversation that must stand in one of its findings."""

    def __init__(self, check, sql, key=None, message=None, conversation=None):
        self.check = check
        self.sql = sql
        self.row = key, message, conversation

    def names(self, key, message, conversation):
        return all(wanted in (None, got) for wanted, got in
                   zip(self.row, (key, message, conversation)))


def choose(random, trial, state, count):
    """Some of those that are possible in these tables."""
    kinds = KINDS
    if trial.layout.is_grouped:     # without a table there is nothing to damage
        kinds = [kind for kind in KINDS if kind not in OF_CONVERSATIONS]
    possible = [kind for kind in (kind(random, trial, state) for kind in kinds)
                if kind is not None]
    if trial.layout.exists:
        possible = [fault for fault in possible if fits(trial, fault)]
    return random.sample(possible, min(count, len(possible)))


# What is called otherwise in the application's tables; not what is quoted.
WORD = re.compile(r"""E?'(?:[^'\\]|\\.|'')*'|"(?:[^"]|"")*"|"""
                  r"\b(id|conversation_id|position|role|content|model|tokens|"
                  r"metadata|media_id|reply_to_id|created_at|updated_at|url|"
                  r"type)\b")
FIELD = {"conversation_id": "conversation", "media_id": "media",
         "reply_to_id": "reply_to"}


def fits(trial, fault):
    """Whether it can be done in the application's tables; with their names."""
    layout = trial.layout
    if fault.check in ("legacy_unmigrated", "message_unexpected",
                       "message_role") or \
            fault.check == "conversation_times" and \
            min(digits for _, digits in layout.times.values()) < 6 or \
            fault.check == "message_content" and layout.limits or \
            "microsecond" in fault.sql and (
                layout.times["messages"][1] < 6 or layout.keeps_apart()) or \
            "'2024-05-01'" in fault.sql or \
            fault.sql.count("jsonb_build_object"):
        return False
    statements = fault.sql.split(";\n")
    for n, statement in enumerate(statements):
        part = next((part for part in ("conversations", "messages", "media")
                     if part in trial.tables
                     and trial.tables[part] in statement), None)
        if part is None:
            continue

        def name(match):
            word = match.group(1)
            if word is None:
                return match.group()
            column = layout.column(part, FIELD.get(word, word))
            if column == "NULL":
                raise LookupError
            return column
        try:
            statements[n] = WORD.sub(name, statement)
        except LookupError:
            return False
    fault.sql = ";\n".join(statements)
    return True


def is_past(seconds):
    """What is newer than the migration is the application's."""
    return seconds is not None and float(seconds) < time.time() - 86400


def has_own_time(message, state):
    """A neighbour's time is only known to the millisecond, and not before
    1970, once the neighbour has gone: less than that is but a warning."""
    return message["created_at"] not in (None, "Infinity", "-Infinity") and \
        not state.is_timeless(message)


def has_told_time(message, state):
    """Its own, or one that its id tells."""
    return has_own_time(message, state) or (
        message["created_at"] not in (None, "Infinity", "-Infinity")
        and float(message["created_at"]) > 2 * 86400)


def talked(state):
    """Conversations that have messages."""
    return sorted(c for c in state.conversations if state.messages[c])


# Each returns a Fault, or None where there is nothing to damage.

def fault_of_message(check, assignment, condition=lambda message, state: True,
                     part=None):
    """An UPDATE of one message that must be found by its key. What no column
    plays the part of is the application's."""
    def make(random, trial, state):
        if part is not None and part not in trial.history.parts:
            return None
        messages = [m for m in state.raw["messages"] if condition(m, state)]
        if not messages:
            return None
        m = random.choice(messages)
        sql = f"UPDATE {trial.tables['messages']} SET {assignment} " \
            f"WHERE id = {literal(m['id'])};"
        return Fault(check, sql, state.key_text[m["id"]], m["id"])
    return make


def message_deleted(random, trial, state):
    if not state.raw["messages"]:
        return None
    m = random.choice(state.raw["messages"])
    # As without the foreign keys: the reply keeps what it replies to.
    return Fault("message_missing",
                 "SET LOCAL session_replication_role = replica;\n"
                 f"DELETE FROM {trial.tables['messages']} "
                 f"WHERE id = {literal(m['id'])};", state.key_text[m["id"]])


def metadata_changed(random, trial, state):
    """One of the values that come from the legacy row."""
    messages = [m for m in state.raw["messages"]
                if m["metadata"] not in (None, "{}")]
    if not messages:
        return None
    m = random.choice(messages)
    name = literal(random.choice(sorted(json.loads(m["metadata"]))))
    value = random.choice(["'planted'::text",
                           f"jsonb_build_array(metadata -> {name})"])
    return Fault("message_metadata",
                 f"UPDATE {trial.tables['messages']} SET metadata = metadata "
                 f"|| jsonb_build_object({name}, {value}) "
                 f"WHERE id = {literal(m['id'])};", state.key_text[m["id"]])


def session_changed(random, trial, state):
    column = trial.history.parts.get("session")
    if column is None or not state.raw["messages"] or trial.layout.exists:
        return None
    m = random.choice(state.raw["messages"])
    change = f"jsonb_build_object({literal(column.name)}, '77')"
    if state.conversations[m["conversation_id"]]["metadata"] is not None:
        change = random.choice([change, "NULL", "'{}'"])
    return Fault("message_owner",   # where that is an owner or not
                 "SET LOCAL session_replication_role = replica;\n"
                 f"UPDATE {trial.tables['conversations']} SET metadata = "
                 f"{change} WHERE id = {literal(m['conversation_id'])};",
                 state.key_text[m["id"]])


def new_id(trial, table):
    return {"uuid": "gen_random_uuid()", "text": "'an id'",
            "bigint": f"(SELECT max(id) + 1 FROM {table})"}[
                trial.history.options.get("id_type", "uuid")]


def message_doubled(random, trial, state):
    messages = [m for m in state.raw["messages"]
                if is_past(m["created_at"])]
    if not messages:
        return None
    m = random.choice(messages)
    table = trial.tables["messages"]
    position = len(state.messages[m["conversation_id"]])
    return Fault("message_unexpected",
                 f"INSERT INTO {table} SELECT (x).* FROM (SELECT "
                 f"jsonb_populate_record(t, jsonb_build_object('id', "
                 f"{new_id(trial, table)}, 'position', {position})) AS x "
                 f"FROM {table} AS t WHERE id = {literal(m['id'])}) AS y;",
                 conversation=m["conversation_id"])


def message_moved(random, trial, state):
    """Into another conversation."""
    if len(state.conversations) < 2:
        return None
    m = random.choice(state.raw["messages"])
    other = random.choice(sorted(state.ids["conversations"]
                                 - {m["conversation_id"]}))
    return Fault("message_owner",   # where that is an owner or not
                 "SET LOCAL session_replication_role = replica;\n"
                 f"UPDATE {trial.tables['messages']} SET conversation_id = "
                 f"{literal(other)}, position = 100000 "
                 f"WHERE id = {literal(m['id'])};", state.key_text[m["id"]])


def messages_swapped(random, trial, state):
    # the order of rows without times is not known there
    if trial.history.shape == "transcript" or \
            trial.layout.times["messages"][1] < 6:
        return None
    longer = [x for x in state.messages.values() if len(x) > 1]
    if not longer:
        return None
    messages = random.choice(longer)
    at = random.randrange(len(messages) - 1)
    a, b = messages[at], messages[at + 1]
    if a["created_at"] is None or b["created_at"] is None:
        return None     # it had no neighbour, and nobody knows where it belongs
    table = trial.tables["messages"]
    return Fault("conversation_order",
                 f"UPDATE {table} SET position = -1 WHERE id = {literal(a['id'])};\n"
                 f"UPDATE {table} SET position = {at} WHERE id = {literal(b['id'])};\n"
                 f"UPDATE {table} SET position = {at + 1} WHERE id = {literal(a['id'])};",
                 conversation=a["conversation_id"])


def gap_in_positions(random, trial, state):
    if not state.raw["messages"]:
        return None
    conversation = random.choice(talked(state))
    last = state.messages[conversation][-1]
    return Fault("conversation_order",
                 f"UPDATE {trial.tables['messages']} SET position = position + 1 "
                 f"WHERE id = {literal(last['id'])};", conversation=conversation)


def conversation_changed(check, assignment):
    def make(random, trial, state):
        # one that was made for an owner may have begun and ended with it
        if not state.conversations or trial.history.owners:
            return None
        id_ = random.choice(talked(state))
        if "time" not in trial.history.parts:
            return None
        c = state.conversations[id_]
        if c["created_at"] in (None, "-Infinity") or \
                not is_past(c["updated_at"]):
            return None
        return Fault(check, f"UPDATE {trial.tables['conversations']} "
                     f"SET {assignment} WHERE id = {literal(id_)};",
                     conversation=id_)
    return make


def owner_changed(random, trial, state):
    column = trial.history.parts.get("owner")
    if column is None or not state.raw["messages"]:
        return None
    m = random.choice(state.raw["messages"])
    c = state.conversations[m["conversation_id"]]
    value = "NULL" if c["the_owner"] is not None else {
        "bool": "true", "date": "'2000-01-01'", "numeric": "0", "int": "0",
        "bigint": "0", "float8": "0", "uuid": "gen_random_uuid()"}.get(column.type, "'zoe'")
    return Fault("message_owner",   # where that is an owner or not
                 "SET LOCAL session_replication_role = replica;\n"
                 f"UPDATE {trial.tables['conversations']} "
                 f"SET {trial.layout.column('conversations', 'owner')} = {value} "
                 f"WHERE id = {literal(c['id'])};", state.key_text[m["id"]])


def conversation_lost(random, trial, state):
    """Its row alone, the messages stay."""
    if not state.raw["messages"]:
        return None
    m = random.choice(state.raw["messages"])
    return Fault("message_orphan",
                 "SET LOCAL session_replication_role = replica;\n"
                 f"DELETE FROM {trial.tables['conversations']} "
                 f"WHERE id = {literal(m['conversation_id'])};",
                 message=m["id"])


def conversation_emptied(random, trial, state):
    if not talked(state):
        return None
    id_ = random.choice(talked(state))
    return Fault("conversation_empty",
                 "SET LOCAL session_replication_role = replica;\n"
                 f"DELETE FROM {trial.tables['messages']} "
                 f"WHERE conversation_id = {literal(id_)};", conversation=id_)


def medium_changed(random, trial, state):
    holders = [m for m in state.raw["messages"] if m["media_id"] is not None]
    if not holders:
        return None
    m = random.choice(holders)
    damage = "SET url = 'x' || url"
    if "media_type" in trial.history.parts and random.random() < 0.5:
        damage = "SET type = 'x' || coalesce(type, '')"
    return Fault("media", f"UPDATE {trial.tables['media']} {damage} "
                 f"WHERE id = {literal(m['media_id'])};",
                 state.key_text[m["id"]])


def legacy_where(trial, values):
    return " AND ".join(
        f"{ident(c.name)} = {literal(values[c.name])}"
        for c in trial.history.keys)


def some_legacy_row(random, trial):
    """One that has been migrated."""
    keys = trial.history.keys
    rows = [values for values in trial.rows
            if tuple(values[c.name] for c in keys) in trial.oracle.done]
    return random.choice(rows) if rows else None


def legacy_key(trial, state, values):
    key = tuple(values[c.name] for c in trial.history.keys)
    return state.key_text[next(id_ for id_, entry in state.entry.items()
                               if entry[0] == key)]


def legacy_changed(random, trial, state):
    values = some_legacy_row(random, trial)
    if values is None:
        return None
    h = trial.history
    if h.shape == "transcript":
        return Fault("legacy_changed", f"UPDATE {h.qualified()} SET "
                     f"{ident(h.parts['transcript'].name)} = "
                     "'{\"messages\": [{}]}' "
                     f"WHERE {legacy_where(trial, values)};",
                     legacy_key(trial, state, values))
    column = h.parts.get("content") or h.parts.get(
        random.choice(["question", "answer"]))
    return Fault("legacy_changed", f"UPDATE {h.qualified()} SET "
                 f"{ident(column.name)} = {ident(column.name)} || 'x' "
                 f"WHERE {ident(column.name)} IS NOT NULL "
                 f"AND {legacy_where(trial, values)};\n"
                 f"UPDATE {h.qualified()} SET {ident(column.name)} = 'x' "
                 f"WHERE {ident(column.name)} IS NULL "
                 f"AND {legacy_where(trial, values)};",
                 legacy_key(trial, state, values))


def legacy_deleted(random, trial, state):
    values = some_legacy_row(random, trial)
    if values is None:
        return None
    return Fault("legacy_deleted", f"DELETE FROM {trial.history.qualified()} "
                 f"WHERE {legacy_where(trial, values)};",
                 legacy_key(trial, state, values))


def trace_lost(random, trial, state):
    """Without it, the row counts as not migrated."""
    values = some_legacy_row(random, trial)
    if values is None or any(
            key == tuple(values[c.name] for c in trial.history.keys)
            for key, _ in trial.rejects):
        return None     # what was rejected of it still says where it is
    where = " AND ".join(f"key_{n} = {literal(values[c.name])}"
                         for n, c in enumerate(trial.history.keys, 1))
    return Fault("legacy_unmigrated",
                 f"DELETE FROM {trial.tables['trace']} WHERE {where};",
                 legacy_key(trial, state, values))


KINDS = [
    fault_of_message("message_content", "content = content || ' '",
                     lambda m, _: m["content"]),
    fault_of_message("message_content", "content = overlay(content PLACING "
                     "'\u00e4' FROM length(content))",
                     lambda m, _: m["content"] and m["content"][-1] != "\u00e4"),
    fault_of_message("message_content", "content = NULL",
                     lambda m, _: m["content"]),
    fault_of_message("message_content", "content = 'words'",
                     lambda m, _: not m["content"]),
    fault_of_message("message_role",
                     "role = CASE role WHEN 'user' THEN 'assistant' "
                     "ELSE 'user' END"),
    fault_of_message("message_time",
                     "created_at = created_at + interval '1 microsecond'",
                     has_own_time),
    fault_of_message("message_time",
                     "created_at = created_at - interval '1 day'",
                     has_told_time),
    fault_of_message("message_time", "created_at = '2024-05-01'",
                     lambda m, _: m["created_at"] is None, part="time"),
    fault_of_message("message_model", "model = coalesce(model, '') || 'x'",
                     part="model"),
    fault_of_message("message_model", "model = NULL", lambda m, _: m["model"],
                     part="model"),
    fault_of_message("message_tokens", "tokens = coalesce(tokens, 0) + 1",
                     lambda m, _: m["tokens"] != "32767", part="tokens"),
    fault_of_message("message_metadata", "metadata = NULL",
                     lambda m, _: m["metadata"] not in (None, "{}")),
    metadata_changed,
    fault_of_message("message_reply", "reply_to_id = NULL",
                     lambda m, _: m["reply_to_id"] is not None),
    fault_of_message("message_reply", "reply_to_id = id",
                     lambda m, _: m["reply_to_id"] is None),
    message_deleted,
    message_doubled,
    message_moved,
    messages_swapped,
    gap_in_positions,
    owner_changed,
    session_changed,
    conversation_lost,
    conversation_emptied,
    conversation_changed("conversation_times",
                         "created_at = created_at - interval '1 second'"),
    conversation_changed("conversation_times",
                         "created_at = created_at + interval '1 second'"),
    conversation_changed("conversation_times",
                         "updated_at = updated_at - interval '1 second'"),
    medium_changed,
    legacy_changed,
    legacy_deleted,
    trace_lost,
]

OF_CONVERSATIONS = KINDS[KINDS.index(owner_changed):
                         KINDS.index(medium_changed)]
