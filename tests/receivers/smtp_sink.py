"""A mail server that delivers nothing: what it takes is one line of JSON on its standard output.

    smtp_sink.py none|starttls|implicit CERTIFICATE KEY [USER PASSWORD]

The first line is its port. Recipients whose name is a number are refused with it: 452@example.
It ends when its standard input does.
"""

import asyncio
import json
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult


class Sink:
    async def handle_RCPT(self, server, session, envelope, address, options):
        name = address.split("@")[0]
        if name.isdigit():
            return f"{name} not for {name}"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        login = session.auth_data
        mail = {
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "tls": session.ssl is not None or server.transport.get_extra_info("ssl_object") is not None,
            "user": login and login.login.decode(),
            "data": envelope.content.decode(),
        }
        print(json.dumps(mail), flush=True)
        return "250 2.0.0 queued as 1A2B"


def checked(user, password):
    def authenticate(server, session, envelope, mechanism, data):
        good = data.login.decode() == user and data.password.decode() == password
        return AuthResult(success=good, handled=False, auth_data=data)

    return authenticate


async def main(mode, certificate, key, user=None, password=None):
    loop = asyncio.get_running_loop()
    context = None
    if mode != "none":
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate, key)

    def session():
        return SMTP(
            Sink(),
            hostname="sink.example",
            tls_context=context if mode == "starttls" else None,
            require_starttls=mode == "starttls",
            auth_required=user is not None,
            auth_require_tls=mode == "starttls",
            authenticator=checked(user, password) if user else None,
        )

    tls = context if mode == "implicit" else None
    server = await loop.create_server(session, "127.0.0.1", 0, ssl=tls)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


asyncio.run(main(*sys.argv[1:]))
