"""Files for the scheduler you have. This package writes no clock of its own.

    times in the recipe → job → cron, systemd, Airflow, GitHub Actions, Jupyter Scheduler

Every engine starts the same command, `metrics report run --due`, which builds what has come due since its last good
page. So a wake-up too many does nothing, and the first one after an outage makes up for it.
"""

from datetime import datetime
from os import environ
from pathlib import Path
from zoneinfo import available_timezones

from reporting.schedules import airflow, cron, github, jupyter, systemd
from reporting.schedules.job import Job, job
from reporting.schedules.times import Times

__all__ = ["ENGINES", "Job", "Times", "emit", "job", "machine_zone"]

ENGINES = ("cron", "systemd", "airflow", "github-actions", "jupyter-scheduler")


def emit(engine: str, job: Job, *, clock: str | None = None) -> dict[str, str]:
    """Ready files for one engine: name and content. Nothing is installed.

    Parameters
    ----------
    engine
        One of `ENGINES`.
    job
        What to run.
    clock
        Zone of the clocks of the machine, for cron; this machine's if it is not given.

    Raises
    ------
    ValueError
        The engine is unknown, there is no time, or the engine cannot express one.
    """
    if not job.times:
        raise ValueError(
            "No time is set. Add schedule = 'every weekday at 06:00 Europe/Berlin' to the recipe, or use --at."
        )
    if engine == "cron":
        return cron.emit(job, clock=clock or machine_zone())
    if engine == "systemd":
        return systemd.emit(job)
    if engine == "airflow":
        return airflow.emit(job)
    if engine == "github-actions":
        return github.emit(job)
    if engine == "jupyter-scheduler":
        return jupyter.emit(job)
    raise ValueError(f"{engine!r} is no engine. Use one of {', '.join(ENGINES)}.")


def machine_zone() -> str:
    """Name of the zone that this machine's clocks show; UTC where it has none."""
    places = [environ.get("TZ", "").lstrip(":"), str(Path("/etc/localtime").resolve()).partition("zoneinfo/")[2]]
    if Path("/etc/timezone").is_file():
        places.insert(1, Path("/etc/timezone").read_text(encoding="utf-8").strip())
    known = available_timezones()
    named = [place for place in places if place in known]
    if named:
        return named[0]
    offset = datetime.now().astimezone().utcoffset()
    return "UTC" if not offset else f"Etc/GMT{-round(offset.total_seconds() / 3600):+d}"
