"""Files for systemd: a timer, the service it starts, and the service that tells of a failure."""

import shlex
from collections.abc import Sequence

from reporting.schedules.job import LOCKED, TOLD, Job


def emit(job: Job) -> dict[str, str]:
    """Units of a job, for ``~/.config/systemd/user`` or ``/etc/systemd/system``.

    The timer keeps the zone of the schedule, also over clock changes, and catches up on what was missed.

    Parameters
    ----------
    job
        What to run.
    """
    calendars = "\n".join(f"OnCalendar={times.calendar()}" for times in job.times)
    settings = "\n".join(f"Environment={_word(f'{name}={value}')}" for name, value in job.environment.items())
    secrets = ""
    if job.secrets:
        secrets = f"\n# {', '.join(job.secrets)}, by name: NAME=value lines, readable by you alone (chmod 600)"
        secrets += f"\nEnvironmentFile=-{_percent(str(job.secrets_file))}"
    return {
        f"{job.name}.timer": f"""\
# systemctl --user enable --now {job.name}.timer
[Unit]
Description=When the reports are due

[Timer]
{calendars}
Persistent=true
AccuracySec=1s

[Install]
WantedBy=timers.target
""",
        f"{job.name}.service": f"""\
[Unit]
Description=Build the reports that are due
OnFailure={job.name}-failed.service

[Service]
Type=oneshot
WorkingDirectory={_percent(str(job.folder))}
{settings}{secrets}
ExecStart={_argv(job.command)}
# {LOCKED}: another run is at work, and does this work too
SuccessExitStatus={LOCKED}
TimeoutStartSec={job.timeout}
TimeoutStopSec=30
KillMode=control-group
UMask=0027
Nice=5
""",
        f"{job.name}-failed.service": f"""\
[Unit]
Description=Tell what a run of the reports could not tell itself

[Service]
Type=oneshot
WorkingDirectory={_percent(str(job.folder))}
{settings}{secrets}
ExecStart={_argv(["/bin/sh", "-c", _script(job)])}
TimeoutStartSec=120
""",
    }


def _script(job: Job) -> str:
    """Shell that tells the hooks, unless the run did; systemd says how it ended (from version 251 on)."""
    told = "|".join(str(code) for code in TOLD)
    notice = f'{shlex.join(job.notice)} "${{MONITOR_EXIT_STATUS:-unknown}}"'
    return f'case "$MONITOR_EXIT_STATUS" in {told}) ;; *) {notice} ;; esac'


def _argv(words: Sequence[str]) -> str:
    return " ".join(_word(word, of_command=True) for word in words)


def _percent(text: str) -> str:
    return text.replace("%", "%%")


def _word(word: str, *, of_command: bool = False) -> str:
    """A word as systemd reads it: quoted, and its own signs doubled."""
    text = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    if of_command:
        text = text.replace("$", "$$")
    return text if text and not set(text) & set(" \t'\"\\;") else f'"{text}"'
