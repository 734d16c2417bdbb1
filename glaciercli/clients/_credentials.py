"""The credentials of a profile: a code is asked for once, and what fails is told by its name.

botocore asks for a code wherever it is, and what its helpers raise when a person or a program does
not answer says neither whose answer was wanted nor what to do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from glaciercli.errors import AccessDenied
from glaciercli.hints import quoted

#: Shows a question; returns the answer, or None where nobody is there to give one.
Ask = Callable[[str], str | None]

_LONGEST = 200  # characters that are shown of what a program has said
# What botocore's own code raises when a program answers with anything but credentials, or with
# some that have expired.
_OF_ANSWERS = (AttributeError, KeyError, OSError, RuntimeError, TypeError, ValueError)


class Codes:
    """Asks for the code of a profile with MFA, once a run: later nobody may be there any more."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._was_asked = False

    def code_for(self, profile: str) -> str:
        """Return what a person types; raises AccessDenied where nobody does, or did already."""
        if self._was_asked:
            raise _over(profile)
        self._was_asked = True
        code = self._ask(f"MFA code of profile {profile}: ")
        if code is None:
            raise AccessDenied(
                f"profile {profile!r} wants an MFA code, and nobody is at a terminal to type it",
                hint="run it at a terminal, or name a --profile that wants none",
            )
        return code


def load(session: Any, codes: Codes) -> None:
    """Load the credentials of a boto3 session, and name its profile wherever that fails.

    Raises AccessDenied where a program or a service gives none; credentials that are fetched or
    renewed later raise it then. That there are none at all is told when they are needed.
    """
    profile = session.profile_name
    resolver = session._session.get_component("credential_provider")  # noqa: SLF001 - boto3 hides it
    roles = resolver.get_provider("assume-role")
    roles._prompter = lambda _: codes.code_for(profile)  # noqa: SLF001 - it has no public place
    with _named(profile):
        credentials = session.get_credentials()
    if credentials is None:
        return
    take = credentials.get_frozen_credentials

    def take_named() -> Any:
        with _named(profile):
            return take()

    credentials.get_frozen_credentials = take_named  # which renews them where that is due


@contextmanager
def _named(profile: str) -> Iterator[None]:
    from botocore import exceptions as aws  # noqa: PLC0415 - costs more than the rest of a start

    try:
        yield
    except aws.RefreshWithMFAUnsupportedError as error:
        raise _over(profile) from error
    except aws.CredentialRetrievalError as error:
        said = str(error.kwargs.get("error_msg") or "").strip()
        why = said.splitlines()[0] if said else "it failed, and said nothing"
        raise _none(profile, f"{error.kwargs.get('provider')}: {why}") from error
    except aws.ClientError as error:
        raise _none(profile, str(error.response.get("Error", {}).get("Message", ""))) from error
    except _OF_ANSWERS as error:
        where = f"{error.filename}: " if isinstance(error, OSError) and error.filename else ""
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise _none(profile, f"{where}{why}") from error


def _over(profile: str) -> AccessDenied:
    return AccessDenied(
        f"the session of profile {profile!r} is over, and its code is asked for once a run",
        hint="run the same command again; what was done is kept",
    )


def _none(profile: str, why: str) -> AccessDenied:
    return AccessDenied(
        f"profile {profile!r} gives no credentials: {why[:_LONGEST]}",
        hint=f"to see what it says: aws sts get-caller-identity --profile {quoted(profile)}",
    )
