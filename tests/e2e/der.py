"""Just enough DER and BER writing to make messages that no library would agree to make."""


def length(n):
    if n < 0x80:
        return bytes([n])
    octets = n.to_bytes((n.bit_length() + 7) // 8, "big")
    return bytes([0x80 | len(octets)]) + octets


def tlv(tag, content):
    return bytes([tag]) + length(len(content)) + content


def integer(n):
    return tlv(0x02, n.to_bytes(n.bit_length() // 8 + 1, "big"))


def oid(dotted):
    first, second, *rest = (int(arc) for arc in dotted.split("."))
    out = b""
    for arc in [40 * first + second, *rest]:
        groups = [arc & 0x7F]
        while arc := arc >> 7:
            groups.append(0x80 | (arc & 0x7F))
        out += bytes(reversed(groups))
    return tlv(0x06, out)


NULL = b"\x05\x00"


def sequence(*parts):
    return tlv(0x30, b"".join(parts))


def set_of(*parts):
    return tlv(0x31, b"".join(sorted(parts)))


def set_as_is(*parts):
    return tlv(0x31, b"".join(parts))


def octets(value):
    return tlv(0x04, value)


def printable(text):
    return tlv(0x13, text.encode("latin-1"))


def utf8(text):
    return tlv(0x0C, text.encode())


def ia5(text):
    return tlv(0x16, text.encode("latin-1"))


def bits(value):
    return tlv(0x03, b"\x00" + value)


def algorithm(dotted, parameters=NULL):
    return sequence(oid(dotted), parameters)


class Der:
    """Definite lengths, primitive strings."""

    name = "DER"

    def sequence(self, *parts):
        return sequence(*parts)

    def explicit(self, number, content):
        return tlv(0xA0 | number, content)

    def octets(self, value):
        return octets(value)

    def implicit_octets(self, number, value):
        return tlv(0x80 | number, value)


class Ber:
    """Indefinite lengths, strings in segments: what Java clients send."""

    name = "BER"

    def __init__(self, segment=1000):
        self.segment = segment

    def _indefinite(self, tag, content):
        return bytes([tag, 0x80]) + content + b"\x00\x00"

    def _segments(self, value):
        return b"".join(octets(value[i:i + self.segment])
                        for i in range(0, len(value), self.segment))

    def sequence(self, *parts):
        return self._indefinite(0x30, b"".join(parts))

    def explicit(self, number, content):
        return self._indefinite(0xA0 | number, content)

    def octets(self, value):
        return self._indefinite(0x24, self._segments(value))

    def implicit_octets(self, number, value):
        return self._indefinite(0xA0 | number, self._segments(value))


DER = Der()
