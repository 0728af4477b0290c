"""Times as extract(epoch) writes them."""


def seconds(time):
    if time is None:
        return None
    if time in (float("inf"), float("-inf")):
        return "Infinity" if time > 0 else "-Infinity"
    sign = "-" if time < 0 else ""
    return f"{sign}{abs(time) // 10**6}.{abs(time) % 10**6:06d}"
