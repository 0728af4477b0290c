"""What a piece of work takes: seconds, processor time, memory, files, WAL."""
import os
import time

from pq import Connection


def measure(db, work):
    """Runs work(connection) in a backend of its own; says what it took."""
    other = Connection(db)
    other.execute("CHECKPOINT")
    os.sync()  # or what others have written would go to the disk meanwhile
    before = processor_time()
    connection = Connection(db)
    try:
        peak, shared = memory(connection)
        temp = temporary_bytes(other)
        lsn = connection.value("SELECT pg_current_wal_insert_lsn()")
        start = time.monotonic()
        work(connection)
        seconds = time.monotonic() - start
        wal = int(connection.value(
            "SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '%s')::bigint" % lsn))
        after, shared_after = memory(connection)
    finally:
        connection.close()
    time.sleep(1.2)  # until the backend's statistics are there
    result = {"seconds": seconds, "wal": wal, "cpu": processor_time() - before,
              "temp": temporary_bytes(other) - temp,
              "memory": (after - peak) * 1024,
              "private": (after - peak - (shared_after - shared)) * 1024}
    other.close()
    return result


def call(text):
    """Work that is one statement."""
    return lambda connection: connection.execute(text)


def memory(connection):
    """(peak, shared) of the backend in kB."""
    status = connection.value("SELECT pg_read_file('/proc/self/status', 0, 10000)")
    fields = dict(line.split(":", 1) for line in status.split("\n") if ":" in line)
    return [int(fields[name].split()[0]) for name in ("VmHWM", "RssShmem")]


def processor_time():
    """Seconds of all of the server's processes that have ended."""
    with open(os.path.join(os.environ["PGDATA"], "postmaster.pid")) as file:
        pid = int(file.readline())
    with open("/proc/%d/stat" % pid) as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[13]) + int(fields[14])) / os.sysconf("SC_CLK_TCK")


def temporary_bytes(connection):
    return int(connection.value(
        "SELECT temp_bytes FROM pg_stat_database WHERE datname = current_database()"))


def machine(db):
    """What was measured on, and with which settings."""
    with open("/proc/cpuinfo") as file:
        model = next((line.split(":")[1].strip() for line in file
                      if line.startswith("model name")), "?")
    connection = Connection(db)
    settings = ", ".join("%s %s" % tuple(row) for row in connection.execute(
        "SELECT name, current_setting(name) FROM pg_settings WHERE name IN ("
        "'autovacuum', 'fsync', 'jit', 'maintenance_work_mem', 'max_wal_size', 'shared_buffers', "
        "'wal_level', 'work_mem') ORDER BY 1"))
    version = connection.value("SHOW server_version").split()[0]
    connection.close()
    return "%d x %s, PostgreSQL %s, %s" % (os.cpu_count(), model, version, settings)
