"""The house: requirements are exact, set-up runs once and says plainly what is missing, the server keeps to itself."""

import os
import re
import shutil
import subprocess
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
REQUIREMENT_FILES = (
    *("requirements.txt", "requirements-train.txt", "requirements-dev.txt", "requirements-bench.txt"),
    "constraints.txt",
)
EXACT = re.compile(r"[A-Za-z0-9_.-]+==[A-Za-z0-9.]+")
SHELL_TOOLS = ("bash", "cat", "cp", "chmod", "dirname", "env", "id", "mkdir", "sha256sum", "tail", "timeout")

FAKE_PYTHON = """#!/usr/bin/env bash
# Stands in for Python and its package registry: makes a .venv of itself and writes down what pip is asked for.
case "$*" in
    *"version_info <"*) exit {too_old} ;;
    *ensurepip*) exit {no_venv} ;;
    *version_info*) echo 3.11 ;;
    *"-m venv"*) mkdir -p .venv/bin && cp "$0" .venv/bin/python && chmod +x .venv/bin/python ;;
    *"-m pip"*) echo "$*" >>pip.log; exit {pip_fails} ;;
esac
"""

FAKE_APT = """#!/usr/bin/env bash
# Stands in for Debian's packages: installing a program puts it into bin/.
if [ "$1" = install ]; then echo >"bin/${!#}" && chmod +x "bin/${!#}"; fi
"""


def lines_of(name: str) -> list[str]:
    """The lines of a requirements file that say something."""
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A copy of the set-up and its inputs, beside a bin/ that holds a shell's tools and nothing else."""
    for name in (*REQUIREMENT_FILES, "scripts/setup.sh"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / "bin").mkdir()
    for tool in SHELL_TOOLS:
        found = shutil.which(tool)
        assert found, f"these tests need {tool}"
        (tmp_path / "bin" / tool).symlink_to(found)
    return tmp_path


def add_program(house: Path, name: str, text: str) -> None:
    """Put a program into the house's bin/, in the place of any that stands there."""
    program = house / "bin" / name
    program.unlink(missing_ok=True)
    program.write_text(text)
    program.chmod(0o755)


def add_python(house: Path, *, too_old: bool = False, no_venv: bool = False, pip_fails: bool = False) -> None:
    """Put the stand-in for Python into the house's bin/."""
    text = FAKE_PYTHON.format(too_old=int(too_old), no_venv=int(no_venv), pip_fails=int(pip_fails))
    add_program(house, "python3", text)


def run_setup(house: Path) -> subprocess.CompletedProcess[str]:
    """Run the set-up with the house's bin/ as its whole PATH."""
    environment = {"PATH": str(house / "bin"), "HOME": str(house)}
    command = [str(house / "bin" / "bash"), "scripts/setup.sh"]
    return subprocess.run(command, cwd=house, env=environment, capture_output=True, text=True, timeout=60, check=False)


def pip_runs(house: Path) -> int:
    """How often pip was asked to install."""
    log = house / "pip.log"
    return len(log.read_text().splitlines()) if log.exists() else 0


@pytest.mark.parametrize("name", REQUIREMENT_FILES)
def test_every_requirement_is_exact(name: str) -> None:
    loose = [line for line in lines_of(name) if not line.startswith(("-c ", "-r ")) and not EXACT.fullmatch(line)]
    assert loose == []


@pytest.mark.parametrize("name", REQUIREMENT_FILES)
def test_requirements_name_files_of_ours_and_no_place_to_fetch_from(name: str) -> None:
    options = [line for line in lines_of(name) if line.startswith("-")]
    assert all((ROOT / option.split()[1]).is_file() for option in options)
    assert not re.search(r"://|@|--", "\n".join(lines_of(name)))


def test_torch_is_pinned_to_the_build_that_the_checkpoints_were_measured_with() -> None:
    assert "torch==2.13.0" in lines_of("requirements.txt")


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-train.txt", "requirements-dev.txt"])
def test_what_is_installed_is_what_is_required(name: str) -> None:
    for line in lines_of(name):
        if not line.startswith("-"):
            package, version = line.split("==")
            assert metadata.version(package).split("+")[0] == version


def test_a_first_set_up_installs_and_a_second_does_not(house: Path) -> None:
    add_python(house)
    assert run_setup(house).returncode == 0
    assert pip_runs(house) == 1
    assert run_setup(house).returncode == 0
    assert pip_runs(house) == 1


def test_a_changed_requirement_is_installed_at_the_next_start(house: Path) -> None:
    add_python(house)
    run_setup(house)
    with (house / "requirements.txt").open("a") as file:
        file.write("tomorrow==1.0\n")
    run_setup(house)
    assert pip_runs(house) == 2


def test_set_up_goes_on_without_system_programs_and_says_what_is_lost(house: Path) -> None:
    add_python(house)
    done = run_setup(house)
    assert done.returncode == 0
    assert "fluidsynth is missing and was not installed: sound falls back" in done.stdout
    assert "chromium is missing and was not installed: the end-to-end tests" in done.stdout


def test_set_up_installs_the_system_programs_where_it_may(house: Path) -> None:
    add_python(house)
    add_program(house, "id", "#!/usr/bin/env bash\necho 0\n")
    add_program(house, "apt-get", FAKE_APT)
    done = run_setup(house)
    assert done.returncode == 0
    assert "missing" not in done.stdout
    assert (house / "bin" / "fluidsynth").exists()
    assert (house / "bin" / "chromium").exists()


def test_packages_that_could_not_be_installed_are_tried_again_at_the_next_start(house: Path) -> None:
    add_python(house, pip_fails=True)
    done = run_setup(house)
    assert done.returncode != 0
    assert "could not be installed" in done.stderr
    run_setup(house)
    assert pip_runs(house) == 2


@pytest.mark.parametrize("too_old", [True, None])
def test_without_a_recent_python_set_up_says_which_one_it_wants(house: Path, too_old: bool | None) -> None:
    if too_old:
        add_python(house, too_old=True)
    done = run_setup(house)
    assert done.returncode != 0
    assert "Python 3.11 or newer is needed" in done.stderr
    assert done.stderr.count("\n") == 1


def test_without_the_venv_module_set_up_says_what_to_install(house: Path) -> None:
    add_python(house, no_venv=True)
    done = run_setup(house)
    assert done.returncode != 0
    assert "apt-get install python3.11-venv" in done.stderr


def test_the_port_is_the_callers_choice() -> None:
    make = shutil.which("make")
    assert make, "this test needs make"
    environment = {**os.environ, "PORT": "9123"}
    command = [make, "--dry-run", "app"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=True)
    assert "--server.port 9123" in done.stdout


def test_the_server_sends_nothing_home_and_asks_for_nothing() -> None:
    config = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))
    assert config["browser"]["gatherUsageStats"] is False
    assert config["browser"]["serverAddress"]
    assert config["server"]["headless"] is True
    assert config["server"]["maxUploadSize"] <= 2
