"""Days and times of the years 1 to 9999, without the library's own."""

DAY = 86400 * 10**6


def civil(microseconds):
    """2024-05-01 10:00:00.123456 of microseconds since 1970; years 1 to 9999."""
    days, rest = divmod(microseconds, DAY)
    year, month, day = civil_from_days(days)
    seconds, fraction = divmod(rest, 10**6)
    text = f"{year:04d}-{month:02d}-{day:02d} {seconds // 3600:02d}:" \
        f"{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    return text + (f".{fraction:06d}" if fraction else "")


def civil_from_days(days):
    year = 1970 + days // 366
    while days_from_civil(year + 1, 1, 1) <= days:
        year += 1
    month = 1
    while month < 12 and days_from_civil(year, month + 1, 1) <= days:
        month += 1
    return year, month, days - days_from_civil(year, month, 1) + 1


def days_from_civil(year, month, day):
    """Days since 1970-01-01; year 0 is 1 BC."""
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    lengths = [31, 29 if leap else 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    before = year - 1
    days = 365 * year + before // 4 - before // 100 + before // 400 + 1
    return days - 719528 + sum(lengths[:month - 1]) + day - 1
