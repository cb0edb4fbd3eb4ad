"""Refuses files and folders of a state that another user could have written.

The state decides which links are the fleet's own and what a rollback puts back. A user who can
change it can have the rules of others removed without a warning. So only files of the user who runs
this process, or of root, are trusted.
"""

from __future__ import annotations

import errno
import os
import pwd
import shlex
import stat
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Final

_OTHERS_WRITE: Final = stat.S_IWGRP | stat.S_IWOTH
_ROOT: Final = 0
_SHARED: Final = (
    "where several users share it on purpose, write shared = true under [state] of the inventory"
)


class UntrustedError(Exception):
    """A file or folder of a state that another user may have written. Its text says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    root: Path
    """The folder of the whole state."""
    within: str = ""
    """The folder below the root that names begin in."""
    name: str
    """The name of the document, such as `prod/applied.json`."""
    shared: bool = False
    """True if several users of the machine share the state."""

    @property
    def path(self) -> Path:
        return self.root / self.within / self.name

    @property
    def steps(self) -> tuple[str, ...]:
        """The folders between the root and the document."""
        return PurePosixPath(self.within, self.name).parts[:-1]

    @property
    def inside(self) -> Place:
        """The place of any document in the folder of this name."""
        return replace(self, name=(PurePosixPath(self.name) / "*").as_posix())

    @property
    def file_mode(self) -> int:
        return 0o660 if self.shared else 0o600

    @property
    def folder_mode(self) -> int:
        return 0o2770 if self.shared else 0o700


def check(handle: int, path: Path, place: Place, *, made: bool = False) -> None:
    """Raises UntrustedError for an open file or folder that another user could have written.
    `made`: this process may have just created it."""
    status = os.fstat(handle)
    own = status.st_uid == os.geteuid()
    if place.shared:
        if made and own and stat.S_IMODE(status.st_mode) != place.file_mode:
            # The umask may have removed permissions of the group.
            os.fchmod(handle, place.file_mode)
        return
    if not own and status.st_uid != _ROOT:
        raise UntrustedError(
            f"{path}: it belongs to {_user(status.st_uid)}, not to {_user(os.geteuid())} who runs "
            f"this\n    name a state of your own with --state or in [state]; {_SHARED}"
        )
    if status.st_mode & _OTHERS_WRITE:
        who = "everybody" if status.st_mode & stat.S_IWOTH else "its group"
        raise UntrustedError(
            f"{path}: {who} may write to it\n    if nobody has: chmod -R go-w "
            f"{shlex.quote(str(place.root))}; {_SHARED}"
        )


def refuse_link(name: str, folder: int, path: Path) -> None:
    """Raises UntrustedError where a name in a folder is a symbolic link."""
    try:
        mode = os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENOTDIR):
            return
        raise
    if stat.S_ISLNK(mode):
        raise UntrustedError(
            f"{path}: it is a symbolic link, and none within a state is followed\n"
            "    put what it stands for in its place, or name that with --state or in [state]"
        )


def _user(uid: int) -> str:
    try:
        return f"user {pwd.getpwuid(uid).pw_name}"
    except KeyError:
        return f"user {uid}"
