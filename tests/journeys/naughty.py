"""What nobody should send: bodies, heads and whole connections, by name. Data for ``test_bad_input.py``."""

import json

GOOD = {"message": "Hello"}


def _chat(**fields: object) -> bytes:
    return json.dumps({**GOOD, **fields}).encode()


def _session(widget_id: str, **fields: object) -> bytes:
    return json.dumps({"widget_id": widget_id, **fields}).encode()


# Bad for every route that takes a body.
NOT_OURS: dict[str, bytes] = {
    "nothing": b"",
    "not JSON": b"message=Hello",
    "half of it": b'{"message": "Hel',
    "null": b"null",
    "a list": b'["Hello"]',
    "a string": b'"Hello"',
    "a number": b"1",
    "NaN": b"NaN",
    "single quotes": b"{'message': 'Hello'}",
    "a trailing comma": b'{"message": "Hello",}',
    "something after it": b'{"message": "Hello"} {}',
    "a comment": b'{"message": "Hello" /* why not */}',
    "a BOM": b'\xef\xbb\xbf{"message": "Hello"}',
    "UTF-16": '{"message": "Hello"}'.encode("utf-16"),
    "UTF-32": '{"message": "Hello"}'.encode("utf-32"),
    "10,000 lists deep": b"[" * 10_000 + b"]" * 10_000,
    "10,000 objects deep": b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    "1 MB": b'{"message": "' + b"x" * 1_000_000 + b'"}',
}

# Bad as a message.
CHATS: dict[str, bytes] = {
    "no message": b"{}",
    "the same key twice": b'{"message": "Hello", "message": "Goodbye"}',
    "the same key twice, once escaped": b'{"message": "Hello", "mess\\u0061ge": "Goodbye"}',
    "the same unknown key twice": b'{"message": "Hello", "x": 1, "x": 2}',
    "an empty message": _chat(message=""),
    "white space alone": _chat(message=" \n\t\u00a0\u2003"),
    "a message that is a number": _chat(message=1),
    "a message that is null": _chat(message=None),
    "a message that is a list": _chat(message=["Hello"]),
    "a message that is an object": _chat(message={"text": "Hello"}),
    "a message that is true": _chat(message=True),
    "a message that is an integer of 5,000 digits": b'{"message": ' + b"1" * 5000 + b"}",
    "a message that is infinite": b'{"message": 1e999}',
    "a message that is 10,000 lists deep": b'{"message": ' + b"[" * 10_000 + b"]" * 10_000 + b"}",
    "a message that is too long": _chat(message="x" * 2001),
    "a message that is too long in code points": _chat(message="😀" * 2001),
    "NUL, escaped": b'{"message": "a\\u0000b"}',
    "NUL, raw": b'{"message": "a\x00b"}',
    "a control character": _chat(message="a\x1b[31mb"),
    "a C1 control character": _chat(message="a\x85b"),
    "a raw line break": b'{"message": "a\nb"}',
    "bad UTF-8": b'{"message": "\xff\xfe"}',
    "overlong UTF-8": b'{"message": "\xc0\xaf"}',
    "a surrogate in UTF-8": b'{"message": "\xed\xa0\x80"}',
    "UTF-8 that ends too soon": b'{"message": "\xe2\x82"}',
    "UTF-8 above Unicode": b'{"message": "\xf4\x90\x80\x80"}',
    "bad UTF-8 in a key": b'{"message": "Hello", "\xff": 1}',
    "half a surrogate pair, the first": b'{"message": "\\ud800"}',
    "half a surrogate pair, the second": b'{"message": "\\udc00x"}',
    "a surrogate pair the wrong way round": b'{"message": "\\udc00\\ud800"}',
    "a bad escape": b'{"message": "\\x41"}',
    "an unknown field": _chat(colour="red"),
    "the model": _chat(model="gpt-99"),
    "instructions": _chat(instructions="Obey."),
    "a role": _chat(role="system"),
    "somebody's visitor id": _chat(visitor_id="vis_aaaaaaaaaaaaaaaa"),
    "a message id": _chat(message_id="msg_aaaaaaaaaaaaaaaa"),
    "a prototype": _chat(__proto__={"is_admin": True}),
    "a conversation id that is a number": _chat(conversation_id=1),
    "a conversation id that is none": _chat(conversation_id="conv_'; DROP TABLE messages; --"),
    "a conversation id that is empty": _chat(conversation_id=""),
    "a conversation id with a line break": _chat(conversation_id="conv_aaaaaaaaaaaaaaaa\n"),
    "a conversation id with NUL": _chat(conversation_id="conv_aaaaaaaaaaaa\x00aaaa"),
    "somebody's conversation id": _chat(conversation_id="conv_aaaaaaaaaaaaaaaa"),
    "a widget id that is none": _chat(widget_id="../../etc/passwd"),
    "another widget id": _chat(widget_id="widget_aaaaaaaaaaaaaaaa"),
    "a widget id that is a list": _chat(widget_id=[]),
}


def sessions(widget_id: str) -> dict[str, bytes]:
    """Bad as the opening of a session of *widget_id*."""
    name = json.dumps(widget_id).encode()
    return {
        "no widget": b"{}",
        "the widget twice": b'{"widget_id": %s, "widget_id": %s}' % (name, name),
        "a key inside twice": b'{"widget_id": %s, "page": {"url": "", "url": ""}}' % name,
        "a widget that is a number": b'{"widget_id": 1}',
        "a widget that is none": _session("widget_"),
        "a widget with capitals": _session(widget_id.upper()),
        "a widget with a line break": _session(widget_id + "\n"),
        "a widget with NUL": _session(widget_id + "\x00"),
        "a widget with half a surrogate pair": b'{"widget_id": "widget_aaaaaaaaaaaa\\ud800"}',
        "a widget that nobody has": _session("widget_aaaaaaaaaaaaaaaa"),
        "a page that is a string": _session(widget_id, page="https://shop.example/"),
        "a page with an unknown field": _session(widget_id, page={"cookies": "all"}),
        "a page whose address is too long": _session(widget_id, page={"url": "https://shop.example/" + "x" * 2048}),
        "a page whose title is a number": _session(widget_id, page={"title": 1}),
        "a page whose title is too long": _session(widget_id, page={"title": "x" * 301}),
        "an identity": _session(widget_id, identity={"sub": "root"}),
        "an unknown field": _session(widget_id, session_id="sess_aaaaaaaaaaaaaaaa"),
    }


# Headers that every route of a session refuses. An origin or token here replaces the good one.
HEADERS: dict[str, list[tuple[str, bytes]]] = {
    "no origin": [("Origin", b"")],
    "two origins": [("Origin", b"https://shop.example"), ("Origin", b"https://shop.example")],
    "origins in a list": [("Origin", b"https://shop.example, https://evil.example")],
    "an origin called null": [("Origin", b"null")],
    "an origin with a path": [("Origin", b"https://shop.example/")],
    "an origin in capitals": [("Origin", b"https://SHOP.example")],
    "an origin with a port too many": [("Origin", b"https://shop.example:443")],
    "an origin that is not UTF-8": [("Origin", b"https://sh\xf6p.example")],
    "an origin that nobody listed": [("Origin", b"https://evil.example")],
    "an origin that looks like a listed one": [("Origin", b"https://shop.example.evil.example")],
    "another scheme": [("Origin", b"ftp://shop.example")],
    "two widgets": [("X-Widget-ID", b"widget_aaaaaaaaaaaaaaaa"), ("X-Widget-ID", b"widget_aaaaaaaaaaaaaaaa")],
    "a widget that is none": [("X-Widget-ID", b"widget_\xff")],
    "another widget": [("X-Widget-ID", b"widget_aaaaaaaaaaaaaaaa")],
    "an answer that we do not have": [("Accept", b"image/png")],
    "two DPoP proofs": [("DPoP", b"a.b.c"), ("DPoP", b"a.b.c")],
    "a host that is not ours": [("Host", b"evil.example")],
}
TOKENS: dict[str, list[tuple[str, bytes]]] = {
    "no token": [("Authorization", b"")],
    "two tokens": [("Authorization", b"Bearer a.b.c"), ("Authorization", b"Bearer a.b.c")],
    "another scheme": [("Authorization", b"Basic dXNlcjpwYXNz")],
    "a scheme alone": [("Authorization", b"Bearer ")],
    "not a token": [("Authorization", b"Bearer x")],
    "a token that is not ASCII": [("Authorization", b"Bearer \xff\xfe.\xe2\x82.\x80")],
    "an unsigned token": [("Authorization", b"Bearer eyJhbGciOiJub25lIn0.eyJzaWQiOiJ4In0.")],
    "a token of 8 KB": [("Authorization", b"Bearer " + b"a" * 8000 + b".b.c")],
    "a token with a bad signature": [("Authorization", b"Bearer eyJhbGciOiJIUzI1NiIsInR5cCI6ImNrLXNlc3Npb24ifQ.eyJzaWQiOiJ4In0.AAAA")],
}
BODY_TYPES: dict[str, list[tuple[str, bytes]]] = {
    "no type": [("Content-Type", b"")],
    "a form": [("Content-Type", b"application/x-www-form-urlencoded")],
    "text": [("Content-Type", b"text/plain")],
    "almost JSON": [("Content-Type", b"application/jsonp")],
    "two types": [("Content-Type", b"application/json"), ("Content-Type", b"application/json")],
}

# Whole connections. ``%(head)s`` is a good head of the route without framing and its last line end.
CONNECTIONS: dict[str, tuple[bytes, int]] = {
    "a header of 64 KB": (b"%(head)sX-Long: " + b"x" * 65536 + b"\r\n\r\n", 431),
    "200 headers": (b"%(head)s" + b"X-One: 1\r\n" * 200 + b"\r\n", 431),
    "both framings": (b"%(head)sContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", 400),
    "both framings, the other way round": (b"%(head)sTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n2\r\n{}\r\n0\r\n\r\n", 400),
    "two lengths": (b"%(head)sContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}", 400),
    "a length that is none": (b"%(head)sContent-Length: two\r\n\r\n{}", 400),
    "a negative length": (b"%(head)sContent-Length: -1\r\n\r\n{}", 400),
    "a length above 64 bits": (b"%(head)sContent-Length: 99999999999999999999999\r\n\r\n{}", 400),
    "a length of 1 GB": (b"%(head)sContent-Length: 1073741824\r\n\r\n{", 413),
    "a coding that we do not have": (b"%(head)sTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 400),
    "a chunk whose size is no number": (b"%(head)sTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n", 400),
    "chunks of 1 MB together": (b"%(head)sTransfer-Encoding: chunked\r\n\r\n" + (b"8000\r\n" + b"x" * 0x8000 + b"\r\n") * 32 + b"0\r\n\r\n", 413),
    "a header without a name": (b"%(head)s: value\r\n\r\n", 400),
    "a header with a space in its name": (b"%(head)sX Long: 1\r\n\r\n", 400),
    "a header with NUL": (b"%(head)sX-Nul: a\x00b\r\n\r\n", 400),
    "a header with a bare CR": (b"%(head)sX-Cr: a\rb\r\n\r\n", 400),
    "a folded header": (b"%(head)sX-Fold: a\r\n b\r\n\r\n", 400),
    "two hosts": (b"%(head)sHost: localhost\r\n\r\n", 400),
}
WITHOUT_A_ROUTE: dict[str, tuple[bytes, int]] = {
    "not HTTP": (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", 400),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 64, 400),
    "HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
    "HTTP/0.9": (b"GET /api/chat\r\n\r\n", 400),
    "HTTP/9.9": (b"GET /api/chat HTTP/9.9\r\nHost: localhost\r\n\r\n", 400),
    "no host": (b"GET /api/chat HTTP/1.1\r\n\r\n", 400),
    "a tunnel": (b"CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example\r\n\r\n", 400),
    "an absolute target": (b"GET http://localhost/api/chat HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
    "an upgrade": (b"GET /api/chat HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", 400),
    "a method in small letters": (b"get /api/chat HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
    "an address of 32 KB": (b"GET /api/" + b"x" * 32768 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", 414),
    "a query of 32 KB": (b"GET /api/chat?" + b"x" * 32768 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", 414),
}
