"""A connection to PostgreSQL through libpq, which comes with the server."""
import ctypes
import ctypes.util

libpq = ctypes.CDLL(ctypes.util.find_library("pq") or "libpq.so.5")
for name, result, arguments in (
        ("PQconnectdb", ctypes.c_void_p, [ctypes.c_char_p]),
        ("PQstatus", ctypes.c_int, [ctypes.c_void_p]),
        ("PQfinish", None, [ctypes.c_void_p]),
        ("PQerrorMessage", ctypes.c_char_p, [ctypes.c_void_p]),
        ("PQexec", ctypes.c_void_p, [ctypes.c_void_p, ctypes.c_char_p]),
        ("PQexecPrepared", ctypes.c_void_p,
         [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int, ctypes.c_void_p,
          ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int]),
        ("PQprepare", ctypes.c_void_p,
         [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_int,
          ctypes.c_void_p]),
        ("PQresultStatus", ctypes.c_int, [ctypes.c_void_p]),
        ("PQntuples", ctypes.c_int, [ctypes.c_void_p]),
        ("PQnfields", ctypes.c_int, [ctypes.c_void_p]),
        ("PQgetvalue", ctypes.c_char_p, [ctypes.c_void_p, ctypes.c_int, ctypes.c_int]),
        ("PQgetisnull", ctypes.c_int, [ctypes.c_void_p, ctypes.c_int, ctypes.c_int]),
        ("PQclear", None, [ctypes.c_void_p])):
    function = getattr(libpq, name)
    function.restype, function.argtypes = result, arguments

COMMAND_OK, TUPLES_OK, EMPTY = 1, 2, 0


class Connection:
    """One backend. PGHOST and the like say where; values are text or None."""

    def __init__(self, dbname):
        self.connection = libpq.PQconnectdb(("dbname=" + dbname).encode())
        if libpq.PQstatus(self.connection) != 0:
            raise RuntimeError(libpq.PQerrorMessage(self.connection).decode())
        self.execute("SET client_min_messages = warning")

    def close(self):
        libpq.PQfinish(self.connection)

    def execute(self, sql):
        """Runs statements, as one string; returns the rows of the last one."""
        return self._rows(libpq.PQexec(self.connection, sql.encode()))

    def script(self, sql):
        """Runs statements one by one, each a transaction of its own."""
        for statement in sql.split(";\n"):
            if any(line and not line.startswith("--") for line in statement.split("\n")):
                self.execute(statement)

    def value(self, sql):
        return self.execute(sql)[0][0]

    def prepare(self, name, sql):
        self._rows(libpq.PQprepare(self.connection, name.encode(), sql.encode(), 0, None))

    def run(self, name, values):
        """Runs a prepared statement."""
        array = (ctypes.c_char_p * len(values))(
            *[None if v is None else v.encode() for v in values])
        return self._rows(libpq.PQexecPrepared(
            self.connection, name.encode(), len(values), array, None, None, 0))

    def _rows(self, result):
        status = libpq.PQresultStatus(result)
        if status not in (COMMAND_OK, TUPLES_OK, EMPTY):
            libpq.PQclear(result)
            raise RuntimeError(libpq.PQerrorMessage(self.connection).decode())
        rows = [[None if libpq.PQgetisnull(result, i, j) else
                 libpq.PQgetvalue(result, i, j).decode()
                 for j in range(libpq.PQnfields(result))]
                for i in range(libpq.PQntuples(result))]
        libpq.PQclear(result)
        return rows
