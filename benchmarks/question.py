"""What every side is asked: five steps in order within seven days. No imports, for these count in a fresh process."""

STEPS = ["visit", "sign_up", "create_project", "invite", "subscribe"]
WINDOW = "7 days"
BEGIN = 1_767_571_200_000_000  # Monday 2026-01-05, UTC, in microseconds: where the logs begin
AS_OF = "2026-08-01"  # past the last row: nothing is cut off
