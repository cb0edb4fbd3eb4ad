"""The questions, checks and problems that say whether a fleet can be reached, read and written.

Pure: every decision about what answers mean is made here; `engine.doctor` asks.
"""

from fleet_repl.runs.doctor.checks import (
    ACCOUNT as ACCOUNT,
    ExaminedAccount as ExaminedAccount,
    is_reached as is_reached,
    permissions_of as permissions_of,
    stops as stops,
    worst as worst,
)
from fleet_repl.runs.doctor.model import (
    DESCRIBE as DESCRIBE,
    POLICY as POLICY,
    REPOSITORIES as REPOSITORIES,
    SETTING as SETTING,
    TEMPLATES as TEMPLATES,
    AccountExamination as AccountExamination,
    BaseIdentity as BaseIdentity,
    Checks as Checks,
    CheckState as CheckState,
    DoctorReport as DoctorReport,
    FleetProblem as FleetProblem,
    ProblemKind as ProblemKind,
    Question as Question,
    StateExamination as StateExamination,
    StsUse as StsUse,
    Way as Way,
)
from fleet_repl.runs.doctor.problems import (
    REGION as REGION,
    fleet_problems as fleet_problems,
    joining_notes as joining_notes,
)
from fleet_repl.runs.doctor.questions import Needs as Needs, needs_of as needs_of
from fleet_repl.runs.doctor.run import (
    notes_of as notes_of,
    queue_note as queue_note,
    queue_problem as queue_problem,
    run_problems as run_problems,
    session_seconds as session_seconds,
)
