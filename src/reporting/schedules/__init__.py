"""Files that make a scheduler run reports: we write no clock."""
