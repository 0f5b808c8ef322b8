"""Mails leave by SMTP or into a folder, as text and HTML; what goes wrong is told without anybody's address."""

import asyncio
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import pytest

from chatkeep.errors import Misconfigured
from chatkeep.mail import FilePost, Mail, MailFailed, Postman, SmtpPost, find_post
from chatkeep.manage import mails
from chatkeep.settings import Settings
from tests.cast import HeldClock, development
from tests.servers import SECRET, free_port

MAIL = Mail("alice@shop.example", "Hello – you", "Grüße\n", "<p>Grüße</p>")


class Server:
    """A mail server that keeps what it gets, or says no."""

    def __init__(self, *, refuses: bytes | None = None) -> None:
        self.refuses = refuses
        self.received: list[bytes] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One conversation (RFC 5321)."""
        writer.write(b"220 test\r\n")
        while line := await reader.readline():
            word = line.strip().upper()
            if word.startswith(b"EHLO"):
                writer.write(b"250-test\r\n250 8BITMIME\r\n")
            elif word.startswith(b"RCPT") and self.refuses:
                writer.write(self.refuses)
            elif word == b"DATA":
                writer.write(b"354 go on\r\n")
                body = b""
                while (part := await reader.readline()) != b".\r\n":
                    body += part
                self.received.append(body)
                writer.write(b"250 kept\r\n")
            elif word == b"QUIT":
                writer.write(b"221 bye\r\n")
                break
            else:
                writer.write(b"250 ok\r\n")
        writer.close()


@contextmanager
def answering(server: Server) -> Iterator[tuple[asyncio.AbstractEventLoop, int]]:
    """A loop in which *server* listens, and on which port."""
    loop = asyncio.new_event_loop()
    listening = loop.run_until_complete(asyncio.start_server(server.serve, "127.0.0.1", 0))
    try:
        yield loop, listening.sockets[0].getsockname()[1]
    finally:
        listening.close()
        loop.run_until_complete(listening.wait_closed())
        # The client's side of a broken conversation closes in the next turns of the loop.
        for _ in range(3):
            loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


def smtp(port: int) -> SmtpPost:
    return SmtpPost(development(smtp_host="127.0.0.1", smtp_port=port, from_email="Help <help@shop.example>"), HeldClock())


def test_a_mail_goes_to_the_server_as_text_and_html() -> None:
    server = Server()
    with answering(server) as (loop, port):
        loop.run_until_complete(smtp(port).deliver(MAIL))
    message = message_from_bytes(server.received[0], policy=default)
    assert (message["to"], message["from"], message["subject"]) == ("alice@shop.example", "Help <help@shop.example>", "Hello – you")
    assert message["auto-submitted"] == "auto-generated"
    assert message["message-id"].endswith("@shop.example>")
    assert [part.get_content_type() for part in message.walk()] == ["multipart/alternative", "text/plain", "text/html"]
    assert message.get_body(("plain",)).get_content().strip() == "Grüße"  # type: ignore[union-attr]  # there is one


@pytest.mark.parametrize("refusal", [b"550 no such user alice@shop.example\r\n", b"451 later\r\n"])
def test_a_refusal_names_nobody(refusal: bytes) -> None:
    with answering(Server(refuses=refusal)) as (loop, port), pytest.raises(MailFailed) as failed:
        loop.run_until_complete(smtp(port).deliver(MAIL))
    assert "alice" not in str(failed.value)
    assert "CHATKEEP_SMTP_HOST" in str(failed.value)


def test_a_server_that_is_away_is_told() -> None:
    loop = asyncio.new_event_loop()
    with pytest.raises(MailFailed, match="SMTPConnectError"):
        loop.run_until_complete(smtp(free_port()).deliver(MAIL))
    loop.close()


def test_a_server_whose_name_cannot_be_looked_up_is_told() -> None:
    post = SmtpPost(development(smtp_host="a..b", from_email="help@shop.example"), HeldClock())
    with pytest.raises(MailFailed, match="CHATKEEP_SMTP_HOST"):
        asyncio.run(post.deliver(MAIL))


def test_a_server_elsewhere_must_speak_tls(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that offers no STARTTLS gets no mail: here it is on this machine, under another name."""
    server = Server()
    monkeypatch.setattr("chatkeep.mail.is_loopback", lambda _host: False)
    with answering(server) as (loop, port), pytest.raises(MailFailed):
        loop.run_until_complete(smtp(port).deliver(MAIL))
    assert server.received == []


def test_development_keeps_mails_in_a_folder_for_its_owner(tmp_path: Path) -> None:
    loop = asyncio.new_event_loop()
    post = find_post(development(data_dir=str(tmp_path)), HeldClock())
    assert isinstance(post, FilePost)
    for _ in range(3):
        loop.run_until_complete(post.deliver(MAIL))
    loop.close()
    found = sorted((tmp_path / "mail").glob("*.eml"))
    assert len(found) == 3
    assert {stat.S_IMODE(path.stat().st_mode) for path in found} == {0o600}
    assert stat.S_IMODE((tmp_path / "mail").stat().st_mode) == 0o700


def test_a_link_is_whole_in_the_file(tmp_path: Path) -> None:
    """For whoever copies it from there: no soft line breaks, nothing encoded."""
    loop = asyncio.new_event_loop()
    post = find_post(development(data_dir=str(tmp_path)), HeldClock())
    assert post is not None
    link = mails.link("https://a-rather-long-name-of-a-gateway.somewhere.shop.example", "invitation", "c" * 43)
    for organization in ("Shop", "Bäckerei Grün"):
        mail = mails.invitation("bob@shop.example", gateway=link.partition("/account")[0], code="c" * 43, organization=organization, role="viewer")
        loop.run_until_complete(post.deliver(mail))
    loop.close()
    for path in (tmp_path / "mail").glob("*.eml"):
        lines = path.read_text(encoding="utf-8").splitlines()
        assert link in lines


@pytest.mark.parametrize("mail", [replace(MAIL, to="a@b.example\nBcc: c@d.example"), replace(MAIL, subject="a\nb")])
def test_a_header_that_cannot_be_is_told(tmp_path: Path, mail: Mail, caplog: pytest.LogCaptureFixture) -> None:
    async def post(settings: Settings) -> None:
        postman = Postman(find_post(settings, HeldClock()))
        postman.take(mail)
        await postman.rest()

    for settings in (development(data_dir=str(tmp_path)), development(smtp_host="127.0.0.1", smtp_port=free_port(), from_email="help@shop.example")):
        asyncio.run(post(settings))
    assert [record.message for record in caplog.records if record.name == "chatkeep.mail"] == ["mail_failed"] * 2
    assert not list(tmp_path.glob("mail/*"))


def test_mails_wait_in_a_line_that_ends_and_leave_a_few_at_a_time(caplog: pytest.LogCaptureFixture) -> None:
    class Slow:
        """A mail server that takes its time."""

        where, hint = "a slow place", ""

        def __init__(self) -> None:
            self.gate = asyncio.Event()
            self.at_once = self.most_at_once = self.delivered = 0

        async def deliver(self, _mail: Mail) -> None:
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
            await self.gate.wait()
            self.at_once -= 1
            self.delivered += 1

    async def flood() -> Slow:
        post = Slow()
        postman = Postman(post)
        for _ in range(300):
            postman.take(MAIL)
        await asyncio.sleep(0)
        post.gate.set()
        await postman.rest()
        postman.take(MAIL)
        await postman.rest()
        return post

    post = asyncio.run(flood())
    assert (post.delivered, post.most_at_once) == (201, 4)
    dropped = [record for record in caplog.records if record.message == "mail_dropped"]
    assert len(dropped) == 100
    assert "a slow place" in str(dropped[0].fields)  # type: ignore[attr-defined]  # the gateway's log lines have it


def test_the_operator_is_told_where_mails_go(tmp_path: Path) -> None:
    outbox = Postman(find_post(development(data_dir=str(tmp_path)), HeldClock()))
    assert outbox.where == f"files in {tmp_path / 'mail'}"
    assert str(tmp_path) in outbox.hint
    server = Postman(find_post(development(smtp_host="smtp.shop.example", from_email="help@shop.example"), HeldClock()))
    assert (server.where, server.hint) == ("the mail server smtp.shop.example:587", "")
    assert Postman(None).where is None


def test_production_without_a_server_says_so() -> None:
    assert find_post(Settings(secret_key=SECRET, public_url="https://chat.example"), HeldClock()) is None
    with pytest.raises(Misconfigured, match="CHATKEEP_SMTP_HOST"):
        Postman(None).take(MAIL)


def test_what_people_typed_is_text_in_a_mail() -> None:
    nasty = "<img src=x onerror=alert(1)>\r\nBcc: mallory@evil.example"
    mail = mails.invitation("bob@shop.example", gateway="https://chat.example", code="c0de", organization=nasty, role="viewer")
    assert "<img" not in mail.html
    assert "\n" not in mail.subject
    assert "https://chat.example/account#invitation=c0de" in mail.text
    assert "https://chat.example/account#invitation=c0de" in mail.html
