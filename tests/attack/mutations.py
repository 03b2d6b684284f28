"""Changes to DER that keep it nearly sound: at elements, with the lengths around them written anew."""

import der


class Element:
    """One TLV; constructed ones have children, and so have strings that are DER inside."""

    def __init__(self, tag, content, depth=0):
        self.tag, self.content, self.children = tag, content, None
        if tag & 0x20 and depth < 24:
            self.children = parse(content, depth + 1)

    def der(self):
        content = self.content if self.children is None else b"".join(c.der() for c in self.children)
        return bytes([self.tag]) + der.length(len(content)) + content

    def all(self):
        yield self
        for child in self.children or ():
            yield from child.all()


def parse(octets, depth=0):
    """The elements one after the other, or None where they are none."""
    found = []
    while octets:
        if len(octets) < 2 or octets[0] & 0x1F == 0x1F:
            return None
        first, start = octets[1], 2
        size = first
        if first & 0x80:
            start = 2 + (first & 0x7F)
            size = int.from_bytes(octets[2:start], "big")
        if first == 0x80 or start + size > len(octets):
            return None
        found.append(Element(octets[0], octets[start:start + size], depth))
        octets = octets[start + size:]
    return found


def mutate(octets, random):
    """One or two changes of a kind that random chooses."""
    for _ in range(random.choice((1, 1, 1, 2))):
        octets = random.choice((_octet, _element, _element, _element, _length))(octets, random)
    return octets


def _octet(octets, random):
    out = bytearray(octets)
    out[random.randrange(len(out))] ^= 1 << random.randrange(8)
    return bytes(out)


def _length(octets, random):
    """What a length says, without what follows from it."""
    place = random.randrange(1, len(octets))
    wrong = random.choice((b"\x80", b"\x84\xff\xff\xff\xff", b"\x81\x01", b"\x00", b"\x7f", b"\x88" + bytes(8)))
    return octets[:place] + wrong + octets[place + 1:]


def _element(octets, random):
    top = parse(octets)
    if not top:
        return _octet(octets, random)
    everything = [element for one in top for element in one.all()]
    parents = [element for element in everything if element.children]
    chosen = random.choice(everything)
    how = random.randrange(9)
    if how < 5 and parents:
        children = random.choice(parents).children
        place = random.randrange(len(children))
        if how == 0:
            del children[place]
        elif how == 1:
            children[place:place] = parse(children[place].der())
        elif how == 2:
            random.shuffle(children)
        elif how == 3:
            children[place:place] = parse(random.choice(everything).der())
        else:
            children[place] = Element(*random.choice(((5, b""), (0x30, b""), (4, b"\0"), (2, b"\xff" * 9))))
    elif how == 5:
        chosen.tag = random.choice((2, 3, 4, 5, 6, 0x0C, 0x13, 0x1E, 0x30, 0x31, 0xA0, 0xA1, 0x80, 0x24))
    elif how == 6:
        chosen.children, chosen.content = None, random.randbytes(random.choice((0, 1, 16, 200)))
    elif how == 7:
        chosen.children, chosen.content = None, chosen.content * random.choice((0, 2, 40))
    else:
        chosen.children = [Element(chosen.tag, chosen.content)]
        chosen.tag |= 0x20
    return b"".join(element.der() for element in top)
