"""How far consumer groups have read: entries-read and lag of XINFO GROUPS after deletions.

Two checks of random histories. Redis's rule of when the counters are known (as of its fixes
after 7.0, which the oracle does not have) is written down once more in Rule. And whatever
the rule says, a counter that is given must be true: History knows every entry there ever was.
"""

import random
import time

import pytest

from support.resp import is_null
from support.stress import stress_seconds, test_seed

pytestmark = pytest.mark.mantis_only

UNKNOWN = None


def _groups(client):
    reply = {}
    for fields in client.ok("XINFO", "GROUPS", "s"):
        row = dict(zip(fields[::2], fields[1::2]))
        counters = [row[b"entries-read"], row[b"lag"]]
        reply[row[b"name"].decode()] = [UNKNOWN if is_null(n) else n for n in counters]
    return reply


class Rule:
    """The rule. Ids are whole numbers (n-0), 0 is none."""

    def __init__(self):
        self.live = []
        self.added = 0
        self.last = 0
        self.max_deleted = 0
        self.groups = {}  # name: [last id, entries read]

    @property
    def first(self):
        return self.live[0] if self.live else 0

    def _holes_from(self, start):
        return bool(self.live) and self.max_deleted != 0 and start <= self.max_deleted

    def _clamped(self, read):
        return UNKNOWN if read is UNKNOWN else min(read, self.added)

    def _distance(self, place):
        if self.added == 0:
            return 0
        if not self.live and place <= self.last:
            return self.added
        if place != 0 and place < self.max_deleted:
            return UNKNOWN
        if place == self.last:
            return self.added
        if place > self.last:
            return UNKNOWN
        if self.max_deleted < self.first:
            if place < self.first:
                return self.added - len(self.live)
            if place == self.first:
                return self.added - len(self.live) + 1
        return UNKNOWN

    def lag(self, name):
        place, read = self.groups[name]
        if self.added == 0 or not self.live:
            return 0
        if place < self.first and self.max_deleted < self.first:
            return len(self.live)
        if read is UNKNOWN or self._holes_from(place):
            read = self._distance(place)
        return UNKNOWN if read is UNKNOWN else self.added - read

    def add(self, number):
        self.live.append(number)
        self.last = number
        self.added += 1

    def delete(self, number):
        if number in self.live:
            self.live.remove(number)
            self.max_deleted = max(self.max_deleted, number)

    def trim(self, keep):
        self.live = [n for n in self.live if keep(n)]

    def set_last(self, last, added, max_deleted):
        self.last = last
        if added is not None:
            self.added = added
        if max_deleted:
            self.max_deleted = max_deleted
        for group in self.groups.values():
            group[1] = self._clamped(group[1])

    def place(self, name, place, read):
        self.groups[name] = [place, self._clamped(read)]

    def read(self, name, count):
        group = self.groups[name]
        for number in [n for n in self.live if n > group[0]][:count]:
            if (
                group[1] is not UNKNOWN
                and group[0] >= self.first
                and not self._holes_from(group[0])
            ):
                group[1] = self._clamped(group[1] + 1)
            elif self.added != 0:
                group[1] = self._distance(number)
            group[0] = number

    def expected(self):
        return {name: [group[1], self.lag(name)] for name, group in self.groups.items()}


class History:
    """One random history: does each step to the server and to the rule."""

    NAMES = ("g", "h", "i")

    def __init__(self, client, rng, honest):
        self.client = client
        self.rng = rng
        self.rule = Rule()
        self.honest = honest  # nobody tells the server counters that are not true
        self.ever = []
        self.steps = []

    def _do(self, *command):
        self.steps.append(" ".join(str(a) for a in command))
        return self.client.ok(*command)

    def _add(self):
        number = self.rule.last + self.rng.choice((1, 1, 1, 3))
        trim, keep = self._trimming() if self.rng.random() < 0.2 else ((), None)
        self._do("XADD", "s", *trim, f"{number}-0", "f", number)
        self.rule.add(number)
        self.ever.append(number)
        if keep:
            self.rule.trim(keep)

    def _trimming(self):
        bound = self.rng.randrange(6)
        if self.rng.random() < 0.5:
            # The newest `bound`, counted when the entry that XADD adds is there.
            return ("MAXLEN", bound), lambda n: sum(m > n for m in self.rule.live) < bound
        low = max(0, self.rule.last - bound)
        return ("MINID", low), lambda n: n >= low

    def _trim(self):
        trim, keep = self._trimming()
        self._do("XTRIM", "s", *trim)
        kept = [n for n in self.rule.live if keep(n)]
        self.rule.trim(lambda n: n in kept)

    def _delete(self):
        numbers = [self.rng.randint(1, self.rule.last + 1) for _ in range(self.rng.randint(1, 3))]
        if self.rule.live and self.rng.random() < 0.5:
            numbers.append(self.rng.choice((self.rule.live[0], self.rule.live[-1])))
        self._do("XDEL", "s", *(f"{n}-0" for n in numbers))
        for number in numbers:
            self.rule.delete(number)

    def _place(self):
        name = self.rng.choice(self.NAMES)
        verb = "SETID" if name in self.rule.groups else "CREATE"
        place = self.rng.choice(("$", 0, self.rng.randint(0, self.rule.last + 2)))
        options, read = (), UNKNOWN
        if not self.honest and self.rng.random() < 0.5:
            read = self.rng.choice((0, 1, self.rule.added, self.rule.added + 1, 2**63 - 1))
            options = ("ENTRIESREAD", read)
        self._do("XGROUP", verb, "s", name, place, *options)
        self.rule.place(name, self.rule.last if place == "$" else place, read)

    def _read(self):
        if not self.rule.groups:
            return
        name = self.rng.choice(list(self.rule.groups))
        count = self.rng.randint(1, 4)
        self._do("XREADGROUP", "GROUP", name, "c", "COUNT", count, "STREAMS", "s", ">")
        self.rule.read(name, count)

    def _set_last(self):
        if self.honest:
            return
        last = max(self.rule.last, self.rule.max_deleted) + self.rng.randrange(3)
        added = self.rng.choice((None, len(self.rule.live), len(self.rule.live) + 3))
        deleted = self.rng.choice((0, last, self.rng.randint(0, last)))
        options = () if added is None else ("ENTRIESADDED", added)
        if deleted:
            options += ("MAXDELETEDID", deleted)
        self._do("XSETID", "s", last, *options)
        self.rule.set_last(last, added, deleted)

    def run(self, steps):
        self._do("XGROUP", "CREATE", "s", "g", "$", "MKSTREAM")
        self.rule.place("g", 0, UNKNOWN)
        acts = (self._add, self._trim, self._delete, self._place, self._read, self._set_last)
        for _ in range(steps):
            self.rng.choices(acts, weights=(8, 1, 2, 1, 5, 1))[0]()
            found = _groups(self.client)
            assert found == self.rule.expected(), self.steps
            if self.honest:
                self._check_truth(found)

    def _check_truth(self, found):
        for name, (read, lag) in found.items():
            place = self.rule.groups[name][0]
            if lag is not UNKNOWN:
                assert lag == sum(n > place for n in self.rule.live), (name, self.steps)
            if read is not UNKNOWN:
                assert read == sum(n <= place for n in self.ever), (name, self.steps)


@pytest.mark.stress
@pytest.mark.parametrize("honest", [True, False], ids=["true counters", "any counters"])
def test_random_histories(client, honest):
    rng = random.Random(test_seed())
    end = time.monotonic() + stress_seconds(2)
    while time.monotonic() < end:
        client.ok("DEL", "s")
        History(client, rng, honest).run(30)


def test_an_unread_entry_is_deleted(client):
    for i in range(1, 5):
        client.ok("XADD", "s", f"{i}-0", "a", i)
    client.ok("XGROUP", "CREATE", "s", "g", 0)
    client.ok("XREADGROUP", "GROUP", "g", "c", "COUNT", 2, "STREAMS", "s", ">")
    client.ok("XDEL", "s", "3-0")
    assert _groups(client) == {"g": [2, UNKNOWN]}
    client.ok("XREADGROUP", "GROUP", "g", "c", "COUNT", 2, "STREAMS", "s", ">")
    assert _groups(client) == {"g": [4, 0]}


def test_more_read_than_there_ever_was(client):
    client.ok("XADD", "s", "1-0", "a", "b")
    client.ok("XADD", "s", "2-0", "a", "b")
    client.ok("XGROUP", "CREATE", "s", "g", "1-0", "ENTRIESREAD", 100)
    assert _groups(client) == {"g": [2, 0]}
    client.ok("XREADGROUP", "GROUP", "g", "c", "STREAMS", "s", ">")
    client.ok("XGROUP", "SETID", "s", "g", "$", "ENTRIESREAD", 2**63 - 1)
    assert _groups(client) == {"g": [2, 0]}
    # So it is after a copy, and after a change of what was ever added.
    assert client.ok("COPY", "s", "t") == 1
    client.ok("RENAME", "t", "s")
    assert _groups(client) == {"g": [2, 0]}
    client.ok("XDEL", "s", "1-0")
    client.ok("XSETID", "s", "2-0", "ENTRIESADDED", 1)
    assert _groups(client) == {"g": [1, 0]}
