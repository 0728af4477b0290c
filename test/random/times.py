"""Times as the legacy columns hold them -> microseconds since 1970."""

import re
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from zoneinfo import ZoneInfo

from civil import DAY, days_from_civil

FOREVER = {"infinity": float("inf"), "-infinity": float("-inf")}
INVALID = "invalid"

ISO = re.compile(
    r"(?:(\d{4,6})-(\d\d)-(\d\d)|(\d{4})(\d\d)(\d\d)(?=T))"
    r"(?:(?:T|\s+)(\d\d):?(\d\d)(?::?(\d\d)(?:[.,](\d+))?)?"
    r"(?:\s*(Z|UTC|([+-])(\d\d):?(\d\d)?))?)?(\s+BC)?", re.ASCII)


def time_of_iso(text, zone):
    text = text.strip()
    if text in FOREVER:
        return FOREVER[text]
    match = ISO.fullmatch(text)
    if not match:
        return INVALID
    (y1, m1, d1, y2, m2, d2, hour, minute, second, fraction, offset, sign,
     zone_hour, zone_minute, bc) = match.groups()
    year, month, day = int(y1 or y2), int(m1 or m2), int(d1 or d2)
    if year == 0 or not 1 <= month <= 12:
        return INVALID
    year = 1 - year if bc else year
    days = days_from_civil(year, month, day)
    after = days_from_civil(*((year, month + 1, 1) if month < 12
                              else (year + 1, 1, 1)))
    if day < 1 or days >= after:
        return INVALID
    hour, minute, second = int(hour or 0), int(minute or 0), int(second or 0)
    rounded = (Decimal("0." + (fraction or "0")) * 10**6).quantize(
        Decimal(1), ROUND_HALF_UP)
    if minute > 59 or second > 60 or \
            (hour, minute, second, int(rounded)) > (24, 0, 0, 0):
        return INVALID
    local = days * DAY + ((hour * 60 + minute) * 60 + second) * 10**6 \
        + int(rounded)
    if offset in ("Z", "UTC"):
        return local
    if offset:
        seconds = int(zone_hour) * 3600 + int(zone_minute or 0) * 60
        return local - (seconds if sign == "+" else -seconds) * 10**6
    return local - offset_of_local(local, zone) * 10**6


def offset_of_local(local, zone):
    """Seconds east of UTC. In the gap of spring the time before it counts, in
    the fold of autumn the time after it."""
    if zone == "UTC":
        return 0
    naive = datetime(1970, 1, 1) + timedelta(microseconds=local)
    early, late = (naive.replace(tzinfo=ZoneInfo(zone), fold=fold).utcoffset()
                   for fold in (0, 1))
    chosen = late if early > late else early
    return int(chosen.total_seconds())


def time_of_number(text, unit):
    if text in ("Infinity", "-Infinity"):
        return FOREVER[text.lower()]
    if text == "NaN":
        return INVALID
    return int((Decimal(text) * 10**6 / unit).to_integral_value())
