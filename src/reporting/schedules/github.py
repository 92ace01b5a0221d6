"""A file for GitHub Actions: a workflow that builds the reports and keeps the pages."""

import os
import shlex

from reporting.schedules.job import Job, shell


def emit(job: Job) -> dict[str, str]:
    """Workflow of a job, for ``.github/workflows``. Its paths are those of the repository.

    GitHub's clocks are UTC and start late when they are busy. So there is a line for summer and one for winter, and
    the first step compares the offset of the zone, not the hour.

    Parameters
    ----------
    job
        What to run. The working directory is the root of the repository.
    """
    lines = [(line, times) for times in job.times for line in times.cron_on("UTC")]
    crons = "\n".join(f'    - cron: "{fields}"' for fields in dict.fromkeys(line.fields for line, _ in lines))
    zones = sorted({times.zone for times in job.times})
    offered = " ".join(f'"$SCHEDULE {zone} $(TZ={zone} date +%z)"' for zone in zones)
    command = ["metrics", *(_inside(word, job) for word in job.command[1:] if word != "--due")]
    notice = shlex.join(["metrics", *(_inside(word, job) for word in job.notice[1:])])
    body = "".join(f"          {line}\n" for line in shell(job, command=command, notice=notice).splitlines())
    secrets = "".join(f"          {name}: ${{{{ secrets.{name} }}}}\n" for name in job.secrets)
    environment = f"        env:\n{secrets}" if secrets else ""
    due = "\n".join(f"# Due {times}." for times in job.times)
    right = "\n".join(
        f'              "{line.fields} {times.zone} {line.offset}") echo yes=true >> "$GITHUB_OUTPUT" ;;'
        for line, times in lines
    )
    return {
        f"{job.name}.yml": f"""\
# Put this file into .github/workflows.
{due}
name: Reports
on:
  schedule:
{crons}
  workflow_dispatch:
permissions:
  contents: read
concurrency:
  group: {job.name}
jobs:
  build:
    runs-on: ubuntu-latest
    timeout-minutes: {-(-job.timeout // 60) + 15}
    steps:
      - name: Compare summer and winter time
        id: due
        env:
          EVENT: ${{{{ github.event_name }}}}
          SCHEDULE: ${{{{ github.event.schedule }}}}
        run: |
          if [ "$EVENT" != schedule ]; then echo yes=true >> "$GITHUB_OUTPUT"; fi
          for now in {offered}; do
            case "$now" in
{right}
            esac
          done
      - uses: actions/checkout@v5
        if: steps.due.outputs.yes
      - uses: actions/setup-python@v6
        if: steps.due.outputs.yes
        with:
          python-version: "3.11"
          cache: pip
          cache-dependency-path: requirements.lock
      - name: Install from the lock file
        if: steps.due.outputs.yes
        run: |
          python -m pip install --quiet --no-deps -r requirements.lock
          python -m pip install --quiet --no-deps --no-build-isolation --editable .
      - name: Build the reports
        if: steps.due.outputs.yes
{environment}        run: |
          set +e
{body}      - name: Keep the pages
        if: always() && steps.due.outputs.yes
        uses: actions/upload-artifact@v4
        with:
          name: reports
          path: {_inside(str(job.out), job)}
          include-hidden-files: false
"""
    }


def _inside(word: str, job: Job) -> str:
    """A path of this machine as one of the repository; other words as they are."""
    if not os.path.isabs(word):
        return word
    near = os.path.relpath(word, job.folder)
    if near.startswith(".."):
        raise ValueError(
            f"{word}: this lies outside {job.folder}, so it is not in the repository. Run this in the root of it."
        )
    return near
