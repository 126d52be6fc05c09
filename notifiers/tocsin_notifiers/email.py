"""Email: text with an HTML alternative, one message per recipient, all messages of an incident in one thread.

The thread: the first message's Message-ID is the root that later ones refer to, and the base subject (RFC 5256, 2.1:
what is left without a leading `[RESOLVED]`) stays while it is true (`subjects`). A message has the same Message-ID
whenever it is sent, so that mail programs can drop copies. Sent by ourselves, as Apprise makes the text part out of the
HTML part and sets a Message-ID of its own.
"""

import re
import smtplib
import ssl
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr

from tocsin.errors import MisuseError
from tocsin.ports import Delivery, Illustrator, Notification, Outcome, Picture, Rate, unillustrated
from tocsin_notifiers import answers, own_words
from tocsin_notifiers.attempt import Gate
from tocsin_notifiers.mail import Smtp, SmtpSsl
from tocsin_notifiers.message import cleaned, render
from tocsin_notifiers.message_html import PICTURE, html_of, render_html
from tocsin_notifiers.settings import Settings, optional, required
from tocsin_notifiers.subjects import mailed, stays

DEADLINE_SECONDS = 30.0
PORTS = {"starttls": 587, "tls": 465, "none": 25}
REMEMBERED = 256
MOST_CONNECTIONS = 20
"""To one mail server at once: more than people are written to by one channel, fewer than a server would refuse."""
_ADDRESS = re.compile(r"[^\s@<>,;:\"()\[\]\\]+@[A-Za-z0-9.-]+")
_SEVEN_BITS = SMTP.clone(cte_type="7bit")
_UNFOLDED = SMTP.clone(cte_type="7bit", max_line_length=998)
"""For headers in ASCII: folding moves a long subject below its name, and some programs show the space before it."""


@dataclass(frozen=True, slots=True)
class Server:
    """The mail server and who we are there; *tls* is one of `PORTS`."""

    host: str
    port: int
    tls: str = "starttls"
    user: str | None = None
    password: str | None = field(default=None, repr=False)

    def connect(self, seconds: float) -> smtplib.SMTP:
        """Connect and log in; without the encryption that is asked for this raises."""
        if self.tls == "tls":
            context = ssl.create_default_context()
            connection: smtplib.SMTP = SmtpSsl(self.host, self.port, timeout=seconds, context=context)
        else:
            connection = Smtp(self.host, self.port, timeout=seconds)
        try:
            if self.tls == "starttls":
                connection.starttls(context=ssl.create_default_context())
            if self.user and self.password:
                connection.login(self.user, self.password)
        except BaseException:
            connection.close()
            raise
        return connection


@dataclass(slots=True)
class EmailChannel:
    """A mail server and the people to write to; there is a way to each of them, so that nobody waits for another."""

    name: str
    server: Server
    sender: Address
    to: Mapping[str, Address]
    deadline: float = DEADLINE_SECONDS
    idempotent: bool = False
    joins: bool = True
    rate: Rate | None = None
    subject_template: str | None = None
    text_template: str | None = None
    illustrate: Illustrator = unillustrated
    recipients: Mapping[str, "Mailbox"] = field(init=False, repr=False)
    places: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(MOST_CONNECTIONS), repr=False)

    def __post_init__(self) -> None:
        self.recipients = {address: Mailbox(self, person) for address, person in self.to.items()}

    def send(self, notification: Notification, now: datetime) -> Delivery:
        """Send to all at once who have not got it."""
        results: dict[str, Delivery] = {}

        def ask(address: str, mailbox: Mailbox) -> None:
            results[address] = mailbox.send(notification, now)

        threads = [threading.Thread(target=ask, args=each, daemon=True) for each in self.recipients.items()]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        verdict = _verdict([results[address] for address in self.to if address in results])
        return replace(verdict, receipt=next((each.receipt for each in results.values() if each.receipt), ""))


@dataclass(slots=True)
class Mailbox:
    """One recipient of a channel; mails to him have connections and deadlines of their own."""

    channel: EmailChannel
    person: Address
    _gate: Gate = field(default_factory=Gate)
    _accepted: OrderedDict[tuple[str, int], None] = field(default_factory=OrderedDict)
    """What he has already, as recording that may fail."""

    @property
    def name(self) -> str:
        """The channel's."""
        return self.channel.name

    @property
    def idempotent(self) -> bool:
        """As the channel is."""
        return self.channel.idempotent

    @property
    def joins(self) -> bool:
        """As the channel does."""
        return self.channel.joins

    @property
    def rate(self) -> Rate | None:
        """The channel's: as nobody waits for another one, it is kept for each."""
        return self.channel.rate

    def send(self, notification: Notification, now: datetime) -> Delivery:
        """Send once, unless he has it."""
        channel, key = self.channel, (notification.dedup_key, notification.seq)
        base = own_words.topic(notification, now, channel.subject_template)
        if notification.receipt and stays(notification.receipt, base, cleaned(notification)):
            base = notification.receipt
        if key in self._accepted:
            return Delivery(Outcome.SENT, receipt=base)
        picture = channel.illustrate(notification)
        mail = written(notification, base, channel.sender, now, template=channel.text_template, picture=picture)
        mail["To"] = self.person
        attempt = self._gate.run(lambda: self._post(_raw(mail)), channel.deadline, begun=False)
        secrets = (channel.server.password,) if channel.server.password else ()
        results = [answers.smtp_delivery(mailing, secrets) for mailing in attempt.mailings]
        if any(result.outcome is Outcome.SENT for result in results):  # whatever followed, such as no answer to QUIT
            self._remember(key)
            return Delivery(Outcome.SENT, receipt=base)
        cut = answers.unfinished(attempt)
        return _verdict([*results, *([cut] if cut else [])])

    def _post(self, mail: bytes) -> bool:
        # The deadline of the attempt ends a wait first; this only ends its thread.
        longest = self.channel.deadline + 1
        if not self.channel.places.acquire(timeout=longest):
            return False
        try:
            with self.channel.server.connect(longest) as connection:
                connection.sendmail(self.channel.sender.addr_spec, [self.person.addr_spec], mail)
        finally:
            self.channel.places.release()
        return True

    def _remember(self, key: tuple[str, int]) -> None:
        self._accepted[key] = None
        while len(self._accepted) > REMEMBERED:
            self._accepted.popitem(last=False)


def written(
    notification: Notification,
    base: str,
    sender: Address,
    now: datetime,
    *,
    template: str | None = None,
    picture: Picture | None = None,
) -> EmailMessage:
    """Write the mail, but for whom it is to; a *template* of the workspace makes its text, and HTML shows the same."""
    own = own_words.text(notification, now, template)
    ours = own_words.marked(notification, template)
    mail = EmailMessage(policy=SMTP)
    mail["Subject"] = mailed(notification, base)
    mail["From"] = sender
    mail["Date"] = format_datetime(now)
    mail["Message-ID"] = _message_id(notification, notification.seq, sender)
    if notification.seq:
        root = _message_id(notification, 0, sender)
        mail["In-Reply-To"], mail["References"] = root, root
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no holiday replies
    html = html_of(base, own, picture) if own else render_html(ours, now, picture)
    mail.set_content(own or render(ours, now).body, cte="quoted-printable")
    mail.add_alternative(html, subtype="html", cte="quoted-printable")
    if picture is not None and f"cid:{PICTURE}" in html:
        *_, page = mail.iter_parts()
        page.add_related(picture.png, "image", "png", cid=f"<{PICTURE}>", filename="graph.png", disposition="inline")
    return mail


def _raw(mail: EmailMessage) -> bytes:
    plain = all(str(value).isascii() for value in mail.values())
    return mail.as_bytes(policy=_UNFOLDED if plain else _SEVEN_BITS)


def _message_id(notification: Notification, seq: int, sender: Address) -> str:
    key = re.sub(r"[^A-Za-z0-9-]", "-", notification.dedup_key)[:100]
    return f"<tocsin.{key}.{seq}@{sender.domain}>"


def _verdict(results: Sequence[Delivery]) -> Delivery:
    """Say what becomes of a message that not everybody may have: it is tried again, but for those who refuse it."""
    for outcome in (Outcome.UNKNOWN, Outcome.RETRY):
        for result in results:
            if result.outcome is outcome:
                return result
    bad = [result for result in results if result.outcome is Outcome.REJECTED]
    if not results:
        return Delivery(Outcome.RETRY, "the mail server was not asked")
    if bad and len(bad) < len(results):
        return Delivery(Outcome.SENT, f"not to everybody: {bad[0].detail}")
    return results[0]


def build(name: str, settings: Settings) -> EmailChannel:
    """Build from `host port tls user password from to`."""
    tls = optional(settings, "tls") or "starttls"
    if tls not in PORTS:
        raise MisuseError(f"tls is {tls!r}; allowed are {', '.join(PORTS)}")
    port = optional(settings, "port") or str(PORTS[tls])
    if not port.isdigit() or not 0 < int(port) < 65_536:
        raise MisuseError("port is not a port number")
    to = settings.get("to") or ()
    addresses = tuple(a.strip() for a in ((to,) if isinstance(to, str) else to) if a.strip())
    if not addresses:
        raise MisuseError("to names nobody")
    host, user, password = required(settings, "host"), optional(settings, "user"), optional(settings, "password")
    people = [_address("to", each) for each in addresses]
    sender = _address("from", required(settings, "from"))
    server = Server(host, int(port), tls, user, password)
    return EmailChannel(
        name,
        server,
        sender,
        {each.addr_spec: each for each in people},
        subject_template=optional(settings, "subject_template"),
        text_template=optional(settings, "text_template"),
    )


def _address(key: str, text: str) -> Address:
    """Read `a@x.org` or `Name <a@x.org>`."""
    display, bare = parseaddr(text)
    if not _ADDRESS.fullmatch(bare) or not bare.isascii() or not text.isprintable():
        raise MisuseError(f"{key}: {text!r} is not an email address")
    return Address(display, addr_spec=bare)
