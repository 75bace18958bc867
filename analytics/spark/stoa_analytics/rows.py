"""Rows as topics and files show them: byte for byte what the other engines write."""

import datetime
import hashlib
import json
import uuid

EPOCH = datetime.datetime(1970, 1, 1)


def time(ms):
    return (EPOCH + datetime.timedelta(milliseconds=ms)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def average(total, count):
    """Half a minor unit goes away from zero."""
    if count == 0:
        return 0
    whole, rest = divmod(abs(total), abs(count))
    whole += rest * 2 >= abs(count)
    return whole if (total < 0) == (count < 0) else -whole


def money(amount, decimals):
    sign, digits = "-" if amount < 0 else "", str(abs(amount)).rjust(decimals + 1, "0")
    return sign + (digits[:-decimals] + "." + digits[-decimals:] if decimals else digits)


class Writer:
    """Of one pipeline's rows. Plain data, so that it travels to the executors."""

    def __init__(self, plan, currencies):
        self.name, self.key, self.size_ms, self.steps = plan.name, [name for name, _ in plan.key], plan.size_ms, plan.steps
        self.currency_part, self.named, self.currencies = plan.currency_part, not plan.is_by_product, currencies

    def values(self, counted):
        """Of each aggregate; `counted`: of those that are not derived, in their order."""
        out, left = [], iter(counted)
        for step in self.steps:
            if step["kind"] == "average":
                out.append(average(out[step["of"]], out[step["per"]]))
            elif step["kind"] == "difference":
                out.append(out[step["of"]] - out[step["per"]])
            else:
                out.append(next(left))
        return out

    def json(self, start_ms, key, counted):
        members = [("pipeline", json.dumps(self.name))] if self.named else []
        members += [(name, json.dumps(part, ensure_ascii=False)) for name, part in zip(self.key, key)]
        members += [("window_start", f'"{time(start_ms)}"'), ("window_end", f'"{time(start_ms + self.size_ms)}"')]
        for step, value in zip(self.steps, self.values(counted)):
            text = money(value, self.currencies[key[self.currency_part]]) if step["money"] else str(value)
            members.append((step["name"], text))
        return "{" + ",".join(f'"{name}":{text}' for name, text in members) + "}"

    def record(self, start_ms, key, counted):
        """(key, value, id) of its record: the same row has the same id, however often it is written."""
        joined = "\x1f".join(key)
        named = hashlib.md5(f"{self.name}\n{joined}\n{start_ms}".encode(), usedforsecurity=False).digest()
        return joined or self.name, self.json(start_ms, key, counted), str(uuid.UUID(bytes=named, version=3))
