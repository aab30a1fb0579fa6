"""Ogg pages (RFC 3533, section 6), as far as is needed to write the same file twice.

An encoder draws the serial number of its stream at random; here it becomes 0 and the checksums follow.
"""

import struct

from musicdemo.errors import AudioError

_HEADER_BYTES = 27
_SERIAL, _CHECKSUM, _SEGMENTS = 14, 22, 26
_POLYNOMIAL = 0x04C11DB7


def with_fixed_serial(data: bytes) -> bytes:
    """Set the serial number of every page of a one-stream Ogg file to 0.

    Raises:
        AudioError: the bytes are not whole Ogg pages.
    """
    pages, start = [], 0
    while start < len(data):
        end = _page_end(data, start)
        pages.append(_with_serial_0(bytearray(data[start:end])))
        start = end
    return b"".join(pages)


def _page_end(data: bytes, start: int) -> int:
    sizes_start = start + _HEADER_BYTES
    if data[start : start + 4] != b"OggS" or sizes_start > len(data):
        raise AudioError(f"The encoder wrote a torn Ogg file: no page at byte {start}.")
    sizes = data[sizes_start : sizes_start + data[start + _SEGMENTS]]
    end = sizes_start + len(sizes) + sum(sizes)
    if end > len(data):
        raise AudioError(f"The encoder wrote a torn Ogg file: its last page, at byte {start}, is cut.")
    return end


def _with_serial_0(page: bytearray) -> bytes:
    struct.pack_into("<I", page, _SERIAL, 0)
    struct.pack_into("<I", page, _CHECKSUM, 0)
    struct.pack_into("<I", page, _CHECKSUM, _checksum(bytes(page)))
    return bytes(page)


def _checksum(page: bytes) -> int:
    value = 0
    for byte in page:
        value = (value << 8 & 0xFFFFFFFF) ^ _TABLE[value >> 24 ^ byte]
    return value


def _table_entry(byte: int) -> int:
    value = byte << 24
    for _ in range(8):
        value = (value << 1 ^ (_POLYNOMIAL if value >> 31 else 0)) & 0xFFFFFFFF
    return value


_TABLE = tuple(_table_entry(byte) for byte in range(256))
