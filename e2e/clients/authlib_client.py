"""What an app does that is built on the Python package Authlib, against a running Portvakt.

It reads from standard input what was registered, and prints a line for each thing that has worked.
"""

import html
import json
import re
import sys
from urllib.parse import urljoin

import requests
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet

told = json.load(sys.stdin)
issuer, person, apps = told["issuer"], told["person"], told["apps"]
metadata = requests.get(issuer + "/.well-known/openid-configuration", timeout=10).json()
keys = KeySet.import_key_set(requests.get(metadata["jwks_uri"], timeout=10).json())


def done(what):
    print("ok", what)


class Visitor:
    """A person's browser without scripts: cookies, redirects, Refresh headers and forms."""

    def __init__(self):
        self.session = requests.Session()

    def go(self, address, app, form=None):
        for _ in range(20):
            answer = self.session.request("POST" if form else "GET", address, data=form, allow_redirects=False, timeout=10)
            onward = answer.headers.get("Location") or answer.headers.get("Refresh", "").removeprefix("0; url=")
            if not onward:
                return address, answer.text
            address, form = urljoin(address, onward), None
            if address.startswith(app):
                return address, None
        raise AssertionError("it leads nowhere: " + address)

    def log_in(self, request, app):
        address, page = self.go(request, app)
        for field in ("address", "password"):
            if page and f'name="{field}"' in page:
                action = html.unescape(re.search(r'<form method="post" action="(/signin[^"]*)"', page)[1])
                address, page = self.go(urljoin(address, action), app, {field: person[field]})
        assert page is None, page
        return address


def session_of(app, method, secret=None):
    client = OAuth2Session(app["client_id"], secret, token_endpoint_auth_method=method, scope="openid profile email",
                           redirect_uri=app["redirect_uri"], code_challenge_method="S256",
                           revocation_endpoint_auth_method=method, introspection_endpoint_auth_method=method)
    if method == "private_key_jwt":
        client.register_client_auth_method(PrivateKeyJWT(metadata["token_endpoint"], headers={"kid": app["key"]["kid"]}, alg="ES256"))
    return client


def signed_in(app, client):
    verifier = "v" * 64
    request, state = client.create_authorization_url(metadata["authorization_endpoint"], code_verifier=verifier, nonce="n-1")
    back = Visitor().log_in(request, app["redirect_uri"])
    assert "iss=" in back
    token = client.fetch_token(metadata["token_endpoint"], authorization_response=back, code_verifier=verifier, state=state)
    claims = jwt.decode(token["id_token"], keys, algorithms=["ES256"]).claims
    jwt.JWTClaimsRegistry(iss={"essential": True, "value": issuer}, aud={"essential": True, "value": app["client_id"]},
                          nonce={"essential": True, "value": "n-1"}, exp={"essential": True}).validate(claims)
    return token, claims


app = apps["secret"]
client = session_of(app, "client_secret_basic", app["client_secret"])
token, claims = signed_in(app, client)
done("code flow with PKCE, and the ID token")
info = client.get(metadata["userinfo_endpoint"]).json()
assert info["sub"] == claims["sub"] and info["email"] == person["address"], info
done("userinfo")
assert client.introspect_token(metadata["introspection_endpoint"], token["access_token"]).json()["active"] is True
done("introspection")
assert client.revoke_token(metadata["revocation_endpoint"], token["access_token"]).status_code == 200
assert client.introspect_token(metadata["introspection_endpoint"], token["access_token"]).json() == {"active": False}
done("revocation")

app = apps["keyed"]
client = session_of(app, "private_key_jwt", ECKey.import_key(app["key"]))
token, claims = signed_in(app, client)
done("private_key_jwt")
fresh = client.refresh_token(metadata["token_endpoint"], token["refresh_token"])
assert fresh["refresh_token"] != token["refresh_token"]
done("refresh")
