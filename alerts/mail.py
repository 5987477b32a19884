"""Mail by Apprise's connection, with a message of our own: threads, a plain part of ours, and a picture inside.

Apprise makes the message itself and sets no Message-ID that a reply can name, so this writes it anew. Where PGP is
asked for, Apprise's own is sent, since it knows how to sign and encrypt.
"""

from __future__ import annotations

import hashlib
import smtplib
from datetime import UTC, datetime
from email import message_from_bytes
from email.header import Header
from email.headerregistry import Address
from email.message import EmailMessage
from email.message import Message as MimeMessage
from email.policy import compat32
from email.utils import format_datetime, formataddr
from typing import Any

from apprise import NotifyType
from apprise.exception import AppriseImproperlyConfigured
from apprise.plugins.email import NotifyEmail
from apprise.plugins.email.smtp import AppriseSMTPController

from alerts.attempt import Protocol, Said, current
from alerts.message import Format, Message
from tripoint.domain.text import one_line

_REST_BETWEEN_MAILS_S = 0.05
_PATIENCE_S = 30
LIST = "Tripoint alerts <alerts.tripoint>"


class StoryMail(NotifyEmail):
    """Apprise's mail service, but for the message."""

    # Apprise rests 5.5 s between any two mails, a default made for web services; our outbox backs off by itself.
    request_rate_per_sec = _REST_BETWEEN_MAILS_S  # type: ignore[assignment]  # Apprise takes fractions
    socket_connect_timeout = _PATIENCE_S

    def send(self, body: Any, title: Any = "", notify_type: Any = NotifyType.INFO, *rest: Any, **kwargs: Any) -> bool:
        """Send the message of this attempt to each recipient who has not got it."""
        attempt = current.get()
        if attempt is None or self.pgp_mode != "no":
            return bool(super().send(body, title, notify_type, *rest, **kwargs))
        self.throttle()
        try:
            with self._connection() as connection:
                delivered = [self._deliver(connection, target, attempt.message) for target in self.targets]
                return all(delivered)
        except (OSError, smtplib.SMTPException, AppriseImproperlyConfigured) as error:
            attempt.said.extend(_said(error))
            return False

    def _connection(self) -> Any:
        settings: dict[str, Any] = {"host": self.smtp_host, "port": self.port, "secure_mode": self.secure_mode}
        return _Connection(
            **settings,
            user=self.user,
            password=self.password,
            verify_certificate=self.verify_certificate,
            socket_connect_timeout=self.socket_connect_timeout,
        )

    def _deliver(self, connection: Any, target: Any, message: Message) -> bool:
        if self.is_delivered(target[1]):
            return True
        mail = compose(message, self._addresses(target), self.smtp_host or self.host, datetime.now(UTC))
        for name, value in self.headers.items():
            if name not in mail:
                mail[name] = one_line(value)
        refused = connection.deliver(self.from_addr[1], [target[1], *self.cc, *self.bcc], mail)
        if refused:
            attempt = current.get()
            if attempt is not None:
                attempt.said.extend(_said(smtplib.SMTPRecipientsRefused(refused)))
            return False
        self.mark_delivered(target[1])
        return True

    def _addresses(self, target: Any) -> dict[str, str]:
        cc = sorted(self.cc - self.bcc - {target[1]})
        return {
            "From": formataddr((str(self.from_addr[0] or ""), str(self.from_addr[1]))),
            "To": formataddr((target[0] or "", target[1])),
            **({"Cc": ", ".join(cc)} if cc else {}),
            **({"Reply-To": ", ".join(sorted(self.reply_to))} if self.reply_to else {}),
        }


class _Connection(AppriseSMTPController):
    """Apprise's connection, which lets the server's answer be seen."""

    def deliver(self, sender: str, recipients: list[str], mail: MimeMessage) -> dict[str, tuple[int, bytes]]:
        """Send one mail; return the recipients who were refused, and raise what smtplib raises."""
        socket: Any = self._socket
        refused: dict[str, tuple[int, bytes]] = socket.send_message(mail, sender, recipients)
        return refused


def compose(message: Message, addresses: dict[str, str], domain: str, now: datetime) -> MimeMessage:
    """Return a mail: plain text, and the HTML with its pictures beside it; replies name the thread's first mail."""
    mail = EmailMessage()
    for name, value in addresses.items():
        mail[name] = value
    host = _domain(addresses["From"], domain)
    first = f"<story.{_digest(message.thread)}@{host}>"
    mail["Message-ID"] = first if message.starts_thread else f"<alert.{message.reference}@{host}>"
    if not message.starts_thread:
        mail["In-Reply-To"] = first
        mail["References"] = first
    mail["Date"] = format_datetime(now)
    mail["List-Id"] = LIST
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Tripoint-Reference"] = message.reference
    mail.set_content(message.plain or message.body)
    if message.format is Format.HTML:
        mail.add_alternative(message.body, subtype="html")
        for part in list(mail.iter_parts())[1:]:
            assert isinstance(part, EmailMessage)  # noqa: S101 - what iter_parts of an EmailMessage gives
            for picture in message.pictures:
                part.add_related(
                    picture.png, "image", "png", cid=f"<{picture.name}>", filename=picture.name, disposition="inline"
                )
    # EmailMessage puts a second space where a folded subject goes over into encoded words; Header does not.
    subject = one_line(message.subject)
    sent = message_from_bytes(mail.as_bytes(), policy=compat32)
    sent["Subject"] = Header(subject, "us-ascii" if subject.isascii() else "utf-8", header_name="Subject")  # type: ignore[assignment]  # a Header folds by itself
    return sent


def _domain(sender: str, fallback: str) -> str:
    address = sender.rsplit("<", 1)[-1].rstrip(">")
    try:
        return Address(addr_spec=address).domain or fallback
    except ValueError:
        return fallback


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def _said(error: Exception) -> list[Said]:
    """Return what the server said, by the error that it became."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return [Said(code, _line(text), protocol=Protocol.SMTP) for code, text in error.recipients.values()]
    if isinstance(error, smtplib.SMTPResponseException):
        return [Said(error.smtp_code, _line(error.smtp_error), protocol=Protocol.SMTP)]
    return [Said(0, f"{type(error).__name__}: {one_line(str(error))}", protocol=Protocol.SMTP)]


def _line(said: bytes | str) -> str:
    return one_line(said.decode("utf-8", "replace") if isinstance(said, bytes) else said)[:160]
