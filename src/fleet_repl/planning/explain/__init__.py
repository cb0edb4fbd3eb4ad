"""Explain where an image goes by the inventory, where it does not go, and exactly why. Pure."""

from fleet_repl.planning.explain.decide import (
    EXTERNAL_FACT as EXTERNAL_FACT,
    carrying as carrying,
    carrying_prefix as carrying_prefix,
    explain as explain,
    explain_image as explain_image,
    not_carried as not_carried,
    question_of as question_of,
    routes_carrying as routes_carrying,
)
from fleet_repl.planning.explain.model import (
    Awaited as Awaited,
    AwaitedImage as AwaitedImage,
    Carried as Carried,
    Explanation as Explanation,
    NotCarried as NotCarried,
    Question as Question,
    Reason as Reason,
    TagMove as TagMove,
    Waited as Waited,
)
from fleet_repl.planning.explain.remedy import (
    remedy_of as remedy_of,
)
