"""Whether a fleet can be reached, read and written: the questions, the checks, the problems. Pure.

Every decision about what answers mean is made here; `engine.doctor` asks.
"""

from fleet_repl.runs.doctor.checks import checks_of, is_reached, permissions_of, stops, worst
from fleet_repl.runs.doctor.model import (
    DESCRIBE,
    POLICY,
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
from fleet_repl.runs.doctor.problems import Finding, Patient, fleet_problems, group_findings
from fleet_repl.runs.doctor.questions import Needs, needs_of, questions_of
from fleet_repl.runs.doctor.run import notes_of, run_problems, session_seconds

__all__ = [
    "DESCRIBE",
    "POLICY",
    "SETTING",
    "TEMPLATES",
    "AccountExamination",
    "BaseIdentity",
    "CheckState",
    "Checks",
    "DoctorReport",
    "Finding",
    "FleetProblem",
    "Needs",
    "Patient",
    "ProblemKind",
    "Question",
    "StateExamination",
    "StsUse",
    "Way",
    "checks_of",
    "fleet_problems",
    "group_findings",
    "is_reached",
    "needs_of",
    "notes_of",
    "permissions_of",
    "questions_of",
    "run_problems",
    "session_seconds",
    "stops",
    "worst",
]
