"""Asking an OpenID provider who somebody is: authorization code flow with PKCE (OpenID Connect Core 1.0).

Everything of one sign-in is derived from one random text that only the person's browser keeps, so that a
sign-in may begin at one replica and end at another.

OpenIdError
├── ProviderDown   the provider does not answer, or not as it should
└── ProofRefused   what came back does not prove who it is
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import BoundedSemaphore
from typing import Any

from authlib.common.errors import AuthlibBaseError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from requests import RequestException

from bot.hotline.addresses import is_private
from knowledge.database import now

ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"]
ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")
TIMEOUT = 5.0  # seconds for each call
LEEWAY = 60  # seconds that the provider's clock may be off
LONGEST_SIGN_IN = timedelta(minutes=10)
AT_ONCE = 4  # threads that may wait for the provider; the others answer citizens


class OpenIdError(Exception):
    """Who somebody is could not be found out; says why, for the log."""


class ProviderDown(OpenIdError):
    """The provider does not answer, or not as it should."""


class ProofRefused(OpenIdError):
    """What came back does not prove who it is."""


@dataclass(frozen=True)
class Client:
    """As whom the provider knows this assistant, and where it sends people back to."""

    issuer: str
    client_id: str
    client_secret: str
    redirect_uri: str


class Provider:
    """The provider of one issuer; its addresses and keys are asked anew for each sign-in."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._turns = BoundedSemaphore(AT_ONCE)

    def address(self, begun: str) -> str:
        """Give where to send somebody whose browser keeps what ``begin`` gave."""
        with self._calling() as session:
            found = self._discover(session)
            address, _ = session.create_authorization_url(
                found["authorization_endpoint"],
                state=_derived(begun, "state"),
                nonce=_derived(begun, "nonce"),
                code_verifier=_derived(begun, "verifier"),
            )
        return str(address)

    def subject(self, begun: str, state: str, code: str) -> str:
        """Give who came back with a code: the issuer and its name for them; raises OpenIdError."""
        if not hmac.compare_digest(_derived(begun, "state").encode(), _bytes(state)) or _is_over(begun):
            raise ProofRefused("the state is not that of a sign-in begun in this browser lately")
        with self._calling() as session:
            found = self._discover(session)
            methods = found.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
            if "client_secret_basic" not in methods:
                session.token_endpoint_auth_method = "client_secret_post"  # noqa: S105
            token = session.fetch_token(
                found["token_endpoint"],
                grant_type="authorization_code",
                code=code,
                code_verifier=_derived(begun, "verifier"),
                redirect_uri=self._client.redirect_uri,
                allow_redirects=False,
            )
            keys = self._ask(session, found["jwks_uri"])
        return self._proven(token, keys, found["issuer"], _derived(begun, "nonce"))

    def _discover(self, session: OAuth2Session) -> dict[str, Any]:
        issuer = self._client.issuer.rstrip("/")
        found = self._ask(session, f"{issuer}/.well-known/openid-configuration")
        if str(found.get("issuer")).rstrip("/") != issuer:
            raise ProviderDown(f"its issuer is {found.get('issuer')!r}, not {issuer!r}")
        if unsafe := [name for name in ENDPOINTS if not is_private(found.get(name))]:
            raise ProviderDown(f"its {', '.join(unsafe)} must be https")
        return found

    def _ask(self, session: OAuth2Session, address: str) -> dict[str, Any]:
        reply = session.get(address, withhold_token=True, allow_redirects=False)
        reply.raise_for_status()
        if not isinstance(found := reply.json(), dict):
            raise ProviderDown(f"{address} gives no object")
        return found

    def _proven(self, token: dict[str, Any], keys: dict[str, Any], issuer: str, nonce: str) -> str:
        """Check the ID token as OpenID Connect Core 3.1.3.7 asks; give whom it names."""
        options = {
            "iss": {"essential": True, "value": issuer},
            "aud": {"essential": True, "value": self._client.client_id},
        }
        params = {
            "nonce": nonce,
            "client_id": self._client.client_id,
            "access_token": token.get("access_token"),
        }
        try:
            known = KeySet.import_key_set({"keys": keys["keys"]})
            read = jwt.decode(str(token["id_token"]), known, algorithms=ALGORITHMS)
            claims = CodeIDToken(read.claims, read.header, options, params)
            claims.validate(leeway=LEEWAY)
        except (JoseError, ValueError, LookupError, TypeError, AttributeError) as error:
            raise ProofRefused(f"the ID token does not hold: {error!r}") from error
        return f"{issuer} {claims['sub']}"

    @contextmanager
    def _calling(self) -> Iterator[OAuth2Session]:
        """Open a session with the provider; what goes wrong in it is an OpenIdError."""
        if not self._turns.acquire(blocking=False):
            raise ProviderDown("too many wait for it already")
        client = self._client
        try:
            with OAuth2Session(
                client.client_id,
                client.client_secret,
                scope="openid",
                redirect_uri=client.redirect_uri,
                code_challenge_method="S256",
                default_timeout=TIMEOUT,
            ) as session:
                yield session
        except AuthlibBaseError as error:
            raise ProofRefused(f"the provider refused: {error.error}") from error
        except (RequestException, json.JSONDecodeError, ValueError, KeyError) as error:
            raise ProviderDown(f"{type(error).__name__}: {error}") from error
        finally:
            self._turns.release()


def begin(at: datetime | None = None) -> str:
    """Give the text that a browser keeps while its owner signs in at the provider."""
    return f"{int((at or now()).timestamp())}.{secrets.token_urlsafe(32)}"


def _is_over(begun: str) -> bool:
    moment = begun.partition(".")[0]
    if not (moment.isascii() and moment.isdigit()):
        return True
    age = now().timestamp() - int(moment[:12])
    return not -LEEWAY <= age <= LONGEST_SIGN_IN.total_seconds()


def _derived(begun: str, what: str) -> str:
    """Derive what is sent; from what the provider sees, nothing else can be told."""
    return hmac.new(_bytes(begun), what.encode(), hashlib.sha256).hexdigest()


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
