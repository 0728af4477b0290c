"""What must come of a legacy table: a second implementation, slow and obvious.

Written from the README and the comments of the headers, to be compared with
what the extension makes. It knows all rows and all that earlier runs have made,
and goes through them one by one.
"""

import re

from rows import MARK, Row, comparable, kept_json
from times import INVALID
from vocabulary import GAPS


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
        self.begins = self.ends = None  # with its owner
        self.is_owners = False          # made of an owner without messages

    def behind(self, keys):
        """The position behind the last message of these rows."""
        return 1 + max((n for n, message in enumerate(self.messages)
                        if message and message.key in keys), default=-1)


class Before:
    """The rows that have come before, of the conversation that has a turn.
    Where it comes back, since times were changed or forgotten, those of its
    last turn count, too, if rows had to make room then."""

    def __init__(self):
        self.conversation = None
        self.left = {}          # conversation -> keys

    def enter(self, conversation):
        if conversation is self.conversation:
            return
        if self.conversation and self.has_made_room:
            self.left[self.conversation] = self.keys
        self.conversation = conversation
        self.has_made_room = conversation in self.left
        self.keys = self.left.get(conversation, set())


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
        self._serve_owners()
        counts["conversations"] = len(self.conversations) - before
        self._resolve_replies()
        self._summarize()
        self.rejects = rejects
        self.runs += 1
        return counts, rejects

    def _serve_owners(self):
        """Who has no conversation gets one, with the owner's times."""
        owners = self.history.owners
        if owners is None or not owners.get_conversations:
            return
        for row in owners.rows:
            if any(self._same_owner(c.owner, row.value)
                   for c in self.conversations):
                continue
            c = Conversation(row, None)
            self._describe(c, row)
            c.begins = row.created
            c.ends = row.created if row.updated is None else row.updated
            c.is_owners = True
            self.conversations.append(c)

    def _same_owner(self, a, b):
        type_ = self.history.parts["owner"].type
        return a is not None and comparable(type_, a) == comparable(type_, b)

    def _joined(self, row):
        """What an earlier run made for an owner, of no counterpart and no
        session."""
        if row.part("counterpart") is not None or \
                row.part("session") is not None:
            return None
        return next((c for c in self.conversations if c.is_owners
                     and self._same_owner(row.part("owner"), c.owner)), None)

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
        before = Before()
        for i, row in enumerate(rows):
            if row.key not in self.done:
                row.set_metadata()
                following = next((rows[n] for n in known if n > i), None)
                self._place(row, previous, following, before)
                yield row
            else:
                before.enter(self.done[row.key][0])
                before.keys.add(row.key)
            previous = row

    def _is_forgotten(self, row):
        """The time that a transcript was given, if its last message has one
        of its own."""
        if self.history.shape != "transcript" or row.own_time is not None:
            return False
        messages = [m for m in self.done[row.key][0].messages
                    if m and m.key == row.key]
        return bool(messages) and MARK not in (messages[-1].metadata or {})

    def _place(self, row, previous, following, before):
        if previous and not self._is_pause(previous.time, row.time):
            conversation = self.done[previous.key][0]
        elif following and not self._is_pause(row.time, following.time):
            conversation = self.done[following.key][0]
        else:
            conversation = self._joined(row)
            if conversation is None:
                conversation = Conversation(row, row.group)
                self._describe(conversation, row)
                self.conversations.append(conversation)
        before.enter(conversation)
        messages = row.messages()
        self._keep_apart(conversation, messages, previous)
        for message in messages:
            message.run = self.runs
        at = len(conversation.messages)
        if following and self.done[following.key][0] is conversation:
            at = conversation.behind(before.keys)
            before.keys.add(row.key)
            before.has_made_room = True
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
                last = max(layout.rounded("messages", previous.time), last)
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
        first = None if conversation.group is None else \
            row.messages()[0].content
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
