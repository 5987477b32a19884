"""A real SMTP server on loopback: STARTTLS with a certificate of its own authority, and a login."""

from __future__ import annotations

import asyncio
import datetime as dt
import ipaddress
import ssl
import threading
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

USER = "tripoint"
PASSWORD = "correct-horse-battery"
END = b"\r\n.\r\n"
"""What ends a message after DATA."""


@dataclass(frozen=True, slots=True)
class Received:
    """A message that the server accepted."""

    subject: str
    text: str
    html: str
    recipients: tuple[str, ...]
    raw: bytes = b""  #: as it came, doubled dots made one, without END


@dataclass
class _Inbox:
    """Accepts mail, or answers with `refusal`."""

    received: list[Received] = field(default_factory=list)
    refusal: str = ""
    refusals: list[str] = field(default_factory=list)  #: of the next mails, one each; "" accepts
    behaviour: str = ""  #: "drop" closes the line instead of an answer to DATA, "hang" does not answer until `let_go`
    drop_after: int | None = (
        None  #: bytes of a message of a message before the line is closed; negative counts from its end
    )
    dropped: list[int] = field(default_factory=list)  #: bytes read of each such message
    let_go: threading.Event = field(default_factory=threading.Event)
    slow_s: float = 0.0  #: from taking a message to saying so
    tries: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's
        self.tries += 1
        if self.behaviour == "drop":
            server.transport.abort()
            return "421 gone"
        if self.behaviour == "hang":
            await asyncio.get_running_loop().run_in_executor(None, self.let_go.wait)
            return "421 too late"
        if refusal := self.refusals.pop(0) if self.refusals else self.refusal:
            return refusal
        content = envelope.content if isinstance(envelope.content, bytes) else b""
        message = message_from_bytes(content, policy=policy.default)
        assert isinstance(message, EmailMessage)
        parts = {kind: message.get_body((kind,)) for kind in ("plain", "html")}
        bodies = {kind: part.get_content() if part else "" for kind, part in parts.items()}
        with self.lock:
            self.received.append(
                Received(str(message["Subject"]), bodies["plain"], bodies["html"], tuple(envelope.rcpt_tos), content)
            )
        await asyncio.sleep(self.slow_s)
        return "250 OK"


class _Smtp(SMTP):
    """Closes the line between two bytes of a message where the inbox says so; the rest is never read."""

    def __init__(self, inbox: _Inbox, **settings: Any) -> None:
        super().__init__(inbox, **settings)
        self._inbox = inbox
        self._is_message = False
        self._came = bytearray()
        self._read = 0

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802 - aiosmtpd's
        """Take a message as always, but for its bytes, which are counted from here on."""
        self._is_message = True
        self._came.clear()
        self._read = 0
        await super().smtp_DATA(arg)
        self._is_message = False

    def data_received(self, data: bytes) -> None:
        """Hand on what is to be read before the line is closed."""
        limit = self._inbox.drop_after
        if not self._is_message or limit is None:
            super().data_received(data)
            return
        self._came += data
        ends = self._came.endswith(END) if limit < 0 else len(self._came) >= limit
        fresh = self._came[:limit][self._read :]
        self._read += len(fresh)
        super().data_received(bytes(fresh))
        if ends:
            with self._inbox.lock:
                self._inbox.dropped.append(self._read)
            self.transport.abort()


class _Controller(Controller):
    def factory(self) -> _Smtp:
        """Return what serves one connection."""
        return _Smtp(self.handler, **self.SMTP_kwargs)


class MailServer:
    """Runs the server while the `with` lasts; keeps what it accepted."""

    def __init__(self, folder: Path, port: int = 0) -> None:
        self.inbox = _Inbox()
        self.authority = folder / "authority.pem"
        context = certificate(folder)
        self._controller = _Controller(
            self.inbox,
            hostname="127.0.0.1",
            port=port or _free_port(),
            server_hostname="localhost",  # else it asks the DNS for its own name at every connection
            tls_context=context,
            require_starttls=True,
            auth_required=True,
            authenticator=_authenticate,
        )

    def __enter__(self) -> Self:
        """Listen."""
        self._controller.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let every connection end, and stop listening."""
        self.inbox.let_go.set()
        asyncio.run_coroutine_threadsafe(_connections_ended(), self._controller.loop).result()
        self._controller.stop()

    def close_door(self) -> None:
        """Take no more connections; those that are open go on to their end."""
        self._controller.loop.call_soon_threadsafe(self._controller.server.close)

    def open_door(self) -> None:
        """Take connections again, where they were taken before."""
        asyncio.run_coroutine_threadsafe(self._listen(), self._controller.loop).result()

    async def _listen(self) -> None:
        loop = asyncio.get_running_loop()
        self._controller.server = await loop.create_server(self._controller.factory, "127.0.0.1", self.port)

    @property
    def port(self) -> int:
        """Return where it listens."""
        return int(self._controller.port)

    @property
    def received(self) -> list[Received]:
        """Return a copy of what was accepted so far."""
        with self.inbox.lock:
            return list(self.inbox.received)

    def url(self, password: str = PASSWORD) -> str:
        """Return the Apprise URL of a desk that reads its mail here."""
        return (
            f"mailtos://{USER}:{password}@127.0.0.1:{self.port}"
            f"?mode=starttls&from=tripoint@example.org&to=desk@example.org"
        )


async def _connections_ended() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    if others:
        await asyncio.wait(others, timeout=30)
    for _ in range(3):
        await asyncio.sleep(0)  # a transport closes in a later turn of the loop


def _authenticate(server: Any, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
    good = isinstance(data, LoginPassword) and data == LoginPassword(USER.encode(), PASSWORD.encode())
    return AuthResult(success=good, handled=False)


def _free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def certificate(folder: Path) -> ssl.SSLContext:
    """Write an authority that clients can be told to trust, and return a context with a certificate of it.

    They are `authority.pem`, and key and certificate in `server.pem`.
    """
    now = dt.datetime.now(dt.UTC)
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(2)]
    names = [x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, each)]) for each in ("Test authority", "127.0.0.1")]
    certificates = []
    for subject, key in zip(names, keys, strict=True):
        is_authority = subject is names[0]
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(names[0])
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(days=1))
            .not_valid_after(now + dt.timedelta(days=2))
            .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(keys[0].public_key()), critical=False)
        )
        if is_authority:
            usage = dict.fromkeys(_USAGES, False) | {"key_cert_sign": True, "crl_sign": True}
            builder = builder.add_extension(x509.KeyUsage(**usage), critical=True)
        else:
            address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
            builder = builder.add_extension(x509.SubjectAlternativeName([address]), critical=False)
        certificates.append(builder.sign(keys[0], hashes.SHA256()))
    pem = serialization.Encoding.PEM
    (folder / "authority.pem").write_bytes(certificates[0].public_bytes(pem))
    key_pem = keys[1].private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "server.pem").write_bytes(key_pem + certificates[1].public_bytes(pem))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem")
    return context


_USAGES = (
    "digital_signature content_commitment key_encipherment data_encipherment key_agreement key_cert_sign crl_sign"
    " encipher_only decipher_only".split()
)
