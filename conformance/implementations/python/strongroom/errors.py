"""The one exception of this package: a code of errors.md, which a program branches on."""

import errno


class Refused(Exception):
    """What rules or steps refuse, with their code. `position` is that of a typing error."""

    def __init__(self, code: str, position: int | None = None):
        super().__init__(code)
        self.code = code
        self.position = position


FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def of_system(error: OSError) -> Refused:
    """The code of a failure of disk or network."""
    if error.errno in FULL:
        return Refused("disk-full")
    if error.errno in (errno.EACCES, errno.EPERM):
        return Refused("permission")
    return Refused("io")
