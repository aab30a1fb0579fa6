"""Plain HTTP beside the page: one file a subject, each with routes()."""
