"""Orientation of images that cameras store in EXIF."""

import struct

UPRIGHT = 1
_ORIENTATION = 0x0112
_SHORT = 3
_ENTRY = 12  # bytes of an entry of a TIFF directory


def read_orientation(tiff: bytes) -> int:
    """Returns the orientation in a TIFF header, the content of EXIF.

    Args:
        tiff: The header, from its byte order on.

    Returns:
        1 to 8, as the standard numbers them; 1, upright, if there is none or it is not valid.

    Reference: CIPA DC-008, "Exchangeable image file format", section 4.6.5.

    Example:

    >>> read_orientation(bytes.fromhex("4d4d002a00000008000101120003000000010006000000000000"))
    6
    """
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(tiff[:4])
    if order is None or len(tiff) < 8:
        return UPRIGHT
    (start,) = struct.unpack_from(f"{order}I", tiff, 4)
    if start + 2 > len(tiff):
        return UPRIGHT
    (count,) = struct.unpack_from(f"{order}H", tiff, start)
    entries = tiff[start + 2 : start + 2 + _ENTRY * count]
    for place in range(0, len(entries) - _ENTRY + 1, _ENTRY):
        tag, kind, values, value = struct.unpack_from(f"{order}HHIH", entries, place)
        if tag == _ORIENTATION:
            valid = kind == _SHORT and values == 1 and 1 <= value <= 8
            return int(value) if valid else UPRIGHT
    return UPRIGHT


def swaps_sides(orientation: int) -> bool:
    """Returns whether an image is shown with its height and width exchanged.

    >>> [swaps_sides(orientation) for orientation in (1, 3, 6)]
    [False, False, True]
    """
    return orientation >= 5
