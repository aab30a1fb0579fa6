"""Programs for people who work on the project: set-up and measurements."""
