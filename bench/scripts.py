"""The usual scripts: a program reads rows and inserts what it makes of them."""
import json
import uuid

SELECT = """SELECT id, user_id, session_id, message, response, model, metadata::text,
           to_char("timestamp", 'YYYY-MM-DD HH24:MI:SS.US+00'),
           hash_record_extended(s, 0)
    FROM chat_messages AS s WHERE id <= %d
    ORDER BY user_id, session_id, "timestamp", id"""
INSERTS = {
    "conversations": (8, "INSERT INTO rival.conversations VALUES "),
    "messages": (11, "INSERT INTO rival.messages VALUES "),
    "chat_messages_trace": (5, "INSERT INTO rival.chat_messages_trace VALUES ")}


def convert(rows):
    """Yields (table, values): a conversation, then its messages and traces."""
    conversation, waiting = None, []
    for row in rows:
        key, user, session, question, answer, model, metadata, at, fingerprint = row
        if not question and not answer:
            continue
        if conversation is None or conversation[0] != (user, session):
            yield from flush(conversation, waiting)
            title = (question or answer).strip(" \t\r\n")
            title = title[:80] + ("..." if len(title) > 80 else "")
            conversation = ((user, session), [
                str(uuid.uuid4()), user, title, None, "t",
                json.dumps({"session_id": session}), at, at])
            waiting, position = [], 0
        conversation[1][7] = at
        ids = []
        for role, content in (("user", question), ("assistant", answer)):
            if not content:
                ids.append("NULL")
                continue
            reply_to = ids[0] if ids and ids[0] != "NULL" else None
            ids.append(str(uuid.uuid4()))
            waiting.append(("messages", [
                ids[-1], conversation[1][0], str(position), role, content, model,
                None, metadata, None, reply_to, at]))
            position += 1
        if ids[-1] == "NULL":
            ids.pop()
        waiting.append(("chat_messages_trace", [
            key, fingerprint, conversation[1][0], "{%s}" % ",".join(ids), None]))
    yield from flush(conversation, waiting)


def flush(conversation, waiting):
    if conversation is not None:
        yield "conversations", conversation[1]
        yield from waiting


def placeholders(columns, rows):
    return ", ".join("(%s)" % ", ".join("$%d" % (i * columns + j + 1)
                                        for j in range(columns))
                     for i in range(rows))


def row_by_row(connection, sample):
    """One INSERT, prepared once, for each row; one transaction."""
    connection.execute("BEGIN")
    for table, (columns, insert) in INSERTS.items():
        connection.prepare(table, insert + placeholders(columns, 1))
    for table, values in convert(connection.execute(SELECT % sample)):
        connection.run(table, values)
    connection.execute("COMMIT")


def in_batches(connection, sample, size=1000):
    """INSERTs of 1,000 rows each; one transaction."""
    connection.execute("BEGIN")
    waiting = {table: [] for table in INSERTS}

    def send(table):
        columns, insert = INSERTS[table]
        rows = waiting[table]
        name = "%s_%d" % (table, len(rows))
        if name not in prepared:
            connection.prepare(name, insert + placeholders(columns, len(rows)))
            prepared.add(name)
        if rows:
            connection.run(name, [value for row in rows for value in row])
        rows.clear()

    prepared = set()
    for table, values in convert(connection.execute(SELECT % sample)):
        waiting[table].append(values)
        if len(waiting[table]) == size:
            for each in INSERTS:  # in the order that foreign keys ask for
                send(each)
    for each in INSERTS:
        send(each)
    connection.execute("COMMIT")
