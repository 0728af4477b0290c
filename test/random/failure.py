"""What a trial says when something is not as it must be."""


class Failure(Exception):
    """kind: what reducing must keep."""

    def __init__(self, kind, text):
        super().__init__(text)
        self.kind = kind


def expect(what, got, wanted):
    if got != wanted:
        raise Failure(what.split(":")[-1],
                      f"{what}\n  got    {got!r}\n  wanted {wanted!r}")
