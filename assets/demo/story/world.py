"""The disk of the story, its clock, and ids that are the same at each run."""

import datetime
import hashlib
import re

ROOT = "/home/ada/src/shop"
HOME = "/home/ada"
EPOCH = datetime.datetime(1970, 1, 1)


def stamp(ms):
    """A moment as every record writes it."""
    moment = EPOCH + datetime.timedelta(milliseconds=ms)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03}Z"


def moment(text):
    """The inverse of `stamp`, seconds without a fraction allowed."""
    form = "%Y-%m-%dT%H:%M:%S.%fZ" if "." in text else "%Y-%m-%dT%H:%M:%SZ"
    return (datetime.datetime.strptime(text, form) - EPOCH) // datetime.timedelta(milliseconds=1)


class Ids:
    """Numbers that look random and never change."""

    def __init__(self, seed):
        self.seed, self.count = seed, 0

    def digest(self):
        self.count += 1
        return hashlib.sha256(f"{self.seed}/{self.count}".encode()).digest()

    def number(self, low, high):
        return low + int.from_bytes(self.digest()[:8], "big") % (high - low + 1)

    def hex(self, digits):
        return self.digest().hex()[:digits]

    def uuid(self):
        h = self.hex(32)
        return f"{h[:8]}-{h[8:12]}-4{h[13:16]}-a{h[17:20]}-{h[20:]}"

    def uuid7(self, ms):
        h, t = self.hex(32), f"{ms:012x}"
        return f"{t[:8]}-{t[8:]}-7{h[13:16]}-b{h[17:20]}-{h[20:]}"

    def word(self, prefix, length=22):
        letters = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz123456789"
        number = int.from_bytes(self.digest(), "big")
        out = ""
        for _ in range(length):
            number, rest = divmod(number, len(letters))
            out += letters[rest]
        return prefix + out


class World:
    """The files of the project, and who changed them without a record."""

    def __init__(self, files):
        self.files = dict(files)
        # (moment, who, path, text or None): what happened outside every record, for the proof.
        self.unseen = []

    def path(self, name):
        return f"{ROOT}/{name}"

    def by_hand(self, ms, name, old, new, who="hand"):
        """A change that no record tells of."""
        count = self.files[name].count(old)
        if count != 1:
            raise ValueError(f"{count} places for {old!r} in {name}")
        self.put_unseen(ms, name, self.files[name].replace(old, new), who)

    def put_unseen(self, ms, name, text, who):
        self.files[name] = text
        self.unseen.append((ms, who, name, text))

    def line_of(self, name, part):
        """The number of the only line that holds this."""
        found = [n for n, line in enumerate(self.files[name].split("\n"), 1) if part in line]
        if len(found) != 1:
            raise ValueError(f"{len(found)} lines with {part!r} in {name}")
        return found[0]

    def grep(self, pattern, under="", glob=None):
        """Lines that match, as `path:number:line`, in order of path."""
        found = []
        for name in sorted(self.files):
            if name.startswith(under) and (glob is None or name.endswith(glob)):
                for number, line in enumerate(self.files[name].split("\n"), 1):
                    if re.search(pattern, line):
                        found.append((name, number, line))
        return found
