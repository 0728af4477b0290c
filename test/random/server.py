"""A session with the server, through psql."""

import json
import os
import subprocess
import tempfile

END = "-- end of the answer --"


class SqlError(Exception):
    pass


class Session:
    def __init__(self, database):
        self.database = database
        self.psql = None

    def _start(self):
        self.errors = tempfile.TemporaryFile(mode="a+")
        self.psql = subprocess.Popen(
            ["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1",
             "-d", self.database, "-f", "-"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors,
            env=dict(os.environ, PGOPTIONS="-c client_min_messages=error "
                     "-c synchronous_commit=off"))

    def run(self, sql):
        """Runs statements, each of which returns JSON in one column, or
        nothing. Returns all rows of all of them."""
        if self.psql is None:
            self._start()
        try:
            self.psql.stdin.write(f"{sql}\n\\echo '{END}'\n".encode())
            self.psql.stdin.flush()
        except BrokenPipeError:
            pass
        rows = []
        for line in self.psql.stdout:
            line = line.decode().rstrip("\n")
            if line == END:
                return rows
            if line:
                rows.append(json.loads(line))
        self.psql.wait()
        self.psql.stdout.close()
        self.psql = None
        self.errors.seek(0)
        raise SqlError(self.errors.read().strip())

    def reset(self):
        """As if it were a new one, unless it has failed."""
        self.run("ROLLBACK;\nDISCARD ALL;")
        self.errors.truncate(0)

    def one(self, sql):
        rows = self.run(sql)
        assert len(rows) == 1, rows
        return rows[0]

    def sqlstate(self, statement):
        """Of a statement that may fail, outside of a transaction."""
        return self.run("\\set ON_ERROR_STOP 0\n"
                        "\\o /dev/null\n"
                        f"{statement}\n"
                        "\\o\n"
                        "\\set ON_ERROR_STOP 1\n"
                        "SELECT to_json(:'SQLSTATE'::text);")[-1]

    def close(self):
        if self.psql is not None:
            self.psql.stdin.close()
            self.psql.wait()
            self.psql.stdout.close()
            self.psql = None
