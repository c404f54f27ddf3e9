# SPDX-License-Identifier: Apache-2.0
"""Rules as a test sees them: their buffers and tests, a matcher for these, and bytes that fulfil them.

Independent of the sensor's own code on purpose: it says what must match by reading the rule itself.
"""
import re

try:
    import re._parser as sre_parse
except ImportError:
    import sre_parse

LEGACY = {"http_uri": "http.uri", "http_raw_uri": "http.uri.raw", "http_method": "http.method", "http_header": "http.header",
          "http_raw_header": "http.header", "http_cookie": "http.cookie", "http_user_agent": "http.user_agent",
          "http_host": "http.host", "http_raw_host": "http.host.raw", "http_client_body": "http.request_body",
          "http_server_body": "http.response_body", "http_stat_code": "http.stat_code", "http_stat_msg": "http.stat_msg"}
STICKY = {"file_data": "file.data", "dns_query": "dns.query", "tls_sni": "tls.sni", "http_content_type": "http.content_type",
          "http_referer": "http.referer", "http_accept": "http.accept", "http_connection": "http.connection",
          "http_request_line": "http.request_line", "http_header_names": "http.header_names", "http_start": "http.start",
          "http_accept_enc": "http.accept_enc", "http_accept_lang": "http.accept_lang", "http_location": "http.location",
          "http_server": "http.server", "http_protocol": "http.protocol", "http_content_len": "http.content_len"}
LETTERS = {"U": "http.uri", "I": "http.uri.raw", "P": "http.request_body", "Q": "file.data", "H": "http.header",
           "M": "http.method", "C": "http.cookie", "V": "http.user_agent", "W": "http.host", "S": "http.stat_code"}
# Options that say nothing about which bytes match.
SILENT = {"msg", "sid", "rev", "gid", "classtype", "reference", "metadata", "priority", "flow", "target", "fast_pattern",
          "rawbytes", "prefilter", "alert", "tag", "bypass"}
MODIFIERS = {"nocase", "offset", "depth", "distance", "within", "startswith", "endswith"}


class Unexpressed(Exception):
    """The rule asks for something that this file can't make."""


class Test:
    """One content, pcre, isdataat, bsize or urilen on a buffer."""

    def __init__(self, kind, value=None, negated=False):
        self.kind, self.value, self.negated = kind, value, negated
        self.nocase = self.starts = self.ends = False
        self.offset = self.depth = self.distance = self.within = None
        self.relative = False
        self.regex = None

    def is_relative(self):
        return self.distance is not None or self.within is not None or self.relative


def unescape(text):
    out, hexed = bytearray(), False
    for part in re.split(r"(?<!\\)\|", text):
        if hexed:
            out += bytes.fromhex(part)
        else:
            out += re.sub(r"\\(.)", r"\1", part).encode("latin-1")
        hexed = not hexed
    return bytes(out)


def options(text):
    """The options between the parentheses: (name, value or None)."""
    for one in re.findall(r'((?:\\.|"(?:\\.|[^"\\])*"|[^;"\\])+);', text, re.S):
        name, colon, value = one.strip().partition(":")
        yield name.strip(), value.strip() if colon else None


class Rule:
    def __init__(self, line):
        head, _, rest = line.partition("(")
        self.action, self.proto, self.src, self.sport, self.arrow, self.dst, self.dport = \
            re.findall(r"\[[^\]]*\]|\S+", head)[:7]
        self.sid, self.flow, self.noalert, self.lists, self.dotprefix, self.order = 0, "", False, {}, set(), []
        current, last = "payload", None
        for name, value in options(rest.rstrip().rstrip(")")):
            current, last = self.option(name, value, current, last)

    def buffers(self):
        """Names of the buffers that are asked anything, in their order."""
        return [name for name in self.order if self.lists[name]]

    def add(self, buffer, test):
        self.lists.setdefault(buffer, []).append(test)
        if buffer not in self.order:
            self.order.append(buffer)
        return test

    def option(self, name, value, current, last):
        if name == "content":
            negated = value.startswith("!")
            test = Test("content", unescape(value.lstrip("!").strip()[1:-1]), negated)
            return current, (self.add(current, test), current)
        if name in MODIFIERS:
            self.modify(last[0], name, value)
        elif name in LEGACY:
            test, old = last
            self.lists[old].remove(test)
            return current, (self.add(LEGACY[name], test), LEGACY[name])
        elif name == "pcre":
            return current, self.pcre(value, current)
        elif name in ("isdataat", "bsize", "urilen"):
            self.add("http.uri" if name == "urilen" else current, self.number(name, value))
        elif name == "dotprefix":
            self.dotprefix.add(current)
        elif name == "pkt_data":
            return "payload", last
        elif name in STICKY or "." in name and not value:
            return STICKY.get(name, name), last
        else:
            self.other(name, value)
        return current, last

    def other(self, name, value):
        if name == "sid":
            self.sid = int(value)
        elif name == "flow":
            self.flow = value
        elif name == "noalert" or name == "flowbits" and value == "noalert":
            self.noalert = True
        elif name == "flowbits" and value.split(",")[0] in ("set", "unset", "toggle"):
            pass
        elif name == "threshold" and "type limit" in value:
            pass
        elif name == "xbits" and value.startswith("set"):
            pass
        elif name not in SILENT:
            raise Unexpressed(name)

    @staticmethod
    def modify(test, name, value):
        if name in ("offset", "depth", "distance", "within"):
            if not re.fullmatch(r"-?\d+", value):
                raise Unexpressed("variable")
            setattr(test, name, int(value))
        else:
            setattr(test, {"nocase": "nocase", "startswith": "starts", "endswith": "ends"}[name], True)

    def pcre(self, value, current):
        found = re.fullmatch(r'(!?)\s*"/(.*)/([A-Za-z]*)"', value, re.S)
        if not found:
            raise Unexpressed("pcre")
        negated, text, letters = found.groups()
        flags = re.DOTALL * ("s" in letters) | re.I * ("i" in letters) | re.M * ("m" in letters) | re.X * ("x" in letters)
        test = Test("pcre", None, bool(negated))
        try:
            test.regex = re.compile(text.replace("\\/", "/").encode("latin-1"), flags)
        except (re.error, UnicodeError):
            raise Unexpressed("pcre dialect")
        test.relative = "R" in letters
        for letter in letters:
            current = LETTERS.get(letter, current)
        return self.add(current, test), current

    @staticmethod
    def number(name, value):
        negated = value.startswith("!")
        words = [w.strip() for w in value.lstrip("!").split(",")]
        test = Test(name, words[0], negated)
        test.relative = "relative" in words
        if not re.fullmatch(r"(<=|>=|<|>|=)?\s*\d+|\d+<>\d+", words[0]) or "raw" in words:
            raise Unexpressed(name)
        return test


# ---- matching ---------------------------------------------------------------------------------------------------------


def compare(text, number):
    between = re.fullmatch(r"(\d+)<>(\d+)", text)
    if between:
        return int(between[1]) < number < int(between[2])
    sign, value = re.fullmatch(r"(<=|>=|<|>|=)?\s*(\d+)", text).groups()
    value = int(value)
    return {"<": number < value, ">": number > value, "<=": number <= value, ">=": number >= value}.get(sign, number == value)


def places(test, data, cursor):
    """Every end that a content or regex can have."""
    if test.kind == "pcre":
        base = cursor if test.relative else 0
        for found in test.regex.finditer(data[base:]):
            yield base + found.end()
        return
    low, high = 0, len(data)
    if test.distance is not None or test.within is not None:
        low = max(cursor + (test.distance or 0), 0)
        if test.within is not None:
            high = min(high, cursor + (test.distance or 0) + test.within)
    if test.offset is not None:
        low = max(low, test.offset)
    if test.depth is not None:
        high = min(high, (test.offset or 0) + test.depth)
    if test.starts:
        high = min(high, len(test.value))
    hay, needle = (data.lower(), test.value.lower()) if test.nocase else (data, test.value)
    at = hay.find(needle, low, max(high, 0))
    while at >= 0:
        if not test.ends or at + len(needle) == len(data):
            yield at + len(needle)
        at = hay.find(needle, at + 1, max(high, 0))


def matches(tests, data, cursor=0):
    if not tests:
        return True
    test, rest = tests[0], tests[1:]
    if test.kind in ("bsize", "urilen"):
        return compare(test.value, len(data)) and matches(rest, data, cursor)
    if test.kind == "isdataat":
        there = cursor + int(test.value) <= len(data) if test.relative else int(test.value) < len(data)
        return there != test.negated and matches(rest, data, cursor)
    if test.negated:
        return next(places(test, data, cursor), None) is None and matches(rest, data, cursor)
    return any(matches(rest, data, end) for end in places(test, data, cursor))


# ---- making -----------------------------------------------------------------------------------------------------------


def regex_text(parsed):
    """A text that a parsed regex takes: the least that it asks for."""
    out = bytearray()
    for op, arg in parsed:
        name = str(op)
        if name == "LITERAL":
            out.append(arg)
        elif name == "NOT_LITERAL":
            out += b"a" if arg != 97 else b"b"
        elif name == "ANY":
            out += b"a"
        elif name == "IN":
            out.append(class_member(arg))
        elif name == "BRANCH":
            out += regex_text(arg[1][0])
        elif name == "SUBPATTERN":
            out += regex_text(arg[-1])
        elif name in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
            out += regex_text(arg[2]) * arg[0]
        elif name == "ATOMIC_GROUP":
            out += regex_text(arg)
        elif name not in ("AT", "ASSERT_NOT"):
            raise Unexpressed("pcre " + name)
    return bytes(out)


def class_member(items):
    negate = str(items[0][0]) == "NEGATE"
    for value in b"a0A-_ /.=&%1Z" + bytes(range(33, 127)) + bytes(range(256)):
        inside = any(class_has(item, value) for item in items[negate:])
        if inside != negate:
            return value
    raise Unexpressed("pcre class")


def class_has(item, value):
    name, arg = str(item[0]), item[1]
    if name == "LITERAL":
        return value == arg
    if name == "RANGE":
        return arg[0] <= value <= arg[1]
    classes = {"DIGIT": rb"\d", "SPACE": rb"\s", "WORD": rb"\w"}
    kind = str(arg).replace("CATEGORY_", "")
    plain = re.fullmatch(classes[kind.replace("NOT_", "")], bytes([value])) is not None
    return plain != kind.startswith("NOT_")


def make(tests, filler=b"x"):
    """Bytes that fulfil `tests`, or Unexpressed."""
    data, cursor = bytearray(), 0
    for test in sorted(tests, key=lambda t: t.kind == "content" and t.ends and not t.is_relative()):
        if test.negated and test.kind != "isdataat":
            continue
        if test.kind == "isdataat":
            need = (cursor if test.relative else 0) + int(test.value) + 1
            if not test.negated and need > len(data):
                data += filler * (need - len(data))
            continue
        if test.kind in ("bsize", "urilen"):
            continue
        text = test.value if test.kind == "content" else regex_text(sre_parse.parse(test.regex.pattern, test.regex.flags))
        at = place(test, cursor, data)
        if at > len(data):
            data += filler * (at - len(data))
        data[at:at + len(text)] = text
        cursor = at + len(text)
    pad(tests, data, filler)
    if not matches(tests, bytes(data)):
        raise Unexpressed("no bytes found")
    return bytes(data)


def place(test, cursor, data):
    if test.kind == "pcre":
        return cursor if test.relative else len(data)
    if test.is_relative():
        return max(cursor + (test.distance or 0), 0)
    if test.starts:
        return 0
    if test.offset is not None:
        return max(test.offset, len(data)) if test.depth is None else test.offset
    if test.depth is not None and len(data) + len(test.value) > test.depth:
        return 0
    return len(data)


def pad(tests, data, filler):
    for test in tests:
        if test.kind not in ("bsize", "urilen"):
            continue
        want = next((n for n in range(len(data), len(data) + 3000) if compare(test.value, n)), None)
        if want is None:
            raise Unexpressed(test.kind)
        if any(t.ends for t in tests):
            data[:0] = filler * (want - len(data))
        else:
            data += filler * (want - len(data))


def spoil(test):
    """The content with one letter changed, so that it just misses."""
    value = bytearray(test.value)
    for at in sorted(range(len(value)), key=lambda i: abs(i - len(value) // 2)):
        if chr(value[at]).isalnum() and value[at] < 128:
            value[at] = ord("q") if value[at] not in b"qQ" else ord("z")
            return bytes(value)
    value[len(value) // 2] ^= 0x41
    return bytes(value)
