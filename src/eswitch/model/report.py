"""Verdicts: what was asked of the host, what it showed, and what that means."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from .subject import Subject


class Verdict(StrEnum):
    """UNKNOWN is a verdict of its own: no evidence is neither good nor bad (design.md rule 8)."""

    OK = "ok"
    FAILED = "failed"
    UNKNOWN = "unknown"


class Layer(StrEnum):
    """The three questions of `verify`, each only meaningful if the one before holds."""

    CONFIGURED = "configured"
    WIRED = "wired"
    OFFLOADED = "offloaded"


@dataclass(frozen=True, slots=True)
class Check:
    """One question, its answer, and the evidence in the host's own terms.

    `reason_kind` is the kind of reason (`offload/reason.py`) that flows are not in hardware, where
    the evidence is one.
    """

    layer: Layer
    subject: Subject
    question: str
    verdict: Verdict
    evidence: str
    hint: str | None = None
    reason_kind: str | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """All checks of one run."""

    checks: tuple[Check, ...]

    def verdict(self, layer: Layer | None = None) -> Verdict:
        """FAILED if any check failed, else UNKNOWN if any is unknown or there is none, else OK."""
        verdicts = {check.verdict for check in self.checks if layer in (None, check.layer)}
        if Verdict.FAILED in verdicts:
            return Verdict.FAILED
        return Verdict.OK if verdicts == {Verdict.OK} else Verdict.UNKNOWN
