"""What the AWS SDK may say in a log: no tracebacks, and nothing that holds a secret."""

from __future__ import annotations

import logging
from typing import Final

_SDK: Final = ("aiobotocore", "botocore")
_RENEWING: Final = ("aiobotocore.credentials", "aiobotocore.tokens")


def quieten_sdk() -> None:
    """Set up the SDK's loggers, once or many times.

    At DEBUG it writes every body down, AssumeRole's as well: these loggers stay above that
    whatever the level of the root. And where credentials cannot be renewed it logs a traceback
    of what it raises all the same; the line alone will do.
    """
    for name in _SDK:
        logger = logging.getLogger(name)
        if logger.level == logging.NOTSET or logger.level < logging.INFO:
            logger.setLevel(logging.INFO)
        # Without one, Python's handler of last resort would print warnings to stderr.
        if not logger.handlers:
            logger.addHandler(logging.NullHandler())
    for name in _RENEWING:
        logging.getLogger(name).addFilter(_without_traceback)


def _without_traceback(record: logging.LogRecord) -> bool:
    record.exc_info = record.exc_text = None
    return True
