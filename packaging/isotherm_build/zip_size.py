"""How large a folder is as SAM CLI zips it, without writing the zip file. Knows nothing of what is in it."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from pathlib import Path

# Sizes of a zip file's records without their variable parts: PKWARE APPNOTE 6.3.10, sections 4.3.7, 4.3.12, 4.3.16.
_LOCAL_HEADER = 30
_CENTRAL_HEADER = 46
END_OF_ARCHIVE = 22


def deflated_size(content: bytes) -> int:
    """Bytes of `content` as a zip member: raw deflate at zlib's default level, which `sam package` and `deploy` use.

    References
    ----------
    samcli/lib/package/utils.py (1.170.0), make_zip_with_permissions: zipfile.ZIP_DEFLATED with no level given, files
    only, no extra fields, no comments.
    """
    compressor = zlib.compressobj(zlib.Z_DEFAULT_COMPRESSION, zlib.DEFLATED, -zlib.MAX_WBITS)
    return len(compressor.compress(content)) + len(compressor.flush())


def member_size(name: str, content: bytes) -> int:
    """Bytes that a file takes in a zip file, its two headers included."""
    return _LOCAL_HEADER + _CENTRAL_HEADER + 2 * len(name.encode()) + deflated_size(content)


def members_size(root: Path, files: Iterable[Path]) -> int:
    """Bytes that `files` below `root` take in a zip file; add `END_OF_ARCHIVE` once for the whole file."""
    return sum(member_size(file.relative_to(root).as_posix(), file.read_bytes()) for file in files)
