"""What can go wrong, as sentences with a way out.

    PoseloomError            exit code 1: our failure
    ├── BadInput             exit code 2: the user can mend it
    │   ├── UnknownMethod    a plug-in name that is in no table
    │   ├── Unavailable      a package, model or program is missing
    │   └── BadArray         an array of the wrong shape or with NaN in it
    └── Cancelled            exit code 130
"""

from __future__ import annotations


class PoseloomError(Exception):
    """One sentence that says what and where, a code for machines, and a way out.

    `code` is a short snake_case word that stays the same between versions.
    """

    exit_code = 1

    def __init__(self, code: str, message: str, hint: str = ""):
        super().__init__(code, message, hint)
        self.code = code
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class BadInput(PoseloomError):
    exit_code = 2


class UnknownMethod(BadInput):
    pass


class Unavailable(BadInput):
    pass


class BadArray(BadInput):
    pass


class Cancelled(PoseloomError):
    exit_code = 130

    def __init__(self, message: str = "Cancelled."):
        super().__init__("cancelled", message)


def told(error: PoseloomError) -> dict:
    """An error as plain values, for another process; `rebuilt` undoes it."""
    return {"kind": type(error).__name__, "code": error.code, "message": error.message, "hint": error.hint}


def rebuilt(values: dict) -> PoseloomError:
    kind = globals().get(values["kind"], PoseloomError)
    return Cancelled(values["message"]) if kind is Cancelled else kind(values["code"], values["message"], values["hint"])


def named(error: PoseloomError, where: str) -> PoseloomError:
    """The same error, its sentence beginning with what it is about."""
    return rebuilt({**told(error), "message": f"{where}: {error.message}"})


def of_any(error: Exception) -> PoseloomError:
    """What went wrong, in one sentence, whatever it was."""
    if isinstance(error, PoseloomError):
        return error
    if isinstance(error, OSError):
        where = f" ({error.filename})" if error.filename else ""
        return BadInput(
            "cannot_write",
            f"The system refused a file: {error.strerror or error}{where}.",
            "Choose another folder, or make room on the disk.",
        )
    words = f"{type(error).__name__}: {error}".splitlines()[0].strip().rstrip(".:")
    return PoseloomError("failed", f"{words}.")
