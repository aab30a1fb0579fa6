"""The models page: what each network is, how well it predicts, how it sounds, and how one learned."""
