"""Names and values as SQL and COPY take them."""


def ident(name):
    return '"' + name.replace('"', '""') + '"'


def literal(value):
    if value is None:
        return "NULL"
    return "E'" + value.replace("\\", "\\\\").replace("'", "''") + "'"


def copy_field(value):
    if value is None:
        return "\\N"
    for char, escape in (("\\", "\\\\"), ("\n", "\\n"), ("\r", "\\r"),
                         ("\t", "\\t")):
        value = value.replace(char, escape)
    return value
