# SPDX-License-Identifier: BSD-3-Clause
"""The few words of tcpdump's language that say which packets of a capture are the attack.

Primitives: ip ip6 tcp udp icmp vlan, `tcp[13]=N`, `ip6[6]=N`, and `[src|dst] host|port X`,
joined by `and`, `or` and parentheses. Whatever else is said raises ValueError.
As with tcpdump, `tcp` and `udp` look through no IPv6 extension header.
"""
import ipaddress
import re
import struct

TOKEN = re.compile(r"\s*([()]|(?:tcp|ip6)\[\d+\]!?=(?:0x[0-9a-f]+|\d+)|[\w.:]+)")
FIELD = re.compile(r"(tcp|ip6)\[(\d+)\](!?=)(\w+)")


class Packet:
    """What the language asks of a frame."""

    def __init__(self, frame):
        at, kind = 14, struct.unpack("!H", frame[12:14])[0]
        self.vlan = False
        while kind in (0x8100, 0x88A8, 0x9100) and len(frame) >= at + 4:
            self.vlan, kind, at = True, struct.unpack("!H", frame[at + 2:at + 4])[0], at + 4
        self.version = {0x0800: 4, 0x86DD: 6}.get(kind, 0)
        self.ip = frame[at:]
        self.proto, self.l4 = None, b""
        if self.version == 4 and len(self.ip) >= 20:
            self.proto = self.ip[9]
            self.src, self.dst = self.ip[12:16], self.ip[16:20]
            if not struct.unpack("!H", self.ip[6:8])[0] & 0x1FFF:
                self.l4 = self.ip[(self.ip[0] & 15) * 4:]
        elif self.version == 6 and len(self.ip) >= 40:
            self.proto = self.ip[6]
            self.src, self.dst = self.ip[8:24], self.ip[24:40]
            self.l4 = self.ip[40:]

    def port(self, at):
        if self.proto not in (6, 17) or len(self.l4) < 4:
            return None
        return struct.unpack("!H", self.l4[at:at + 2])[0]

    def is_icmp_error(self):
        """RFC 792 and RFC 4443: types of ICMPv6 errors are below 128."""
        return len(self.l4) > 0 and ((self.proto == 1 and self.l4[0] in (3, 4, 5, 11, 12)) or
                                     (self.proto == 58 and self.l4[0] < 128))


def one_of(ends, get):
    """`src`, `dst` or either end."""
    if ends == "src":
        return lambda p, want: get(p, 0) == want
    if ends == "dst":
        return lambda p, want: get(p, 1) == want
    return lambda p, want: want in (get(p, 0), get(p, 1))


def address(p, end):
    return None if p.proto is None else (p.src, p.dst)[end]


def field(text):
    name, offset, sign, value = FIELD.fullmatch(text).groups()
    offset, value = int(offset), int(value, 0)

    def test(p):
        data = p.l4 if name == "tcp" and p.proto == 6 else p.ip if name == "ip6" and \
            p.version == 6 else b""
        return len(data) > offset and (data[offset] == value) == (sign == "=")
    return test


WORDS = {
    "ip": lambda p: p.version == 4, "ip6": lambda p: p.version == 6,
    "tcp": lambda p: p.proto == 6, "udp": lambda p: p.proto == 17,
    "icmp": lambda p: p.version == 4 and p.proto == 1, "vlan": lambda p: p.vlan,
}


def primitive(words):
    word = words.pop(0)
    if "[" in word:
        return field(word)
    if word in WORDS:
        # `udp src port 53` says `udp and src port 53`.
        if words and words[0] in ("src", "dst", "port"):
            first, rest = WORDS[word], primitive(words)
            return lambda p: first(p) and rest(p)
        return WORDS[word]
    ends = None
    if word in ("src", "dst"):
        ends, word = word, words.pop(0)
    if word == "port":
        want, has = int(words.pop(0)), one_of(ends, lambda p, end: p.port(end * 2))
    elif word == "host":
        want, has = ipaddress.ip_address(words.pop(0)).packed, one_of(ends, address)
    else:
        raise ValueError("this language has no '%s'" % word)
    return lambda p: has(p, want)


def term(words):
    if words and words[0] == "(":
        words.pop(0)
        inner = chain(words)
        if not words or words.pop(0) != ")":
            raise ValueError("a parenthesis is missing")
        return inner
    return primitive(words)


def chain(words):
    """`and` and `or` bind alike and from the left, as tcpdump has it."""
    left = term(words)
    while words and words[0] in ("and", "or"):
        is_and, right = words.pop(0) == "and", term(words)
        left = (lambda a, b: lambda p: a(p) and b(p))(left, right) if is_and else \
            (lambda a, b: lambda p: a(p) or b(p))(left, right)
    return left


def matcher(text):
    """A function that tells of a frame whether it matches; ValueError for other words."""
    words, at = [], 0
    while at < len(text.rstrip()):
        found = TOKEN.match(text, at)
        if not found:
            raise ValueError("this language has no '%s'" % text[at:])
        words.append(found.group(1))
        at = found.end()
    if not words:
        raise ValueError("nothing is asked")
    test = chain(words)
    if words:
        raise ValueError("this language has no '%s'" % " ".join(words))
    return lambda frame: test(Packet(frame))
