"""A server that people log in to, built on the Python package Authlib. Its sessions are in its memory: in earnest they are in a database, and end.

    ISSUER=https://login.example.com CLIENT_ID=… CLIENT_SECRET=… BASE_URL=https://app.example.com PORT=3000 python3 server.py

It is registered with the redirect URI BASE_URL/callback, the login address BASE_URL/login, and BASE_URL/ for after the logout.
"""

import html
import os
import secrets
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit

import requests
from authlib.integrations.requests_client import OAuth2Session
from joserfc import jwt
from joserfc.jwk import KeySet

issuer, client_id, base = os.environ["ISSUER"], os.environ["CLIENT_ID"], os.environ["BASE_URL"]
provider = requests.get(issuer + "/.well-known/openid-configuration", timeout=10).json()
assert provider["issuer"] == issuer
sessions = {}  # by the cookie: the checks of a login under way, or who is logged in


def client(**more):
    return OAuth2Session(client_id, os.environ["CLIENT_SECRET"], scope="openid profile", redirect_uri=base + "/callback", code_challenge_method="S256", **more)


def claims_of(token, nonce):
    keys = KeySet.import_key_set(requests.get(provider["jwks_uri"], timeout=10).json())
    claims = jwt.decode(token, keys, algorithms=["ES256"]).claims
    jwt.JWTClaimsRegistry(iss={"essential": True, "value": issuer}, aud={"essential": True, "value": client_id},
                          nonce={"essential": True, "value": nonce}, exp={"essential": True}).validate(claims)
    return claims


class Handler(BaseHTTPRequestHandler):
    def page(self, status, heading, rest):
        self.send_response(status)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(f'<!doctype html><html lang="en"><title>App</title><h1>{html.escape(heading)}</h1>{rest}</html>'.encode())

    def move(self, to, session=None):
        """Sends the browser on. Each step has a cookie of its own: what was known before it opens nothing after it."""
        name = secrets.token_urlsafe(32) if session else ""
        if session:
            sessions[name] = session
        self.send_response(303)
        self.send_header("Location", to)
        ends, secure = "" if session else "; Max-Age=0", "; Secure" if base.startswith("https:") else ""
        self.send_header("Set-Cookie", f"app={name}; Path=/; HttpOnly; SameSite=Lax{secure}{ends}")
        self.end_headers()

    def home(self, session, _):
        if "person" in session:
            self.page(200, "Hello " + session["person"]["name"], '<form method="post" action="/logout"><button>Log out</button></form>')
        else:
            self.page(200, "Nobody is logged in", '<a href="/login">Log in</a>')

    def login(self, _, query):  # Portvakt sends people here too, with login_hint
        verifier, nonce = secrets.token_urlsafe(48), secrets.token_urlsafe(32)
        hint = {"login_hint": query["login_hint"][0]} if "login_hint" in query else {}
        request, state = client().create_authorization_url(provider["authorization_endpoint"], code_verifier=verifier, nonce=nonce, **hint)
        self.move(request, {"state": state, "nonce": nonce, "verifier": verifier})

    def callback(self, session, query):
        if "state" not in session:
            raise ValueError("no login is under way in this browser")
        if sessions.pop(self.cookie, None) is None:
            raise ValueError("an answer counts once")
        if query.get("iss") != [issuer]:  # RFC 9207; the state is checked by the library
            raise ValueError("the answer is another provider's")
        with client(state=session["state"]) as c:
            token = c.fetch_token(provider["token_endpoint"], authorization_response=base + self.path, code_verifier=session["verifier"])
            claims = claims_of(token["id_token"], session["nonce"])
            person = c.get(provider["userinfo_endpoint"]).json()
        if person["sub"] != claims["sub"]:
            raise ValueError("the provider tells of somebody else")
        self.move("/", {"person": person, "hint": token["id_token"]})

    def logout(self, session, _):
        if "hint" in session:
            sessions.pop(self.cookie, None)
        out = {"id_token_hint": session.get("hint", ""), "post_logout_redirect_uri": base + "/"}
        self.move(provider["end_session_endpoint"] + "?" + urlencode(out) if "hint" in session else "/")

    routes = {"GET /": home, "GET /login": login, "GET /callback": callback, "POST /logout": logout}

    def do_GET(self):
        at = urlsplit(self.path)
        route = self.routes.get(self.command + " " + at.path)
        if not route:
            return self.page(404, "There is no such page", "")
        cookie = SimpleCookie(self.headers["Cookie"]).get("app")
        self.cookie = cookie.value if cookie else ""
        try:
            route(self, sessions.get(self.cookie, {}), parse_qs(at.query))
        except Exception as error:  # noqa: BLE001: whatever is wrong with the answer
            self.page(400, "That did not work", f'<p>{html.escape(str(error))}</p><a href="/login">Log in</a>')

    do_POST = do_GET

    def log_message(self, *_):
        """Addresses hold codes: no log has them."""


server = ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler)
print(f"http://127.0.0.1:{server.server_port}", flush=True)
server.serve_forever()
