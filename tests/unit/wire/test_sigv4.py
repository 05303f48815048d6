"""Our signatures are botocore's, header by header."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import quote

import time_machine
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotoCredentials
from hypothesis import given, settings
from hypothesis import strategies as st

from meghdoot.adapters.sigv4 import Credentials, Request, signed_headers

AT = datetime(2026, 11, 21, 3, 4, 5, tzinfo=UTC)
plain = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=30)
values = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=30)
header_names = st.text("abcdefghijklmnopqrstuvwxyz-", min_size=1, max_size=12).map(lambda n: "x-" + n)
requests = st.builds(
    Request,
    method=st.sampled_from(("GET", "POST", "PUT")),
    host=st.sampled_from(("dynamodb.ap-south-1.amazonaws.com", "b.s3.us-east-1.amazonaws.com")),
    path=st.lists(st.text(st.characters(codec="utf-8"), min_size=1, max_size=8), max_size=4).map(
        lambda parts: "/" + "/".join(quote(p.replace(".", "-"), safe="~") for p in parts)
    ),
    query=st.dictionaries(plain, values, max_size=3),
    headers=st.dictionaries(header_names, values, max_size=4),
    body=st.binary(max_size=200),
)
credentials = st.builds(Credentials, plain, plain, st.one_of(st.none(), plain))


def botos(request: Request, keys: Credentials, service: str) -> dict[str, str]:
    """The headers that botocore sends for the same request at the same instant."""
    url = f"https://{request.host}{request.path}"
    headers = dict(request.headers)
    theirs = AWSRequest(request.method, url, headers, request.body, params=dict(request.query))
    boto_keys = BotoCredentials(keys.access_key, keys.secret_key, keys.token)
    signer = (S3SigV4Auth if service == "s3" else SigV4Auth)(boto_keys, service, "ap-south-1")
    if service == "s3":
        theirs.context["client_config"] = None
        theirs.context["payload_signing_enabled"] = True
    with time_machine.travel(AT, tick=False):
        signer.add_auth(theirs)
    return {name.lower(): value for name, value in theirs.headers.items()}


@settings(max_examples=150)
@given(requests, credentials, st.sampled_from(("dynamodb", "sqs", "sns", "secretsmanager")))
def test_a_signature_is_botocores(request: Request, keys: Credentials, service: str) -> None:
    ours = signed_headers(request, keys, "ap-south-1", service, AT)
    theirs = botos(request, keys, service)
    assert ours["authorization"] == theirs["authorization"]
    assert ours["x-amz-date"] == theirs["x-amz-date"]
    assert ours.get("x-amz-security-token") == theirs.get("x-amz-security-token")


@settings(max_examples=100)
@given(requests, credentials)
def test_a_signature_for_s3_is_botocores(request: Request, keys: Credentials) -> None:
    ours = signed_headers(request, keys, "ap-south-1", "s3", AT)
    theirs = botos(request, keys, "s3")
    assert ours["authorization"] == theirs["authorization"]
    assert ours["x-amz-content-sha256"] == theirs["x-amz-content-sha256"]


def test_keys_do_not_show() -> None:
    assert "hidden" not in repr(Credentials("a", "hidden", "hidden"))
