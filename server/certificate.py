"""The server's TLS: a certificate from files, or one made on the spot for tests. Keys it makes are never kept."""

from __future__ import annotations

import os
import ssl
import sys
import tempfile
from pathlib import Path

#: Names that a certificate made here is good for, besides any that are asked for.
LOOPBACK_NAMES = ("localhost", "127.0.0.1", "::1")


class BadCertificate(Exception):
    """The certificate cannot be used, and why."""


def from_files(certfile: Path, keyfile: Path) -> ssl.SSLContext:
    """TLS with a certificate (its chain included, the server's own first) and its private key, both PEM.

    Raises
    ------
    BadCertificate
        A file cannot be read, is not PEM, or the two do not belong together.
    """
    context = _context()
    for option, path in (("--certfile", certfile), ("--keyfile", keyfile)):
        try:
            with path.open("rb"):
                pass
        except OSError as problem:
            raise BadCertificate(f"{option}: {path}: {problem.strerror}") from problem
    try:
        # An encrypted key would make OpenSSL ask on the terminal, and wait for ever where there is no one to type it.
        context.load_cert_chain(certfile, keyfile, password=_no_password)
    except _Encrypted as problem:
        raise BadCertificate(f"--keyfile: {keyfile} is encrypted; give a key without a password") from problem
    except ssl.SSLError as problem:
        if problem.reason == "KEY_VALUES_MISMATCH":
            raise BadCertificate(f"--keyfile: {keyfile} is not the key of the certificate {certfile}") from problem
        raise BadCertificate(
            f"--certfile, --keyfile: {certfile} and {keyfile} are not a PEM certificate and its PEM key "
            f"({problem.reason or problem})"
        ) from problem
    return context


class _Encrypted(Exception):
    pass


def _no_password() -> str:
    raise _Encrypted


def self_signed(names: list[str], ca_file: Path | None) -> ssl.SSLContext:
    """TLS with a certificate made now, for loopback and `names`; its private keys are in this process only.

    Parameters
    ----------
    names : list of str
        Further host names or addresses that clients will call it by.
    ca_file : Path or None
        Where to put the certificate of the authority that signed it, for clients that verify
        (`curl --cacert`). Written whole or not at all, since a client may be waiting for it.

    Raises
    ------
    BadCertificate
        A name is none, the file cannot be written, or the library that makes certificates is not installed.
    """
    try:
        import trustme
    except ImportError as problem:
        raise BadCertificate("--self-signed needs the package trustme: pip install 'isotherm[server]'") from problem
    authority = trustme.CA(organization_name="Isotherm, for tests")
    try:
        certificate = authority.issue_cert(*LOOPBACK_NAMES, *names)
    except (ValueError, UnicodeError) as problem:
        raise BadCertificate(f"--name: {', '.join(names)}: {problem}") from problem
    context = _context()
    if sys.platform == "linux":
        _load(context, certificate.private_key_and_cert_chain_pem.bytes())
    else:
        certificate.configure_cert(context)  # by way of a file on disk, removed at once
    if ca_file is not None:
        try:
            _put(ca_file, authority.cert_pem.bytes())
        except OSError as problem:
            raise BadCertificate(f"--ca-file: {ca_file}: {problem.strerror}") from problem
    return context


def _load(context: ssl.SSLContext, pem: bytes) -> None:
    """Load a key with its certificate by way of a file in memory: ssl takes files only, and there may be no disk."""
    descriptor = os.memfd_create("isotherm-certificate")
    try:
        os.write(descriptor, pem)
        context.load_cert_chain(f"/proc/self/fd/{descriptor}")
    finally:
        os.close(descriptor)


def _put(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    Path(name).chmod(0o644)
    Path(name).replace(path)


def _context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    return context
