"""An OpenID provider: discovery, keys, a sign-in that redirects back, tokens; it can be told to go wrong."""

from __future__ import annotations

import base64
import hashlib
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Annotated, Any
from urllib.parse import urlencode

import uvicorn
from fastapi import FastAPI, Form, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

CLIENT_ID, CLIENT_SECRET = "hoi-mot-cua", "bi-mat-cua-co-quan"
Field = Annotated[str, Form()]


@dataclass
class OpenIdProvider:
    """Who signs in there, what goes wrong, and what was asked."""

    sub: str = "lan-01"
    url: str = ""
    is_post: bool = False  # the client's secret is asked for in the form
    faults: set[str] = field(default_factory=set)  # see the places that look into it
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    callbacks: list[str] = field(default_factory=list)  # where browsers were sent back to
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "one"}))
    other_key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "one"}))

    def discovery(self) -> dict[str, Any]:
        """Tell where everything is."""
        way = "post" if self.is_post else "basic"
        token = "http://192.0.2.1/token" if "plain_token_endpoint" in self.faults else f"{self.url}/token"
        return {
            "issuer": "https://other.example" if "other_issuer" in self.faults else self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": token,
            "jwks_uri": f"{self.url}/jwks",
            "token_endpoint_auth_methods_supported": [f"client_secret_{way}"],
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "code_challenge_methods_supported": ["S256"],
        }

    def give_code(self, asked: dict[str, str]) -> str:
        """Give a code that is good once."""
        code = secrets.token_urlsafe(16)
        self.codes[code] = asked
        return code

    def exchange(self, form: dict[str, str]) -> dict[str, Any] | None:
        """Give the tokens for a code, unless it was used or is somebody else's."""
        asked = self.codes.pop(form["code"], None)
        if asked is None or asked["redirect_uri"] != form["redirect_uri"]:
            return None
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != asked["code_challenge"]:
            return None
        return {
            "access_token": secrets.token_urlsafe(16),
            "token_type": "Bearer",
            "expires_in": 300,
            "id_token": self.id_token(asked["nonce"]),
        }

    def id_token(self, nonce: str) -> str:
        """Say who signed in."""
        at = int(time.time()) - (3600 if "expired" in self.faults else 0)
        claims: dict[str, Any] = {
            "iss": "https://other.example" if "other_iss" in self.faults else self.url,
            "sub": self.sub,
            "aud": "somebody-else" if "other_aud" in self.faults else CLIENT_ID,
            "iat": at,
            "exp": at + 300,
            "nonce": "another" if "other_nonce" in self.faults else nonce,
        }
        if "no_nonce" in self.faults:
            del claims["nonce"]
        if "unsigned" in self.faults:
            return _unsigned(claims)
        signed_by = self.other_key if "bad_signature" in self.faults else self.key
        return jwt.encode({"alg": "RS256", "kid": "one"}, claims, signed_by)


def _unsigned(claims: dict[str, Any]) -> str:
    parts = ({"alg": "none", "typ": "JWT"}, claims)
    encoded = [base64.urlsafe_b64encode(JSONResponse(part).body).rstrip(b"=").decode() for part in parts]
    return ".".join([*encoded, ""])


def openid_app(provider: OpenIdProvider) -> FastAPI:
    """Build the application that speaks the protocol."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)

    @app.get("/.well-known/openid-configuration")
    def discovery() -> Response:
        if "error" in provider.faults:
            return JSONResponse({"error": "server_error"}, 500)
        if "malformed" in provider.faults:
            return Response("<html>", media_type="text/html")
        return JSONResponse(provider.discovery())

    @app.get("/jwks")
    def keys() -> dict[str, Any]:
        return dict(KeySet([provider.key]).as_dict(private=False))

    @app.get("/authorize")
    def authorize(request: Request) -> Response:
        asked = dict(request.query_params)
        assert asked["response_type"] == "code" and asked["client_id"] == CLIENT_ID
        assert "openid" in asked["scope"].split() and asked["code_challenge_method"] == "S256"
        back = {"state": asked["state"]}
        if "denied" in provider.faults:
            back["error"] = "access_denied"
        else:
            back["code"] = provider.give_code(asked)
        provider.callbacks.append(f"{asked['redirect_uri']}?{urlencode(back)}")
        return RedirectResponse(provider.callbacks[-1], 302)

    @app.post("/token")
    def token(
        request: Request,
        grant_type: Field,
        code: Field,
        redirect_uri: Field,
        code_verifier: Field,
        client_id: Field = "",
        client_secret: Field = "",
    ) -> Response:
        if "token_error" in provider.faults:
            return JSONResponse({"error": "server_error"}, 503)
        known = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
        by_header = request.headers.get("authorization") == f"Basic {known}"
        by_form = (client_id, client_secret) == (CLIENT_ID, CLIENT_SECRET)
        is_known = by_form if provider.is_post else by_header
        if not is_known or grant_type != "authorization_code":
            return JSONResponse({"error": "invalid_client"}, 401)
        form = {"code": code, "redirect_uri": redirect_uri, "code_verifier": code_verifier}
        given = provider.exchange(form)
        return JSONResponse(given) if given else JSONResponse({"error": "invalid_grant"}, 400)

    return app


@contextmanager
def serving(provider: OpenIdProvider, host: str = "127.0.0.1") -> Iterator[str]:
    """Serve it in a thread; its address is named with ``host``, to be another site than the desk."""
    config = uvicorn.Config(openid_app(provider), log_config=None, port=0, timeout_graceful_shutdown=1)
    running = uvicorn.Server(config)
    thread = threading.Thread(target=running.run, daemon=True)
    thread.start()
    deadline, pause = time.monotonic() + 20, threading.Event()
    while not running.started:
        if time.monotonic() > deadline or not thread.is_alive():
            raise RuntimeError("the OpenID provider did not start")
        pause.wait(0.01)
    provider.url = f"http://{host}:{running.servers[0].sockets[0].getsockname()[1]}"
    try:
        yield provider.url
    finally:
        running.should_exit = True
        thread.join(10)
