"""Models: what each network is, how well it predicts, and how it sounds."""
