"""Hypothesis profiles: `--hypothesis-profile deep` is what `make test-deep` runs."""

from hypothesis import settings

settings.register_profile("deep", max_examples=20_000, deadline=None)
