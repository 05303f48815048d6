"""One spelling of an e-mail address, so that all who keep, compare or suppress one mean the same."""

from __future__ import annotations

from meghdoot.kernel.errors import Invalid

MAX_EMAIL = 254


def normalise_email(text: str, field: str = "email") -> str:
    """A single address, lower-cased, its domain in ASCII (IDNA). Raises Invalid, naming the field, for anything else.

    Display names, lists, trailing dots, quoted local parts that need their quotes and local parts that are not ASCII
    are refused: providers do not take them, and each would be a second spelling that a suppression does not meet.
    """
    from email_validator import EmailNotValidError, validate_email

    candidate = text.strip(" \t\r\n")
    try:
        checked = validate_email(
            candidate,
            check_deliverability=False,
            strict=True,  # at most 64 characters before the @
            allow_smtputf8=False,
            allow_quoted_local=True,  # quotes that are not needed are taken off; the others are refused below
            test_environment=True,  # reserved test domains are where the local stack and the tests send to
        )
    except (EmailNotValidError, UnicodeError) as e:
        raise Invalid.field(field, "invalid_email", "one plain address such as name@example.com is wanted") from e
    address = f"{checked.local_part}@{checked.ascii_domain}".lower()
    if '"' in address or "." not in checked.ascii_domain or len(address) > MAX_EMAIL:
        raise Invalid.field(field, "invalid_email", "one plain address such as name@example.com is wanted")
    return address


def normalise_domain(text: str, field: str = "domain") -> str:
    """A domain, lower-cased and in ASCII (IDNA). Raises Invalid, naming the field."""
    try:
        return normalise_email(f"a@{text.strip()}", field).partition("@")[2]
    except Invalid as e:
        raise Invalid.field(field, "invalid_domain", "a domain such as example.com is wanted") from e
