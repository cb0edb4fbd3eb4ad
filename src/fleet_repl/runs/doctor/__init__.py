"""Whether a fleet can be reached, read and written: the questions, the checks, the problems. Pure.

Every decision about what answers mean is made here; `engine.doctor` asks.
"""

from fleet_repl.runs.doctor.checks import is_reached, permissions_of, stops, worst
from fleet_repl.runs.doctor.model import (
    DESCRIBE,
    POLICY,
    REPOSITORIES,
    SETTING,
    TEMPLATES,
    AccountExamination,
    BaseIdentity,
    Checks,
    CheckState,
    DoctorReport,
    FleetProblem,
    ProblemKind,
    Question,
    StateExamination,
    StsUse,
    Way,
)
from fleet_repl.runs.doctor.problems import (
    ACCOUNT,
    REGION,
    ExaminedAccount,
    fleet_problems,
    joining_notes,
)
from fleet_repl.runs.doctor.questions import Needs, needs_of
from fleet_repl.runs.doctor.run import notes_of, run_problems, session_seconds

__all__ = [
    "ACCOUNT",
    "DESCRIBE",
    "POLICY",
    "REGION",
    "REPOSITORIES",
    "SETTING",
    "TEMPLATES",
    "AccountExamination",
    "BaseIdentity",
    "CheckState",
    "Checks",
    "DoctorReport",
    "ExaminedAccount",
    "FleetProblem",
    "Needs",
    "ProblemKind",
    "Question",
    "StateExamination",
    "StsUse",
    "Way",
    "fleet_problems",
    "is_reached",
    "joining_notes",
    "needs_of",
    "notes_of",
    "permissions_of",
    "run_problems",
    "session_seconds",
    "stops",
    "worst",
]
