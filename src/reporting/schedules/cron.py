"""Files for cron: a script and the lines that start it."""

import shlex

from reporting.schedules.job import Job, shell


def emit(job: Job, *, clock: str) -> dict[str, str]:
    """Script and crontab of a job.

    Not every cron knows other zones than the machine's: Debian's ignores CRON_TZ. So the lines are written on the
    clocks of the machine, with a line for summer and one for winter where they differ; what comes at the wrong one
    finds nothing due. A machine that was off catches up when it starts.

    Parameters
    ----------
    job
        What to run.
    clock
        Zone of the machine's clocks.
    """
    script = job.folder / f"{job.name}.sh"
    log = job.out / f"{job.name}.log"
    settings = "\n".join(f"export {name}={shlex.quote(value)}" for name, value in job.environment.items())
    secrets = ""
    if job.secrets:
        file = shlex.quote(str(job.secrets_file))
        secrets = (
            f"\n# {', '.join(job.secrets)}: NAME=value lines in a file that only you can read (chmod 600)"
            f"\nif [ -r {file} ]; then set -a; . {file}; set +a; fi"
        )
    lines = [line.fields for times in job.times for line in times.cron_on(clock)]
    starts = "\n".join(f"{_field(fields)} {_escaped(str(script))}" for fields in dict.fromkeys(lines))
    due = "\n".join(f"# Due {times}." for times in job.times)
    return {
        f"{job.name}.sh": f"""\
#!/bin/sh
# Builds the reports that are due. Keep it as {script}, executable (chmod +x).
cd {shlex.quote(str(job.folder))} || exit 2
umask 027
{settings}{secrets}
mkdir -p {shlex.quote(str(job.out))}
exec >>{shlex.quote(str(log))} 2>&1
{shell(job)}""",
        f"{job.name}.cron": f"""\
# Add to the crontab with: crontab -e
{due}
# Written for a machine with its clocks in {clock}.
SHELL=/bin/sh
CRON_TZ={clock}
{starts}
@reboot {_escaped(str(script))}
""",
    }


def _field(fields: str) -> str:
    return fields.ljust(14)


def _escaped(path: str) -> str:
    """A path as a word of the shell in a crontab, where a per cent sign would end the line."""
    return shlex.quote(path).replace("%", r"\%")
