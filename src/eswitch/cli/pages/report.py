"""The page of `verify`: each layer with its verdict, its questions, and the evidence."""

from __future__ import annotations

from collections.abc import Sequence

from eswitch.cli.layout import count, cut, paragraph
from eswitch.cli.screen import Line, Marks, Span, Style, faint, line, strong
from eswitch.cli.summary import mentioned
from eswitch.model.report import Check, Layer, Report, Verdict

_STYLES = {Verdict.OK: Style.GOOD, Verdict.FAILED: Style.BAD, Verdict.UNKNOWN: Style.WARN}
_QUESTIONS = {
    Layer.CONFIGURED: "is this host as the spec wants it?",
    Layer.WIRED: "could traffic run in hardware?",
    Layer.OFFLOADED: "does traffic run in hardware?",
}
FEW = 8
"""Up to so many ports are listed with their traffic."""
MANY = 12
"""Up to so many questions are listed one by one if they all have the same way out."""


def report_page(report: Report, spec: str, marks: Marks, *, verbose: bool = False) -> list[Line]:
    """Questions by layer, with what does not speak for them; everything with `verbose`."""
    lines: list[Line] = []
    for layer in Layer:
        checks = [check for check in report.checks if check.layer is layer]
        if checks:
            lines += [_heading(layer, report.verdict(layer))]
            lines += _Layer(layer, checks, marks, verbose=verbose).lines()
            lines.append(line())
    return [*lines, _overall(report, spec)]


def _heading(layer: Layer, verdict: Verdict) -> Line:
    return line(strong(f"{layer.value}: "), _word(verdict), faint(f"  {_QUESTIONS[layer]}"))


def _word(verdict: Verdict) -> Span:
    """Bad news in capitals: colours may be missing."""
    text = "ok" if verdict is Verdict.OK else verdict.value.upper()
    return Span(text, _STYLES[verdict])


def _overall(report: Report, spec: str) -> Line:
    what = f"this host against {spec}" if spec else "this host, without a spec"
    tally = [
        f"{sum(check.verdict is each for check in report.checks)} {each.value}" for each in Verdict
    ]
    checks = count(len(report.checks), "check")
    rest = faint(f"  ({checks}: {', '.join(tally)})")
    return line(strong(f"{what}: "), _word(report.verdict()), rest)


class _Layer:
    """The checks of one layer, those of one question together."""

    def __init__(self, layer: Layer, checks: list[Check], marks: Marks, *, verbose: bool) -> None:
        self.layer = layer
        self.marks = marks
        self.verbose = verbose
        self.questions: dict[str, list[Check]] = {}
        for check in checks:
            self.questions.setdefault(check.question, []).append(check)
        hints = {check.hint for check in checks if check.verdict is not Verdict.OK}
        self.common_hint = hints.pop() if len(hints) == 1 else None

    def lines(self) -> list[Line]:
        asked = list(self.questions.items())
        hidden = 0
        if self.common_hint and len(asked) > MANY and not self.verbose:
            hidden = sum(len(checks) for _, checks in asked[MANY:])
            asked = asked[:MANY]
        lines = []
        for question, checks in asked:
            lines += self._question(question, checks)
        if hidden:
            lines.append(line(faint(f"    and {hidden} more (-v lists them)")))
        if self.common_hint:
            lines += paragraph(self.common_hint, indent=2, first="hint: ")
        return lines

    def _question(self, question: str, checks: list[Check]) -> list[Line]:
        """One line if it was asked of one thing, else a tally and what is to be said of each."""
        if len(checks) == 1:
            only = checks[0]
            text = f"{only.subject}: {question} "
            return [*self._line(2, only.verdict, text, only.evidence), *self._hints(checks)]
        sound = sum(check.verdict is Verdict.OK for check in checks)
        worst = Report(tuple(checks)).verdict()
        lines = self._line(2, worst, f"{question} ", f"{sound} of {len(checks)}")
        told = [check for check in checks if self._tell(check, len(checks))]
        width = max((len(str(check.subject)) for check in told), default=0)
        few = None if self.verbose else FEW
        for check, alike in cut(told, lambda each: (each.verdict, each.evidence), few=few):
            lines += self._line(
                4, check.verdict, f"{str(check.subject).ljust(width)}  ", check.evidence
            )
            if alike:
                lines.append(line(faint(f"      and {len(alike)} more like it (-v lists them)")))
        return [*lines, *self._hints(checks)]

    def _tell(self, check: Check, total: int) -> bool:
        """Traffic is what was asked for; of the rest only what is not as it should be."""
        if self.verbose or check.verdict is not Verdict.OK:
            return True
        return self.layer is Layer.OFFLOADED and total <= FEW

    def _line(self, indent: int, verdict: Verdict, text: str, evidence: str) -> list[Line]:
        mark = {
            Verdict.OK: self.marks.good,
            Verdict.FAILED: self.marks.bad,
            Verdict.UNKNOWN: self.marks.unknown,
        }[verdict]
        sign = Span(f"{mark} ", _STYLES[verdict])
        return [line(" " * indent, sign, text, faint(evidence), hang=indent + 4)]

    def _hints(self, checks: Sequence[Check]) -> list[Line]:
        if self.common_hint:
            return []
        hints = dict.fromkeys(c.hint for c in checks if c.hint and c.verdict is not Verdict.OK)
        shown = tuple(hints) if self.verbose else mentioned(tuple(hints))
        return [part for hint in shown for part in paragraph(hint, indent=4, first="hint: ")]
