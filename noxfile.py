"""Every check of the project, each as a session: `nox` runs all, `nox -s lint` one of them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import nox

nox.needs_version = ">=2025.5"
nox.options.error_on_missing_interpreters = True
nox.options.stop_on_first_error = False
nox.options.default_venv_backend = "uv|virtualenv"

# Hundreds of processes are started, and each would compile the SDK anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

VERSIONS = ("3.11", "3.12", "3.13")
SURVIVAL = "tests/survival"
SEQUENCES = ["python", "-m", "tests.sequences"]
BROWSER = "tests/browser"
TESTS = ["-n", "3", "-q", f"--ignore={SURVIVAL}", f"--ignore={BROWSER}"]
# Helm as a library, which no extra has: it is large, and made for few platforms.
HELM = "helm-python-sdk>=0.2.2; sys_platform == 'linux' and platform_machine == 'x86_64'"
OF_THE_TREE = [f"--ignore=tests/{folder}" for folder in ("docs", "fleet", "mistakes", "mutation")]
"""What tells nothing of a wheel that the suite of the tree has not told."""


def _interpreters() -> list[str]:
    """One working interpreter for each supported version that this machine has.

    A name on the PATH may be a shim that refuses to run, so each one is asked.
    """
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    found = []
    for version in VERSIONS:
        installed = sorted(str(path) for path in pyenv.glob(f"{version}.*/bin/python"))
        for candidate in (shutil.which(f"python{version}"), *installed, sys.executable):
            if candidate is not None and _runs(candidate, version):
                found.append(candidate)
                break
    return found


def _runs(python: str, version: str) -> bool:
    asked = "import sys, venv, ensurepip; print('%d.%d' % sys.version_info[:2])"
    try:
        done = subprocess.run(
            [python, "-c", asked], capture_output=True, text=True, check=False, timeout=30
        )
    except OSError:
        return False
    return done.stdout.strip() == version


INTERPRETERS = _interpreters()


def _ministack(session: nox.Session) -> dict[str, str]:
    """Install MiniStack, and return the variable that names its folder. It pins a botocore that
    aiobotocore does not take, so it cannot be in the `test` extra."""
    folder = Path(session.virtualenv.location) / "ministack"
    shutil.rmtree(folder, ignore_errors=True)
    session.install("--target", str(folder), "ministack>=1.5.33")
    return {"FLEET_REPL_MINISTACK": str(folder)}


def _promtool(session: nox.Session) -> dict[str, str]:
    """The variable that names promtool, which tries the alert rules: taken out of Debian's package
    of Prometheus, of which nothing else is wanted. Empty where there is no such package."""
    folder = Path(session.virtualenv.location) / "promtool"
    folder.mkdir(exist_ok=True)
    fetch = "apt-get download -qq prometheus"
    script = f"{fetch} || {{ apt-get update -qq; {fetch}; }}; dpkg-deb -x prometheus_*.deb ."
    if subprocess.run(["/bin/sh", "-ec", script], cwd=folder, check=False).returncode:
        session.log("no promtool is to be had: the alert rules are checked by their format alone")
        return {}
    return {"FLEET_REPL_PROMTOOL": str(folder / "usr/bin/promtool")}


@nox.session
def lint(session: nox.Session) -> None:
    """Style and likely mistakes."""
    session.install("ruff>=0.9")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session
def types(session: nox.Session) -> None:
    """Types, strictly."""
    # Benchmarks are checked too, and the last one is what their types need.
    session.install(".[test]", "mypy>=1.13", "trustme>=1.2")
    session.run("mypy")


@nox.session
def docs(session: nox.Session) -> None:
    """The site of the pages, with the reference of the library; a broken link fails."""
    session.install("-e", ".[docs]")
    session.run("sphinx-build", "-W", "--keep-going", "-q", "-b", "html", "docs", "build/site")


@nox.session
def floors(session: nox.Session) -> None:
    """Imports between the project's modules go down only."""
    session.install("-e", ".", "import-linter>=2.1")
    session.run("lint-imports")


@nox.session(python=INTERPRETERS[:1])
def tests(session: nox.Session) -> None:
    """The suite on the first interpreter."""
    session.install("-e", ".[test]", HELM)
    tools = {**_ministack(session), **_promtool(session)}
    session.run("pytest", *TESTS, *session.posargs, env=tools)


@nox.session(python=INTERPRETERS[:1], default=False)
def coverage(session: nox.Session) -> None:
    """The same with branch coverage, which takes half as long again."""
    session.install("-e", ".[test]")
    session.run("coverage", "erase")
    command = ["coverage", "run", "-m", "pytest", *TESTS, *session.posargs]
    session.run(*command, env=_ministack(session))
    session.run("coverage", "combine", "--quiet")
    session.run("coverage", "report")


@nox.session(python=INTERPRETERS[1:2] or INTERPRETERS)
def survival(session: nox.Session) -> None:
    """Real processes that are killed and set against each other, on the next interpreter."""
    session.install("-e", ".[test]")
    # They wait for processes half of the time.
    session.run("pytest", "-n", "4", "-q", SURVIVAL, *session.posargs)
    if not session.posargs:
        session.run(*SEQUENCES, "--seed", "1", "--count", "20")


@nox.session(python=INTERPRETERS[:1], default=False)
def sequences(session: nox.Session) -> None:
    """Random sequences of two fleets and strangers: 300 from any seed, unless told otherwise."""
    session.install("-e", ".[test]")
    session.run(*SEQUENCES, *session.posargs)


@nox.session(python=INTERPRETERS[:1], default=False)
def bench(session: nox.Session) -> None:
    """All benchmarks beside their peers, with results as JSON and plots: some twenty minutes.

    `nox -s bench -- --small` only shows that all of them run.
    """
    session.install("-e", ".[bench]")
    peers = Path(session.virtualenv.location) / "peers"
    session.run("python", "-m", "venv", "--clear", str(peers))
    python = str(peers / "bin" / "python")
    # They pin a botocore that aiobotocore does not take.
    wanted = ("boto3", "botocove", "awsrun", "beautifulsoup4", "runacross")
    session.run(python, "-m", "pip", "install", "--quiet", *wanted, external=True)
    session.run("python", "-m", "benchmarks.suite", "--peers", python, *session.posargs)


@nox.session(python=INTERPRETERS[:1])
def browser(session: nox.Session) -> None:
    """Reports as pages in Chromium. Without one the session is skipped; but on CI it fails."""
    session.install("-e", ".[test,browser]")
    chromium = {"FLEET_REPL_CHROMIUM": _chromium(session)}
    session.run("pytest", "-q", BROWSER, *session.posargs, env=chromium)


@nox.session(python=INTERPRETERS[:1], default=False)
def pictures(session: nox.Session) -> None:
    """The pictures of the pages, made anew by real runs."""
    session.install("-e", ".[test,browser]")
    chromium = {"FLEET_REPL_CHROMIUM": _chromium(session)}
    session.run("python", "-m", "tests.pictures", env=chromium)


def _chromium(session: nox.Session) -> str:
    """Returns the path of a Chromium, which is installed if need be; ends the session where that
    cannot be done."""
    answer = session.run("python", "-m", "tests.browser", silent=True)
    lines = str(answer).splitlines()
    if not lines or not Path(lines[-1]).is_file():
        end = session.error if {"CI", "FLEET_REPL_CI"} & os.environ.keys() else session.skip
        end(lines[-1] if lines else "no Chromium is found")
    return lines[-1]


@nox.session
def newest(session: nox.Session) -> None:
    """Our extension of ECR's service model over that of the newest botocore there is."""
    session.install("-e", ".", "hypothesis>=6.120", "pytest>=8.3", "pytest-asyncio>=1.0")
    folder = Path(session.create_tmp()) / "newest"
    shutil.rmtree(folder, ignore_errors=True)
    session.install("--no-deps", "--target", str(folder), "botocore")
    session.log(" ".join(one.stem for one in folder.glob("botocore-*.dist-info")))
    session.run(
        "pytest",
        "-q",
        "tests/aws/test_an_older_sdk_learns_what_is_new.py",
        env={"FLEET_REPL_NEWEST_BOTOCORE": str(folder)},
    )


@nox.session(python=INTERPRETERS[-1:])
def package(session: nox.Session) -> None:
    """The suite but for its laws against the wheel that users install, on the last interpreter."""
    session.install("build>=1.2", "twine>=6.1")
    # Not create_tmp, which makes every temporary path of the tests a very long one.
    built = Path(session.virtualenv.location) / "dist"
    shutil.rmtree(built, ignore_errors=True)
    fixed = {"SOURCE_DATE_EPOCH": "1767225600"}
    # The wheel is built out of the sdist here, and out of the tree below.
    session.run("python", "-m", "build", "--outdir", str(built), silent=True, env=fixed)
    (wheel,) = built.glob("*.whl")
    (sdist,) = built.glob("*.tar.gz")
    session.run("twine", "check", "--strict", str(wheel), str(sdist))
    again = built / "again"
    build = ["python", "-m", "build", "--wheel", "--outdir", str(again)]
    session.run(*build, silent=True, env=fixed)
    if (again / wheel.name).read_bytes() != wheel.read_bytes():
        session.error("the wheel of the tree is not the wheel of the sdist")
    session.install(f"{wheel}[test]")
    command = ["pytest", *TESTS, *OF_THE_TREE, "-m", "not hypothesis", *session.posargs]
    session.run(*command)
