"""The old table, in a database of its own, and registered."""
import os
import subprocess
import sys

from pq import Connection

HERE = os.path.dirname(os.path.abspath(__file__))


def sql(name, **values):
    """The statements of a file in sql/, with values for what they leave open."""
    with open(os.path.join(HERE, "sql", name + ".sql")) as file:
        text = file.read()
    for key, value in values.items():
        text = text.replace(":" + key, str(value))
    return text


def fill(db, rows, users):
    """Returns the table's size in bytes."""
    subprocess.run(["createdb", db], check=True)
    print("writing %d pairs of %d users ..." % (rows, users), flush=True)
    connection = Connection(db)
    connection.script(sql("source", users=users))
    generator = subprocess.Popen(
        [sys.executable, os.path.join(HERE, "generate.py"), str(rows), str(users)],
        stdout=subprocess.PIPE)
    subprocess.run(["psql", "-X", "-q", "-d", db, "-v", "ON_ERROR_STOP=1", "-c",
                    "COPY chat_messages FROM STDIN"], stdin=generator.stdout, check=True)
    if generator.wait() != 0:
        sys.exit("the generator failed")
    connection.script(sql("after_load"))
    connection.execute("CREATE EXTENSION chatmig")
    connection.execute("SELECT chatmig_register('chat_messages')")
    size = connection.value("SELECT pg_table_size('chat_messages')")
    connection.close()
    return int(size)
