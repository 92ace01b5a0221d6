"""A file for Airflow: a DAG for each time that reports are due."""

from reporting.schedules.job import LOCKED, Job, shell


def emit(job: Job) -> dict[str, str]:
    """DAG file of a job, for Airflow 2.9 and later, 3 included.

    Airflow keeps the zone. A run that finds another at work is skipped; one that was missed is not made up for run by
    run, for the next one builds whatever is due.

    Parameters
    ----------
    job
        What to run.
    """
    dags = []
    for number, times in enumerate(job.times, start=1):
        name = job.name if len(job.times) == 1 else f"{job.name}-{number}"
        dags.append(
            f"""
with DAG(
    dag_id={name!r},
    description={f"Build the reports that are due, {times}"!r},
    schedule=CronTriggerTimetable({times.cron()!r}, timezone={times.zone!r}),
    start_date=datetime(2026, 1, 1, tzinfo=timezone.utc),
    catchup=False,  # the next run builds whatever is due
    max_active_runs=1,
    tags=["reports"],
):
    build()
"""
        )
    secrets = f"# In the environment of the workers: {', '.join(job.secrets)}.\n" if job.secrets else ""
    return {
        f"{job.name.replace('-', '_')}_dag.py": f'''\
"""Build the reports that are due. Put this file into the DAGs folder of Airflow."""

from datetime import datetime, timedelta, timezone

try:
    from airflow.providers.standard.operators.bash import BashOperator
    from airflow.sdk import DAG
except ImportError:  # Airflow 2
    from airflow import DAG
    from airflow.operators.bash import BashOperator
from airflow.timetables.trigger import CronTriggerTimetable

{secrets}SCRIPT = {shell(job, locked=LOCKED)!r}


def build():
    """One task: it is skipped where another run is at work, and never tried again on its own."""
    return BashOperator(
        task_id="build",
        bash_command=SCRIPT,
        cwd={str(job.folder)!r},
        env={job.environment!r},
        append_env=True,
        skip_on_exit_code={LOCKED},
        execution_timeout=timedelta(seconds={job.timeout + 60}),
        retries=0,
    )

{"".join(dags)}'''
    }
