"""Payloads for RESTORE: sealing values with the version and CRC-64 that Redis puts behind them."""

import struct
from typing import Union

_POLYNOMIAL = 0x95AC9329AC4BC9B5


def _table():
    table = []
    for byte in range(256):
        crc = byte
        for _ in range(8):
            crc = (crc >> 1) ^ (_POLYNOMIAL if crc & 1 else 0)
        table.append(crc)
    return table


_TABLE = _table()


def crc64(data: bytes) -> int:
    crc = 0
    for byte in data:
        crc = _TABLE[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    return crc


def sealed(value: bytes, version: int = 10) -> bytes:
    """A DUMP payload of an encoded value."""
    body = value + struct.pack("<H", version)
    return body + struct.pack("<Q", crc64(body))


def sealed_hex(value: str, version: int = 10) -> bytes:
    return sealed(bytes.fromhex(value), version)


def string(data: bytes) -> bytes:
    """A string of less than 64 bytes, as part of an encoded value."""
    assert len(data) < 64
    return bytes([len(data)]) + data


def listpack(*items: Union[int, bytes]) -> bytes:
    """The bytes of a listpack of short texts and numbers."""
    body = b""
    for item in items:
        if isinstance(item, bytes):
            assert len(item) < 64
            element = bytes([0x80 | len(item)]) + item
        elif 0 <= item < 128:
            element = bytes([item])
        else:
            element = b"\xf4" + struct.pack("<q", item)
        body += element + bytes([len(element)])
    return struct.pack("<IH", len(body) + 7, len(items)) + body + b"\xff"
