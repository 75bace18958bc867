"""Checks a history that clients recorded against what a shop may do: each product's stock as one register that every
request sees at one moment between its start and its end, and each order's statuses as steps forward.

The search (Wing and Gong's, by moments at which a request returns, remembering which states were reached) keeps every
state that the history so far may have led to. A state is what the shelf holds and which of the requests under way have
had their effect, so its bound is 2^(requests under way at once) a product; past MOST_STATES it gives up with an error
rather than with an answer. An effect that nobody waits for (`release`, after a cancellation was answered) stays under
way until something shows it, and counts towards that bound.
"""

import dataclasses

MOST_STATES = 200_000
FOR_EVER = float("inf")


@dataclasses.dataclass(frozen=True)
class Call:
    """One request about one product, as a client saw it. `end` is FOR_EVER where its effect has no known end.

    kind      argument   result
    read      -          what can be sold
    look      -          (on hand, reserved)
    hold      units      None where they were held, else how many were there (refused)
    release   units      -
    recount   on hand    True, or False where more are held than that
    """
    start: float
    end: float
    kind: str
    argument: int = 0
    result: object = None


class TooManyStates(Exception):
    pass


def applied(call, shelf):
    """The shelf after this call, or None where it could not have had its result here."""
    on_hand, reserved = shelf
    if call.kind == "read":
        return shelf if on_hand - reserved == call.result else None
    if call.kind == "look":
        return shelf if shelf == call.result else None
    if call.kind == "hold":
        fits = on_hand - reserved >= call.argument
        if call.result is None:
            return (on_hand, reserved + call.argument) if fits else None
        return shelf if not fits and call.result == on_hand - reserved else None
    if call.kind == "release":
        return (on_hand, reserved - call.argument) if reserved >= call.argument else None
    if call.kind == "recount":
        fits = call.argument >= reserved
        return None if fits != call.result else (call.argument, reserved) if fits else shelf
    raise ValueError(call.kind)


def first_impossible(calls, on_hand, reserved=0):
    """None where the history is linearizable; else the call that no order of effects can explain."""
    moments = sorted([(each.start, 0, i) for i, each in enumerate(calls)] +
                     [(each.end, 1, i) for i, each in enumerate(calls) if each.end != FOR_EVER])
    states = {((on_hand, reserved), frozenset())}  # the shelf, and who of those under way has had its effect
    under_way = set()
    for _, returns, i in moments:
        if not returns:
            under_way.add(i)
            continue
        states = _with_effect_of(i, states, under_way, calls)
        if not states:
            return calls[i]
        under_way.discard(i)
        # A release that has happened in every state is under way no longer.
        states = {(shelf, done - {i}) for shelf, done in states}
        settled = frozenset.intersection(*(done for _, done in states))
        gone = {j for j in settled if calls[j].end == FOR_EVER}
        if gone:
            under_way -= gone
            states = {(shelf, done - gone) for shelf, done in states}
    return None


def _with_effect_of(i, states, under_way, calls):
    """The states in which call i has had its effect, after any others of those under way."""
    out, seen, open_ = set(), set(states), list(states)
    while open_:
        shelf, done = open_.pop()
        if i in done:
            out.add((shelf, done))
            continue
        for j in under_way - done:
            after = applied(calls[j], shelf)
            if after is None:
                continue
            state = after, done | {j}
            if state not in seen:
                seen.add(state)
                open_.append(state)
                if len(seen) > MOST_STATES:
                    raise TooManyStates(f"more than {MOST_STATES} states: record fewer requests at once")
    return out


# What the order's table allows, over any number of steps (docs/life-of-an-order.md).
STEPS = {"pending": {"awaiting_payment", "cancelled"},
         "awaiting_payment": {"paid", "payment_failed", "cancelling"},
         "payment_failed": {"awaiting_payment", "paid", "cancelling"},
         "cancelling": {"cancelled", "paid"},
         "paid": {"shipped", "cancelled"},
         "shipped": {"delivered", "refunded"},
         "delivered": {"refunded"},
         "cancelled": set(), "refunded": set()}


def _reachable():
    out = {status: {status} for status in STEPS}
    for _ in STEPS:
        for status in STEPS:
            out[status] |= {far for near in STEPS[status] for far in out[near]}
    return out


REACHABLE = _reachable()


@dataclasses.dataclass(frozen=True)
class Seen:
    """An order as one answer showed it."""
    start: float
    end: float
    order_id: str
    version: int
    status: str
    body: bytes = b""


def first_step_back(seen):
    """None where every order only went forward; else the two answers that show it did not."""
    by_order = {}
    for each in seen:
        by_order.setdefault(each.order_id, []).append(each)
    for answers in by_order.values():
        answers.sort(key=lambda a: a.end)
        of_version = {}
        for each in answers:
            other = of_version.setdefault(each.version, each)
            if (other.status, other.body) != (each.status, each.body):
                return other, each
        in_order = [of_version[version] for version in sorted(of_version)]
        for before, after in zip(in_order, in_order[1:]):
            if after.status not in REACHABLE[before.status]:
                return before, after
        # Who asked after another was answered sees at least what that one saw.
        newest, waiting = None, sorted(answers, key=lambda a: a.start)
        ended = iter(answers)
        upcoming = next(ended, None)
        for each in waiting:
            while upcoming is not None and upcoming.end < each.start:
                if newest is None or upcoming.version > newest.version:
                    newest = upcoming
                upcoming = next(ended, None)
            if newest is not None and each.version < newest.version:
                return newest, each
    return None
