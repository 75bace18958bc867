"""Payloads to the fields that pipelines need, by the same rules as the C++ engine's reader."""

import datetime
import json
import re

MARK_TYPE = "stoa.mark"
LONGEST_FIELD = 256
LAST_MS = 253_402_300_799_999
LARGEST = 1_000_000_000_000_000
AHEAD_MS = 60_000  # what claims to be later than its record by more than this has not happened
TIME = re.compile(r"(\d{4}-\d\d-\d\d)[Tt ](\d\d):([0-5]\d):([0-5]\d)(?:\.(\d+))?(?:[Zz]|([+-])(\d\d):([0-5]\d))", re.ASCII)
EPOCH = datetime.date(1970, 1, 1).toordinal()
FIELDS = ("user", "product", "order", "word", "currency")
# What read() gives, in order: what Spark knows an event by.
SCHEMA = ("status string, ms long, event string, user string, product string, order string, word string, currency string, "
          "amount long, quantity long, code string, detail string")


class Bad(Exception):
    def __init__(self, code, detail):
        super().__init__(detail)
        self.code = code


class Digits(str):
    """A number as it stands in the payload."""


class Whole(Digits):
    pass


def once_each(pairs):
    """Objects as pairs: a member that stands there twice is seen."""
    return ("object", pairs)


def no_constant(name):
    raise ValueError(name)


DECODER = json.JSONDecoder(object_pairs_hook=once_each, parse_float=Digits, parse_int=Whole, parse_constant=no_constant)


def milliseconds(text):
    """Cut off; None where it is no RFC 3339 time."""
    parts = TIME.fullmatch(text)
    if not parts:
        return None
    day, hour, minute, second, fraction, sign, oh, om = parts.groups()
    try:
        days = datetime.date.fromisoformat(day).toordinal() - EPOCH
    except ValueError:
        return None
    if int(hour) > 23 or int(oh or 0) > 23:
        return None
    seconds = days * 86_400 + int(hour) * 3_600 + int(minute) * 60 + int(second)
    if sign:
        seconds -= (1 if sign == "+" else -1) * (int(oh) * 3_600 + int(om) * 60)
    return seconds * 1_000 + int((fraction or "0")[:3].ljust(3, "0"))


def minor(digits, decimals):
    """In the currency's smallest unit; None where it is no amount of it."""
    parts = re.fullmatch(r"(-?)([0-9]+)(?:\.([0-9]+))?", digits)
    fraction = parts[3].rstrip("0") if parts and parts[3] else ""
    if not parts or len(fraction) > decimals or len(digits) > 100:
        return None
    out = int(parts[1] + parts[2] + fraction.ljust(decimals, "0"))
    return out if abs(out) <= LARGEST else None


class Reader:
    """Of the topics' payloads. Plain data, so that it travels to the executors."""

    def __init__(self, topics, currencies):
        self.topics, self.currencies = topics, currencies

    def read(self, topic, payload, headers, place, recorded_ms):
        """A row of SCHEMA."""
        about = {name: value or b"" for name, value in headers or ()}
        event = about.get("id", b"").decode(errors="replace") or place
        try:
            occurred = recorded_ms
            if "occurred_at" in about:
                occurred = milliseconds(about["occurred_at"].decode(errors="replace"))
                if occurred is None:
                    raise Bad("header_ill_formed", "header `occurred_at` is no RFC 3339 time")
            if about.get("type") == MARK_TYPE.encode():
                return ("mark", occurred, event, *[None] * 9)
            fields = self.fields(self.topics[topic], payload or b"", occurred)
            if recorded_ms >= 0 and fields["time"] > recorded_ms + AHEAD_MS:
                raise Bad("time_in_the_future", "the event had not happened when its record was written")
        except Bad as why:
            return ("bad", None, event, *[None] * 7, why.code, str(why))
        return ("ok", fields["time"], event, *(fields.get(each) for each in FIELDS), fields.get("amount"),
                fields.get("quantity"), None, None)

    def fields(self, topic, payload, occurred):
        try:
            kind, pairs = DECODER.decode(payload.decode())
            if kind != "object":
                raise ValueError
        except (ValueError, TypeError, RecursionError):
            raise Bad("payload_ill_formed", "the payload is no JSON object") from None
        wanted = {name: what for what, name in topic.items() if what not in ("name", "word_is", "word_otherwise")}
        out, unless = {"time": occurred}, True
        seen = set()
        for name, value in pairs:
            what = wanted.get(name)
            if not what:
                continue
            if name in seen:
                raise Bad("field_ill_formed", f"{name}: stands there twice")
            seen.add(name)
            if what == "word_unless":
                if not isinstance(value, bool):
                    raise Bad("field_ill_formed", f"{name}: must be true or false")
                unless = value
            else:
                out[what] = self.field(what, name, value)
        for name in wanted:
            if name not in seen:
                raise Bad("field_missing", f"{name}: is required")
        if "word_is" in topic:
            out["word"] = topic["word_is"] if unless else topic["word_otherwise"]
        if "amount" in topic:
            decimals = self.currencies.get(out["currency"])
            if decimals is None:
                raise Bad("field_ill_formed", f"{topic['currency']}: is no currency")
            out["amount"] = minor(out["amount"], decimals)
            if out["amount"] is None:
                raise Bad("field_ill_formed", f"{topic['amount']}: is no amount of its currency")
        if not 0 <= out["time"] <= LAST_MS:
            raise Bad("time_ill_formed", "the record's time is not between 1970 and 9999")
        return out

    @staticmethod
    def field(what, name, value):
        plain = isinstance(value, str) and not isinstance(value, Digits)
        if what == "time":
            ms = milliseconds(value) if plain else int(value) if isinstance(value, Whole) and len(value) < 20 else None
            if ms is None or not 0 <= ms <= LAST_MS:
                raise Bad("time_ill_formed", f"{name}: must be an RFC 3339 time")
            return ms
        if what == "amount":
            if not isinstance(value, Digits):
                raise Bad("field_ill_formed", f"{name}: must be a number")
            return value
        if what == "quantity":
            if not isinstance(value, Whole) or len(value) > 20 or not 0 <= int(value) <= LARGEST:
                raise Bad("field_ill_formed", f"{name}: must be a whole number")
            return int(value)
        if not plain:
            raise Bad("field_ill_formed", f"{name}: must be text")
        if not 1 <= len(value.encode(errors="replace")) <= LONGEST_FIELD:
            raise Bad("field_ill_formed", f"{name}: must have 1 to 256 bytes")
        if "\x1f" in value:
            raise Bad("field_ill_formed", f"{name}: has a control character")
        return value
